"""Four probabilities to set, and the perplexity they make: one bad token outweighs three good ones."""

from __future__ import annotations

import math
from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lm_core.scoring.perplexity import Score
from pages.loss import controls, explanations
from pages.shared import markup, tables, url_state

_STOPS = (0.0, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, *(n / 40 for n in range(1, 41)))


def render(_controls: DeltaGenerator) -> Callable[[], None]:
    """Asks for the four; returns what shows the answer."""
    key = url_state.key_of("p")
    start = controls.numbers(str(st.session_state[key]))
    if not url_state.presenting():
        left, right = st.columns(2)
        start = [_slider((left, right)[n > 2], n, p) for n, p in enumerate(_base(), start=1)]
    st.session_state[key] = ",".join(f"{p:.10g}" for p in start)
    return lambda: _show(start)


def _slider(place: DeltaGenerator, number: int, start: float) -> float:
    """Fine near 0, where a little decides much; what a link brought is among its stops."""
    stops = sorted({*_STOPS, start})
    name = f"p of token {number}"
    key = f"_loss_p_{number}_{_version()}"
    return float(place.select_slider(name, stops, start, key=key, format_func="{:.6g}".format))


def _version() -> int:
    """Counts the scenes, so that a followed link gives the boxes new values."""
    return int(st.session_state["_loss_p_base"][0])


def _base() -> list[float]:
    """The numbers the boxes start from: those of the scene last followed."""
    held: tuple[int, list[float]] = st.session_state.get("_loss_p_base", (0, []))
    if url_state.arriving() or not held[1] or f"_loss_p_1_{held[0]}" not in st.session_state:
        numbers = controls.numbers(str(url_state.value("p")))
        held = st.session_state["_loss_p_base"] = (held[0] + 1, numbers)
    return held[1]


def _show(probabilities: list[float]) -> None:
    score = Score.of_probabilities(probabilities)
    ppl = score.perplexity
    exact = f"{ppl:,.4f}" if ppl < 1e6 else markup.figure(ppl)
    markup.show(
        f'<p class="nte-sum" role="status"><b>{exact}</b> perplexity: as unsure as among {markup.figure(ppl)} equally '
        f"likely tokens<br>mean loss {_n(score.cross_entropy)} nats = {_n(score.bits_per_token)} bits; exp of the "
        f"mean, and 1 / geometric mean of the four: the same {exact}</p>"
    )
    losses = [-value for value in score.log_probabilities]
    rows = [
        (n, f"{p:.6g}", _n(loss), _n(loss / math.log(2)), _share(loss, losses))
        for n, (p, loss) in enumerate(zip(probabilities, losses), start=1)
    ]
    tables.render(["token", "p", "−ln p, nats", "bits", "share of the loss"], rows)
    if not url_state.presenting():
        explanations.curve([math.log(p) if p else -math.inf for p in probabilities])
        markup.note("An illustration: these four numbers are made up, the article’s to begin with.")


def _n(value: float) -> str:
    return "∞" if value == math.inf else f"{value + 0.0:.4f}"


def _share(loss: float, losses: list[float]) -> str:
    total = sum(losses)
    if total == math.inf:
        return "all" if loss == math.inf else "nothing beside ∞"
    return markup.percent(loss / total) if total else "–"
