"""What the loss page's views share: bars, one-hot target, table of token scores, running product, curve, export."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from lm_core import Distribution
from lm_core.csv_table import csv_table
from lm_core.scoring.chain_rule import WINDOW, TokenScore, running_products, tokens_until_underflow
from lm_core.scoring.perplexity import Score
from pages.loss import figure as figures
from pages.shared import markup, on_demand, tables
from pages.shared.pictures.export import download

CONTEXT = WINDOW
"""Tokens before a target that are read again to show what the model said of it."""
Label = Callable[[int], str]
_BARS = {"displayModeBar": False}


def bars(factors: Sequence[TokenScore], label: Label, mean: float, stage: bool) -> None:
    """The loss of each token, and their mean as a line."""
    drawn = figures.losses([-f.log_probability for f in factors], [label(f.token) for f in factors], mean, stage)
    st.plotly_chart(drawn, key="_loss_bars", config=_BARS)


def target(belief: Distribution, factor: TokenScore, context: Sequence[int], label: Label, top: int) -> None:
    """The model's row against the one-hot target: of all its entries only one counts."""
    rows = list(belief.top(top))
    if all(row.id != factor.token for row in rows):
        rows.append(belief.row(factor.token))
    chosen = [number for number, row in enumerate(rows) if row.id == factor.token]
    cells = [
        (
            tables.token(label(row.id)), f"{row.rank:,}", markup.percent(row.probability), int(row.id == factor.token),
            markup.nats(-row.log_probability) if row.id == factor.token else "0",
        )
        for row in rows
    ]  # fmt: skip
    shown = "".join(f'<span class="nte-token">{html.escape(label(i))}</span>' for i in context[-8:])
    markup.show(
        f"<p>After {'… ' if len(context) > 8 else ''}{shown} comes "
        f'<span class="nte-token">{html.escape(label(factor.token))}</span>:</p>'
    )
    tables.render(["token", "rank", "the model", "target", "−target × ln p"], cells, chosen=chosen)
    st.caption(
        f"The target is one-hot: 1 for the token that came, 0 for the other {len(belief) - 1:,}. So the cross-entropy "
        "of this row is −ln p of that token alone."
    )


@on_demand.expander("Every token as a factor of the chain rule", key="_loss_table")
def table(ids: Sequence[int], factors: Sequence[TokenScore], label: Label) -> None:
    """Expander: inputs and targets shifted by one, and the running product."""
    st.write("Teacher forcing: each row reads the true tokens before it. P(text) is the product of the factors.")
    steps = running_products([factor.log_probability for factor in factors])
    rows = [
        (
            number, tables.token_value(label(ids[f.position - 1])), tables.token_value(label(f.token)),
            markup.percent(math.exp(f.log_probability)), markup.nats(-f.log_probability), f"{f.rank:,}",
            tables.token_value(label(f.top)), f"{step.product64:.3g}", markup.nats(step.log_sum),
        )
        for number, (f, step) in enumerate(zip(factors, steps), start=1)
    ]  # fmt: skip
    head = ["", "last input", "target", "p", "−ln p", "rank", "likeliest", "product so far", "ln P so far"]
    tables.render(head, rows)


@on_demand.expander("Why logarithms?", key="_loss_why")
def product(factors: Sequence[TokenScore], score: Score) -> None:
    """Expander: why logarithms are added instead of probabilities multiplied."""
    steps = running_products([factor.log_probability for factor in factors])
    narrow, wide = tokens_until_underflow(score.cross_entropy)
    _held("float32", [step.product32 for step in steps], narrow)
    _held("float64", [step.product64 for step in steps], wide)
    st.write(f"The sum of logarithms loses nothing: ln P = {markup.nats(score.log_probability)} nats.")


def _held(name: str, products: Sequence[float], last: float) -> None:
    """How long a number of this kind can hold the product."""
    if 0.0 in products:
        st.write(f"The product in {name} is 0 after {products.index(0.0) + 1:,} of {len(products):,} factors.")
    else:
        more = f"; at this mean loss it would be 0 after about {last:,.0f}" if last < math.inf else ""
        st.write(f"The product in {name} still stands after all {len(products):,} factors{more}.")


@on_demand.expander("−ln p, drawn", key="_loss_curve")
def curve(log_probabilities: Sequence[float]) -> None:
    """Expander: −ln p against p, this text's tokens on it."""
    drawn = figures.curve([math.exp(value) for value in log_probabilities])
    st.plotly_chart(drawn, key="_loss_drawn", config=_BARS)
    st.write("A token the model was sure of, p = 1, costs 0. Halving p costs ln 2 = 0.6931 nats = 1 bit more.")


@on_demand.expander("Show the code, export", key="_loss_export")
def along(factors: Sequence[TokenScore], label: Label) -> None:
    """Expander: code and CSV."""
    st.code(
        "from lm_core import pretrained\nfrom lm_core.scoring import score\n"
        "from lm_core.scoring.chain_rule import token_scores\n\n"
        "model = pretrained.load()  # or lm_core.models.model_file.read(...)\nids = model.tokenizer.encode(text)\n"
        "for window in token_scores(model, ids):\n    for factor in window:\n"
        "        print(factor.position, factor.token, factor.log_probability, factor.rank)\n"
        "print(score(model, ids).perplexity)\n",
        language="python",
    )
    _download(factors, label)


def _download(factors: Sequence[TokenScore], label: Label) -> None:
    def write() -> bytes:
        head = ["position", "id", "token", "log_probability_nats", "rank", "likeliest_id"]
        rows = ([f.position, f.token, label(f.token), f.log_probability, f.rank, f.top] for f in factors)
        return csv_table(head, rows).encode("utf-8-sig")

    download("Factors, CSV", partial(write), "factors.csv", "text/csv")
