"""Inside a Transformer: one pass for all positions, the mask that keeps it honest, attention, and the logit lens."""

TITLE = "Inside the Transformer"
SECTION = "How it learns"
ICON = "layers"
PROMISE = "One pass scores every position at once, and none can see what comes next. Look inside, and try to cheat."
EXAMPLES = {
    "One pass, every prediction": {"look": "pass"},
    "Change the last word: nothing before it moves": {"look": "mask"},
    "The same without the mask": {"look": "mask", "mask": "0"},
    "A blank filled from the left, and from both sides": {"look": "sides"},
    "The same blank, another right side": {"look": "sides", "words": "the customer left the regional hub."},
    "A head that looks at the token before": {"look": "attention", "layer": "17", "head": "1"},
    "A head that rests on the first token": {"look": "attention", "layer": "19", "head": "9"},
    "When does Paris appear?": {"look": "lens"},
}
PARAMETERS = ("at", "blank", "edit", "head", "layer", "look", "mask", "swap", "text", "with", "words")

from pages.shell.navigation import ensure_entry

ensure_entry()

from pages.inside_the_transformer import (
    attention_view,
    controls,
    logit_lens_view,
    mask_view,
    masked_lm_view,
    one_pass_view,
)
from pages.shared.controls import page_toolbar

VIEWS = {
    "pass": ("One pass", one_pass_view.render), "mask": ("No peeking", mask_view.render),
    "sides": ("Both sides", masked_lm_view.render), "attention": ("Attention", attention_view.render),
    "lens": ("Layer by layer", logit_lens_view.render),
}  # fmt: skip
page_toolbar.views(EXAMPLES, PARAMETERS, VIEWS, controls.declare)
