"""Expander with formulas: each result with its formula, the numbers on screen put in, and the code."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lm_core import Distribution
from lm_core.scoring.perplexity import Score
from pages.shared import markup, tables

TITLE = "The numbers, worked out"
_TERMS = 6


@dataclass(frozen=True)
class Line:
    """One result: what it is called, its formula, and the formula with numbers."""

    name: str
    formula: str
    numbers: str


def render(lines: Sequence[Line], code: str) -> None:
    """A table of them, and the lines of lm_core that give the same."""
    rows = [(line.name, tables.words(line.formula), tables.words(line.numbers)) for line in lines]
    tables.render(["result", "formula", "with these numbers"], rows)
    st.code(code, language="python")


def expander(key: str) -> DeltaGenerator | None:
    """The expander, if somebody has opened it."""
    place = st.expander(TITLE, on_change="rerun", key=f"_worked_{key}")
    return place if place.open else None


def of_distribution(belief: Distribution, name: str, shown: int, what: str = "P") -> list[Line]:
    """The leader's probability, the rest, entropy, and how many choices that is like."""
    top = belief.top(min(shown, len(belief)))
    best, nats = top.rows[0], belief.entropy("nats")
    listed = math.fsum(row.probability for row in top)
    return [
        Line(
            f"{what}({name})", "e^z / Σ e^z′ = e^(z − ln Σ e^z′)",
            f"e^({best.logit:.4f} − {belief.log_normaliser:.4f}) = e^{markup.nats(best.log_probability)} = "
            f"{markup.percent(best.probability)}",
        ),
        Line("the rest", "1 − what is listed", f"1 − {listed:.6f} = {markup.percent(top.rest.probability)}"),
        Line(
            "entropy", "−Σ p ln p, over all tokens",
            f"{nats:.4f} nats / ln 2 = {nats:.4f} / {math.log(2):.4f} = {belief.entropy('bits'):.4f} bits",
        ),
        Line("effective choices", "e^entropy", f"e^{nats:.4f} = {belief.effective_choices:,.4g}"),
    ]  # fmt: skip


def of_score(score: Score) -> list[Line]:
    """ln P, the mean loss, perplexity and bits, from the tokens' log-probabilities."""
    terms = [markup.nats(value) for value in score.log_probabilities]
    shown = " + ".join(f"({term})" for term in terms[:_TERMS]) + (" + …" if len(terms) > _TERMS else "")
    mean = markup.nats(score.cross_entropy)
    lines = [
        Line("ln P(text)", "Σ ln p", f"{shown} = {markup.nats(score.log_probability)} nats"),
        Line(
            "mean loss", "−ln P / tokens", f"{markup.nats(-score.log_probability)} / {score.n_tokens:,} = {mean} nats"
        ),
        Line("perplexity", "e^mean loss", f"e^{mean} = {markup.figure(score.perplexity)}"),
    ]
    if math.isfinite(score.cross_entropy):
        lines.append(
            Line("bits per token", "mean loss / ln 2", f"{mean} / {math.log(2):.4f} = {score.bits_per_token:.4f}")
        )
    return lines
