"""What a next-token model can be relied on for, measured: sums, syntax, policies, look-ups, and what may be claimed."""

TITLE = "Limits"
SECTION = "Check"
ICON = "rule"
PROMISE = "Is it only autocomplete? Do not argue: measure. And see why a probable answer is not yet a true one."
EXAMPLES = {
    "Shortcut or subtraction?": {"look": "sums"},
    "The article’s sum: both say 3": {"look": "sums", "total": "5", "taken": "2"},
    "A sum where they part": {"look": "sums", "total": "9", "taken": "2"},
    "Answer first: a JSON record": {"look": "syntax"},
    "A bracket to close: SQL": {"look": "syntax", "place": "SQL"},
    "The policy in the context": {"look": "policy"},
    "The opposite policy is followed too": {
        "look": "policy", "policy": "Refund policy: annual plans are non-refundable.",
    },
    "An order nobody placed": {"look": "lookup"},
    "The same, looked up": {"look": "lookup", "found": "1"},
    "What may be claimed": {"look": "claims"},
    "Symptom, cause, fix": {"look": "repairs"},
}  # fmt: skip
PARAMETERS = ("ask", "cases", "claim", "found", "look", "order", "place", "policy", "taken", "total", "wording")

from pages.shell.navigation import ensure_entry

ensure_entry()

from pages.limits import claims_view, controls, lookup_view, policy_view, repairs_view, sums_view, syntax_view
from pages.shared.controls import page_toolbar

VIEWS = {
    "sums": ("Sums", sums_view.render), "syntax": ("Syntax", syntax_view.render),
    "policy": ("Policy", policy_view.render), "lookup": ("Look-up", lookup_view.render),
    "claims": ("Claims", claims_view.render), "repairs": ("Repairs", repairs_view.render),
}  # fmt: skip
page_toolbar.views(EXAMPLES, PARAMETERS, VIEWS, controls.declare)
