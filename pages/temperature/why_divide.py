"""Expander: why temperature divides logits and does not add to them, and why the largest is subtracted first."""

import numpy as np
import streamlit as st

from lm_core import softmax
from lm_core.decoding.temperature_sweep import unshifted_softmax
from pages.shared import tables
from pages.shared.controls import logit_source
from pages.shared.expanders import runs_when_open

_TEMPERATURES = (0.5, 1.0, 2.0)


@runs_when_open("Why divide, and not add?", key="_why")
def expander() -> None:
    """Expander: the three rows of the article, a constant to add, and what overflows without care."""
    five = logit_source.ARTICLE[logit_source.BOT]
    logits = np.array(five.logits)
    st.write("**Divide**, and the gaps between logits change. Five tokens, made up to explain:")
    _table("T", five.names, [(f"{t:g}", softmax(logits, t)) for t in _TEMPERATURES])
    st.write("The smallest values would round to 0.000; none of them is 0.")
    st.write("**Add** the same number to every logit, and nothing changes: only gaps count.")
    constant = st.slider("Constant added to every logit", -1000, 1000, 1000, key="_constant")
    shifted = logits + constant
    rows = [("softmax", softmax(shifted)), ("without max-subtraction", unshifted_softmax(shifted))]
    _table("computed as", five.names, rows)
    st.write(
        f"The largest logit is now {shifted.max():g}. As the formula stands, exp({shifted.max():g}) is about "
        f"10 to the power of {shifted.max() / np.log(10):.0f}; 64-bit numbers reach from −324 to 308. "
        "Subtracting the largest logit first makes it exp(0) = 1, and the result is the same."
    )


def _table(first: str, names: tuple[str, ...], rows: list[tuple[str, np.ndarray]]) -> None:
    shown = [(title, *map(_cell, values)) for title, values in rows]
    tables.render([first, *names], shown)


def _cell(p: float) -> tables.Cell:
    """Three decimals as the article prints them, and what they hide in four significant digits."""
    if np.isnan(p):
        return tables.value("nan")
    small = f" ({p:.3g})" if 0 < p < 0.0005 else ""
    return tables.value(f"{p:.3f}{small}", title=repr(float(p)))
