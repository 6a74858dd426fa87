"""Ten questions drawn by seed, with an explanation after each; and Shannon's game: guess the next word, be scored."""

TITLE = "Test yourself"
SECTION = "Check"
ICON = "quiz"
PROMISE = "Ten questions, or a guessing game: be the language model, and see your own perplexity."
EXAMPLES = {
    "Ten questions": {"look": "test"},
    "Ten others": {"look": "test", "seed": "1"},
    "Shannon’s game": {"look": "game"},
    "Shannon’s game, another message": {"look": "game", "seed": "3"},
    "A room guesses": {"look": "game", "who": "room"},
}

from pages.parts.navigation import ensure_entry

ensure_entry()

from pages.parts import quiz_game, quiz_test, views

VIEWS = {"test": ("Ten questions", quiz_test.draw), "game": ("Shannon’s game", quiz_game.draw)}
views.draw(EXAMPLES, quiz_test.NAMES, VIEWS, quiz_test.standing)
