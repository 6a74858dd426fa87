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
PARAMETERS = ("find", "look")

from pages.shell.navigation import ensure_entry

ensure_entry()

from pages.about import views
from pages.shared.controls import page_toolbar

VIEWS = {
    "words": ("Words", views.render_words), "works": ("Works", views.render_how_it_works),
    "concepts": ("Concepts", views.render_concepts), "server": ("This server", views.render_server),
}  # fmt: skip
page_toolbar.views(EXAMPLES, PARAMETERS, VIEWS, views.declare)
