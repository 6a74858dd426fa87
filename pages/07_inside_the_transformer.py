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

from pages.parts.navigation import ensure_entry

ensure_entry()

from pages.parts import inside_attention, inside_choice, inside_lens, inside_mask, inside_pass, inside_sides, views

VIEWS = {
    "pass": ("One pass", inside_pass.draw), "mask": ("No peeking", inside_mask.draw),
    "sides": ("Both sides", inside_sides.draw), "attention": ("Attention", inside_attention.draw),
    "lens": ("Layer by layer", inside_lens.draw),
}  # fmt: skip
views.draw(EXAMPLES, inside_choice.NAMES, VIEWS, inside_choice.standing)
