"""Four common claims about language models, each beside what was measured and a wording that the figures support."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lm_core.scoring.candidates import Tally
from lm_core.text.arithmetic_task import Sum, cases
from pages.limits import sums_view
from pages.limits.controls import CLAIMS, FEW, WHO
from pages.shared import markup, on_demand, page_declarations, url_state
from pages.shared.controls import offered_models

_SAID = {
    "understands": "“It understands numbers.”",
    "memorises": "“It only memorises.”",
    "reasons": "“Train it on enough text, and reasoning is bound to come.”",
    "sums": "“Autocomplete can never do sums.”",
}
_BETTER = {
    "understands": "It has learned features that track subtraction in sentences of this kind.",
    "memorises": "It can memorise, and the loss also rewards what carries over to cases it never saw.",
    "reasons": "The loss makes such behaviour useful. Whether a model has it is for a test to say.",
    "sums": "A table of pairs cannot. A network trained on the same objective learned most of these.",
}
_SUM, _OTHER = Sum(9, 4), Sum(8, 4)
_FIGURE = {
    "understands": ("transformer", "right on sums it never saw, wrong on the others, and told only in three wordings"),
    "memorises": ("transformer", "right; none of these sums was in what it learned from"),
    "reasons": (offered_models.PRETRAINED, "right, after far more text; it counts on in {tempting}"),
    "sums": ("bigram", "right for the bigram; the small Transformer, same data and objective, has {other}"),
}


def render(_controls: DeltaGenerator) -> Callable[[], None]:
    """Asks for a claim; returns what holds it against the figures."""
    claim = str(url_state.value("claim"))
    if not url_state.presenting():
        claim = str(on_demand.control(
            url_state.key_of("claim"), _radio, "Somebody says", CLAIMS, format_func=_SAID.__getitem__
        ))  # fmt: skip
    return lambda: _show(claim)


def _radio(label: str, options: Sequence[str], value: str, **rest: Any) -> str:
    return str(st.radio(label, options, index=options.index(value), **rest))


def _show(claim: str) -> None:
    every = cases()
    asked = every[:: max(1, len(every) // FEW)][:FEW]
    tallies = {kind: Tally.of(answers) for kind, answers in sums_view.measured(asked).items()}
    kind, meaning = _FIGURE[claim]
    tally = tallies[kind]
    meaning = meaning.format(tempting=tally.tempting, other=f"{tallies['transformer'].right} of {tally.n}")
    markup.show(
        f'<p class="nte-sum" role="status"><b>{tally.right} of {tally.n}</b> sums: {WHO[kind]}, {meaning}.</p>'
        f"<p><b>What the figures carry:</b> {_BETTER[claim]}</p>"
    )
    if not url_state.presenting():
        st.write(
            "Next-token prediction says what a model is trained for. It does not say what the model found on the way: "
            "neither “just autocomplete” nor “a mind” is a measurement. Each ability is measured on the task that "
            "matters, and on cases the model has not seen."
        )
        page_declarations.show_link(
            f"inside_the_transformer?with=sums&sum={_SUM.prompt}&second={_OTHER.prompt}",
            "See the small Transformer at one of these sums, layer by layer, and change something in it",
            ":material/layers:",
        )
