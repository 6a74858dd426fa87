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
PARAMETERS = ("look", "who")

from pages.shell.navigation import ensure_entry

ensure_entry()

from pages.shared.controls import page_toolbar
from pages.test_yourself import shannon_game, ten_questions

VIEWS = {"test": ("Ten questions", ten_questions.render), "game": ("Shannon’s game", shannon_game.render)}
page_toolbar.views(EXAMPLES, PARAMETERS, VIEWS, ten_questions.declare)
