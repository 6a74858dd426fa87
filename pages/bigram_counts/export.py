"""Exports the counts: a sortable table, CSV and Parquet, and the code that counts them."""

from __future__ import annotations

import io
from functools import partial

import pandas as pd
import streamlit as st

from lm_core.csv_table import csv_table
from lm_core.labels import label
from lm_core.models.ngrams.count_table import CountedCorpus, entries
from pages.bigram_counts.component import Names
from pages.shared import on_demand
from pages.shared.controls import corpora
from pages.shared.pictures import export

_SHOWN = 1000


@on_demand.expander("All of them as a table", key="_count_table")
def table_expander(counted: CountedCorpus, order: int, having: frozenset[int] | None) -> None:
    """Expander: every n-gram as a row; a click on a head sorts."""
    counts = counted.counts(order)
    frame_of = _frame(counted, order, _SHOWN, having)
    left = counts.distinct if having is None else None
    said = f"{len(frame_of):,} of {left:,}, the most frequent" if left else f"{len(frame_of):,} that hold the word"
    st.caption(f"Shown: {said}. Click a head to sort; the exports below hold all {counts.distinct:,}.")
    st.dataframe(frame_of, hide_index=True, height=320)
    with st.container(horizontal=True):
        export.download("CSV, all", partial(_csv, counted, order), "counts.csv", "text/csv")
        export.download("Parquet, all", partial(_parquet, counted, order), "counts.parquet", "application/octet-stream")


@on_demand.expander("Show the code", key="_count_code")
def code_expander(kind: str, by: str, order: int, k: float) -> None:
    """Expander: the lines of lm_core that count and predict."""
    made = corpora.CODE[kind]
    tokens = f"text.tokenizer({by!r})" if by != "bpe" else "pretrained.load().tokenizer, bos=1, eos=2"
    load = "from lm_core import pretrained\n" if by == "bpe" else ""
    st.code(
        f"{load}from lm_core.text import corpus\n"
        "from lm_core.models.ngrams.count_table import CountedCorpus, grid\n"
        "from lm_core.models.ngrams.model import AddK\n\n"
        f"text = {made}\ncounted = CountedCorpus(text, {tokens})\n"
        f"for context, row in zip(grid(counted.counts({order}), 12, 9).contexts, "
        f"grid(counted.counts({order}), 12, 9).counts):\n"
        "    print(counted.tokenizer.decode(context), row)\n"
        f"model = counted.model({order}, AddK({k!r}))\nprint(model.probabilities([counted.bos]).max())\n",
        language="python",
    )


def _frame(counted: CountedCorpus, order: int, most: int | None, having: frozenset[int] | None = None) -> pd.DataFrame:
    names = Names(counted)
    rows = [
        (
            names.of(each.context)["label"],
            label(counted.tokenizer.token_bytes(each.id)),
            each.count,
            each.total,
            each.share,
        )
        for each in entries(counted.counts(order), most, having)
    ]
    return pd.DataFrame(rows, columns=["after", "next", "count", "of", "share"])


def _csv(counted: CountedCorpus, order: int) -> bytes:
    made = _frame(counted, order, None)
    return csv_table(list(made.columns), made.itertuples(index=False, name=None)).encode("utf-8-sig")


def _parquet(counted: CountedCorpus, order: int) -> bytes:
    made = io.BytesIO()
    _frame(counted, order, None).to_parquet(made, index=False)
    return made.getvalue()
