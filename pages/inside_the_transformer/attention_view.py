"""Attention of one head: a map of all rows, and one row as weights on the text."""

from __future__ import annotations

import html
import math
from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.inside_the_transformer import controls
from pages.inside_the_transformer import figure as figures
from pages.inside_the_transformer.controls import Inspected
from pages.shared import markup, tables, url_state
from pages.shared.pictures import formulas

_TOP = 10


def render(toolbar: DeltaGenerator) -> Callable[[], None] | None:
    """Asks for text, layer, head and row."""
    asked = controls.read_controls(toolbar)
    if asked is None:
        return None
    config = asked.offered.model.config
    left, right = (st.container(), st.container()) if url_state.presenting() else st.columns(2)
    with left:
        layer = controls.place("layer", "Layer", config.layers, 1)
    with right:
        head = controls.place("head", "Head", config.heads, 1)
    at = controls.place("at", "Reader: token", len(asked.ids), len(asked.ids))
    return lambda: _show(asked, layer, head, at)


def _show(asked: Inspected, layer: int, head: int, at: int) -> None:
    from lm_core.inspection.forward_pass import heaviest

    found = controls.inspected(asked)
    weights, names = found.attention[layer - 1, head - 1], asked.labels
    row = weights[at - 1, :at]
    rows = heaviest(row, _TOP)
    strongest = rows[0]
    markup.show(
        f'<p class="nte-sum" role="status"><b>{markup.percent(strongest.weight)}</b> of its attention, in layer '
        f'{layer}, head {head}, token {at} <span class="nte-token">{html.escape(names[at - 1])}</span> gives to '
        f'<span class="nte-token">{html.escape(names[strongest.key])}</span></p>'
    )
    chips = "".join(_chip(name, float(row[n]) if n < at else None) for n, name in enumerate(names))
    markup.show(f'<p class="nte-tinted">{chips}</p>')
    stage = url_state.presenting()
    st.plotly_chart(
        figures.heat_map(weights, names, at - 1, stage), key="_inside_attention", config={"displayModeBar": False}
    )
    if stage:
        return
    weighed = [(each.key + 1, tables.token_value(names[each.key]), markup.percent(each.weight)) for each in rows]
    tables.render(["place", "token read", "weight"], weighed)
    st.write(
        "Each row adds up to 100 %: a head mixes the values of the tokens it reads in these shares. What it reads for "
        "can be guessed from the pattern, not proven by it. Many heads look at the first token when they have "
        "nothing to look for."
    )
    _worked_out(asked, layer, head, at, [(names[each.key], each.weight) for each in rows])


def _worked_out(asked: Inspected, layer: int, head: int, at: int, weights: list[tuple[str, float]]) -> None:
    """Expander: where a weight comes from, with the weights on screen."""
    place = formulas.expander("attention")
    if place is None:
        return
    width = asked.offered.model.config.head_dim
    (first, most), *others = weights
    lines = [
        formulas.Line(
            f"weight of {first}", "e^s / Σ e^s′, with s = query · key / √head width",
            f"√{width} = {math.sqrt(width):.4g}; softmax of the scores of {at} tokens gives {markup.percent(most)}",
        )
    ]  # fmt: skip
    if others:
        second, less = others[0]
        gap = math.log(most / less)
        numbers = f"ln({most:.4g} / {less:.4g}) = {gap:.4f}: by so much query · key / √{width} is larger for {first}"
        lines.append(formulas.Line(f"its lead over {second}", "ln(w / w′) = s − s′", numbers))
    code = (
        "from lm_core import inspection, pretrained\n\nmodel = pretrained.load()\n"
        f"ids = {list(asked.ids)}\nfound = inspection.inspect(model, ids)\n"
        f"print(found.attention[{layer - 1}, {head - 1}, {at - 1}, :{at}])\n"
    )
    with place:
        formulas.render(lines, code)


def _chip(name: str, weight: float | None) -> str:
    """A token with the weight it is given; None where the mask hides it."""
    said = "later: hidden by the mask" if weight is None else markup.percent(weight)
    tint = f"--weight: {100 * (weight or 0):.1f}%"
    return f'<span class="nte-weight" style="{tint}" title="{said}">{html.escape(name)}</span>'
