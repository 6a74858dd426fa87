"""Expanders of the temperature page: what to notice, formulas, the sweep over T, and why one divides."""

import html
import math

import numpy as np
import streamlit as st

from lm_core import softmax
from lm_core.decoding.temperature_sweep import sweep as swept_over
from lm_core.decoding.temperature_sweep import unshifted_softmax
from lm_core.distribution import Distribution
from pages.shared import markup, on_demand, tables
from pages.shared.controls import logit_source, sampling_settings
from pages.shared.pictures import formulas

_LINES = 6
_STEPS = 41
_TEMPERATURES = (0.5, 1.0, 2.0)


@on_demand.expander("What to notice", key="_notice")
def notice_expander(source: logit_source.LogitSource, now: sampling_settings.Settings) -> None:
    """Expander of sentences, each with the values on the screen."""
    model, decision = Distribution(source.logits), now.strategy().decide(source.logits)
    first, second = (model.top(2).rows * 2)[:2]
    gap = first.logit - second.logit
    name, other = source.label(first.id), source.label(second.id)
    ratio = f"{math.exp(gap):.4g}" if gap < 700 else f"1 followed by {gap / math.log(10):.0f} digits"
    lines = [f"{name} leads {other} by {gap:.4g} logits: at T = 1 that is a ratio of e^{gap:.4g} = {ratio} to 1."]
    if now.t:
        lines.append(f"At T = {now.t:g} the gap becomes {gap:.4g} / {now.t:g} = {gap / now.t:.4g}. The order stays.")
        u = f"Seed {now.seed} draws u = {decision.u:.6f} first: {source.label(decision.id)}. "
        lines.append(u + "Only the seed moves the dart; temperature moves the boundaries under it.")
    else:
        lines.append("At T = 0 nothing is divided: the likeliest token is taken, the lowest id among equals.")
    before, after = model.entropy("bits"), decision.final.entropy("bits")
    lines.append(f"Entropy is {before:.4g} bits as the model said and {after:.4g} bits in what is drawn from.")
    markup.show("<ul>" + "".join(f"<li>{html.escape(line)}</li>" for line in lines) + "</ul>")


def formulas_expander(source: logit_source.LogitSource, now: sampling_settings.Settings) -> None:
    """Expander: the named results of this page with their numbers."""
    place = formulas.expander("temperature")
    if place is None:
        return
    decision = now.strategy().decide(source.logits)
    drawn = decision.final
    best = drawn.top(1).rows[0]
    name = source.label(best.id)
    lines = formulas.of_distribution(Distribution(source.logits), name, 1, "P at T = 1: ")
    if now.t:
        z = float(source.logits[best.id])
        lines.insert(0, formulas.Line("heated logit", "z / T", f"{name}: {z:.4f} / {now.t:g} = {z / now.t:.4f}"))
    lines.append(formulas.Line(
        f"drawn from: P({name})", "softmax of what the filters left",
        f"{markup.percent(best.probability)}; {int((drawn.probabilities > 0).sum()):,} tokens are left",
    ))  # fmt: skip
    if decision.u is not None:
        before = float(drawn.probabilities[: decision.id].sum())
        upto = before + drawn.row(decision.id).probability
        lines.append(formulas.Line(
            f"the dart: {source.label(decision.id)}", "Σ p of smaller ids ≤ u < that + p",
            f"{before:.6f} ≤ {decision.u:.6f} < {upto:.6f}",
        ))  # fmt: skip
    code = (
        "from lm_core import Distribution\nfrom lm_core.decoding import strategy\n\n"
        f"decision = {now.code()}.decide(logits)  # see “Show the code, export” for the logits\n"
        "print(decision.final.top(5), decision.u, decision.id)\nprint(Distribution(logits).entropy('bits'))\n"
    )
    with place:
        formulas.render(lines, code)


@on_demand.expander("Every temperature at once", key="_sweep")
def sweep_expander(source: logit_source.LogitSource, now: sampling_settings.Settings) -> None:
    """Expander with each shown token's probability, and the entropy, against T."""
    from pages.temperature import figure as figures

    highest = sampling_settings.WIDE if now.wide or now.t > sampling_settings.HIGHEST else sampling_settings.HIGHEST
    temperatures = [highest * step / (_STEPS - 1) for step in range(_STEPS)]
    ids = [row.id for row in Distribution(source.logits).top(min(_LINES, len(source.logits)))]
    swept = swept_over(source.logits, temperatures, ids)
    names = [source.label(i) for i in ids]
    st.plotly_chart(figures.probabilities(swept, names, now.t), key="_sweep_p", config={"displayModeBar": False})
    st.plotly_chart(figures.entropy(swept, now.t), key="_sweep_h", config={"displayModeBar": False})
    _table(swept.temperatures, [(name, swept.probabilities[i]) for name, i in zip(names, ids)])


def _table(temperatures: tuple[float, ...], rows: list[tuple[str, tuple[float, ...]]]) -> None:
    """The same in figures, for who cannot see the lines: every quarter of the way."""
    picked = range(0, len(temperatures), (len(temperatures) - 1) // 4)
    head = ["token", *(f"T = {temperatures[i]:g}" for i in picked)]
    shown = [
        (tables.token(name), *(tables.value(markup.percent(values[i]), title=repr(values[i])) for i in picked))
        for name, values in rows
    ]
    tables.render(head, shown)


@on_demand.expander("Why divide, and not add?", key="_why")
def why_divide_expander() -> None:
    """Expander: the three rows of the article, a constant to add, and what overflows without care."""
    five = logit_source.ARTICLE[logit_source.BOT]
    logits = np.array(five.logits)
    st.write("**Divide**, and the gaps between logits change. Five tokens, made up to explain:")
    _constants_table("T", five.names, [(f"{t:g}", softmax(logits, t)) for t in _TEMPERATURES])
    st.write("The smallest values would round to 0.000; none of them is 0.")
    st.write("**Add** the same number to every logit, and nothing changes: only gaps count.")
    constant = st.slider("Constant added to every logit", -1000, 1000, 1000, key="_constant")
    shifted = logits + constant
    rows = [("softmax", softmax(shifted)), ("without max-subtraction", unshifted_softmax(shifted))]
    _constants_table("computed as", five.names, rows)
    st.write(
        f"The largest logit is now {shifted.max():g}. As the formula stands, exp({shifted.max():g}) is about "
        f"10 to the power of {shifted.max() / np.log(10):.0f}; 64-bit numbers reach from −324 to 308. "
        "Subtracting the largest logit first makes it exp(0) = 1, and the result is the same."
    )


def _constants_table(first: str, names: tuple[str, ...], rows: list[tuple[str, np.ndarray]]) -> None:
    shown = [(title, *map(_cell, values)) for title, values in rows]
    tables.render([first, *names], shown)


def _cell(p: float) -> tables.Cell:
    """Three decimals as the article prints them, and what they hide in four significant digits."""
    if np.isnan(p):
        return tables.value("nan")
    small = f" ({p:.3g})" if 0 < p < 0.0005 else ""
    return tables.value(f"{p:.3f}{small}", title=repr(float(p)))
