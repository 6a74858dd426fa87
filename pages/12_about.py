"""What the words mean, where the ideas come from, where each concept is taught, and how this server is."""

TITLE = "About"
SECTION = "About"
ICON = "info"
PROMISE = "What the words mean, where the ideas come from, and how this server is."
MODEL = False
EXAMPLES = {
    "The words": {"look": "words"},
    "What perplexity is": {"look": "words", "find": "perplexity"},
    "The works": {"look": "works"},
    "Every concept and where to touch it": {"look": "concepts"},
    "Limits, versions, health": {"look": "server"},
}

from pages.parts.navigation import ensure_entry

ensure_entry()

from pages.parts import about, views

VIEWS = {
    "words": ("Words", about.words), "works": ("Works", about.works),
    "concepts": ("Concepts", about.concepts), "server": ("This server", about.server),
}  # fmt: skip
views.draw(EXAMPLES, about.NAMES, VIEWS, about.standing)
