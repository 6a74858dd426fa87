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

from pages.parts.navigation import ensure_entry

ensure_entry()

from pages.parts import (
    limits_choice,
    limits_claims,
    limits_lookup,
    limits_policy,
    limits_repairs,
    limits_sums,
    limits_syntax,
    views,
)

VIEWS = {
    "sums": ("Sums", limits_sums.draw), "syntax": ("Syntax", limits_syntax.draw),
    "policy": ("Policy", limits_policy.draw), "lookup": ("Look-up", limits_lookup.draw),
    "claims": ("Claims", limits_claims.draw), "repairs": ("Repairs", limits_repairs.draw),
}  # fmt: skip
views.draw(EXAMPLES, limits_choice.NAMES, VIEWS, limits_choice.standing)
