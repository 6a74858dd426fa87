"""Inside a Transformer: one pass for all positions, the mask that keeps it honest, attention, and the logit lens."""

TITLE = "Inside the Transformer"
SECTION = "How it learns"
ICON = "layers"
PROMISE = "A real Transformer on your text: what every layer would predict at every token, and which tokens it reads."
WIDE = True
EXAMPLES = {
    "The whole picture": {"look": "picture"},
    "The layer before Paris": {"look": "picture", "prompt": "The capital of France is", "cell": "26.5"},
    "Who writes Paris and not London": {
        "look": "picture",
        "prompt": "The capital of France is",
        "against": "London",
        "cell": "24.5",
        "reads": "5",
    },
    "One head switched off, and Paris is gone": {
        "look": "picture",
        "prompt": "The capital of France is",
        "against": "London",
        "cell": "24.5",
        "reads": "5",
        "off": "24.5",
    },
    "One arrow in numbers, and cut": {
        "look": "picture",
        "prompt": "The capital of France is",
        "cell": "24.5",
        "reads": "5",
        "arrow": "4",
        "off": "24.5.5-4",
    },
    "France or Italy: put one cell into the other": {
        "look": "picture",
        "prompt": "The capital of France is",
        "second": "The capital of Italy is",
        "cell": "30.5",
        "off": "22@4",
        "shade": "second",
    },
    "The mask lifted: arcs run to the right": {
        "look": "picture",
        "prompt": "The capital of France is",
        "cell": "17.2",
        "off": "mask",
    },
    "A training run: step 300, nobody looks back yet": {
        "look": "picture",
        "with": "run",
        "step": "300",
        "cell": "2.14",
    },
    "The same run at its end: an induction head": {
        "look": "picture",
        "with": "run",
        "cell": "2.14",
        "reads": "2",
    },
    "Who repeats what was said": {
        "look": "picture",
        "prompt": "The Dursleys were rich. Mr Dursley sold drills. Mr Durs",
        "cell": "18.17",
        "reads": "5",
    },
    "One pass, every prediction": {"look": "pass"},
    "Change the last word: nothing before it moves": {"look": "mask"},
    "The same without the mask": {"look": "mask", "mask": "0"},
    "A blank filled from the left, and from both sides": {"look": "sides"},
    "The same blank, another right side": {"look": "sides", "words": "the customer left the regional hub."},
    "A head that looks at the token before": {
        "look": "attention",
        "prompt": "The capital of France is",
        "layer": "17",
        "head": "1",
    },
    "A head that rests on the first token": {
        "look": "attention",
        "prompt": "The capital of France is",
        "layer": "19",
        "head": "9",
    },
    "When does Paris appear?": {"look": "lens", "prompt": "The capital of France is"},
}
PARAMETERS = (
    "against", "arrow", "at", "blank", "by", "cache", "cell", "edit", "head", "layer", "letters", "look", "mask",
    "mine", "off", "prompt", "reads", "second", "shade", "step", "sum", "swap", "text", "with", "words",
)  # fmt: skip

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
from pages.inside_the_transformer.whole_picture import view as whole_picture
from pages.shared.controls import page_toolbar

VIEWS = {
    "picture": ("The whole picture", whole_picture.render),
    "pass": ("One pass", one_pass_view.render), "mask": ("No peeking", mask_view.render),
    "sides": ("Both sides", masked_lm_view.render), "attention": ("Attention", attention_view.render),
    "lens": ("Layer by layer", logit_lens_view.render),
}  # fmt: skip


def declare() -> None:
    """Of all views, so that those of closed ones stay in the link."""
    controls.declare()
    whole_picture.declare()


page_toolbar.views(EXAMPLES, PARAMETERS, VIEWS, declare)
