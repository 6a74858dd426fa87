"""What a model's loss on a text is made of, token by token, and how perplexity follows from it."""

TITLE = "Loss and perplexity"
SECTION = "How it learns"
ICON = "straighten"
PROMISE = (
    "Type any text: every token shows how surprised the model was. Their mean is the loss, and training lowers it."
)
EXAMPLES = {
    "A capital": {"text": "The capital of France is Paris."},
    "One wrong word": {"text": "The capital of France is banana."},
    "The small Transformer’s own world": {"with": "transformer"},
    "The same under a bigram": {"with": "bigram"},
    "A pair nobody wrote": {"with": "counts", "words": "the package reached on Friday, and Oslo will ship it."},
    "Four probabilities: 2.8284": {"look": "four"},
    "One bad token dominates": {"look": "four", "p": "0.9,0.9,0.9,0.000001"},
    "A guess among 50,000": {"look": "four", "p": "0.00002,0.00002,0.00002,0.00002"},
    "Four rows of logits: 0.209": {"look": "rows"},
    "Three models on one text": {"look": "models"},
}
PARAMETERS = ("at", "logits", "look", "p", "text", "with", "words")

from pages.shell.navigation import ensure_entry

ensure_entry()

from pages.loss import controls, four_probabilities_view, logit_rows_view, text_view, three_models_view
from pages.shared.controls import page_toolbar

VIEWS = {
    "text": ("A text", text_view.render), "four": ("Four probabilities", four_probabilities_view.render),
    "rows": ("Four rows of logits", logit_rows_view.render), "models": ("Three models", three_models_view.render),
}  # fmt: skip
page_toolbar.views(EXAMPLES, PARAMETERS, VIEWS, controls.declare)
