"""The grid of counts: rows open as probability bars, cells as the lines they came from."""

from __future__ import annotations

from typing import Any

import streamlit as st

from lm_core.errors import InvalidInput, whole_number
from lm_core.labels import label, spoken
from lm_core.models.ngrams.count_table import CountedCorpus, Grid, Ids, followers, grid
from pages.shared import components, url_state

KEY = "count_grid"
ROWS, COLUMNS = 12, 9
_AFTER = 8

_component = st.components.v2.component(
    "counts",
    html='<div class="counts bars"></div>',
    css=components.styles("bars/bars.css", "bigram_counts/bigram_counts.css"),
    js=components.script("bigram_counts/bigram_counts.js"),
)


class Names:
    """Tokens and contexts as they are shown and said."""

    def __init__(self, counted: CountedCorpus) -> None:
        self._bytes = counted.tokenizer.token_bytes

    def of(self, ids: Ids) -> dict[str, str]:
        """One label for one token or several in a row."""
        tokens = [self._bytes(i) for i in ids]
        if not tokens:
            return {"label": "(no context)", "spoken": "no context"}
        return {"label": " ".join(map(label, tokens)), "spoken": " ".join(map(spoken, tokens))}


def picked() -> None:
    """Callback of the component: the row and the cell that the visitor wants open."""
    pick = st.session_state[KEY].pick
    if not isinstance(pick, dict):
        return
    try:
        st.session_state[url_state.key_of("row")] = ids(str(pick.get("row")))
        token = pick.get("next")
        st.session_state[url_state.key_of("next")] = None if token is None else whole_number("next", token, 0)
    except InvalidInput:
        return  # a browser may send anything


def ids(text: str) -> Ids:
    """Token ids with points between."""
    parts = text.split(".") if text else []
    if not all(part.isascii() and part.isdigit() and len(part) < 9 for part in parts) or len(parts) > 4:
        raise InvalidInput("row", "at most 4 token ids with points between", text)
    return tuple(map(int, parts))


def render(
    counted: CountedCorpus, order: int, k: float, row: Ids, token: int | None, having: frozenset[int] | None
) -> Grid:
    """Draws grid and row; returns the grid, whose figures the page uses too."""
    counts = counted.counts(order)
    shown = grid(counts, ROWS, COLUMNS, having, row)
    names = Names(counted)
    presenting = url_state.presenting()
    data = {
        "tokens": [{"id": i, **names.of((i,))} for i in shown.tokens],
        "rows": [
            {"key": ".".join(map(str, context)), **names.of(context), "counts": cells, "rest": rest, "total": total}
            for context, cells, rest, total in zip(shown.contexts, shown.counts, shown.rest, shown.totals)
        ][: 6 if presenting else ROWS],
        "rest": any(shown.rest),
        "row": ".".join(map(str, row)),
        "next": token,
        "after": _after(counted, order, k, row, names, 4 if presenting else _AFTER),
        "caption": _caption(counted, order, shown),
        "note": "Open a row for its probabilities, a count for its lines. <bos> and <eos> stand where a message begins "
        "and ends: counted too, they teach the table how to start and when to stop.",
        "told": f"{names.of(row)['spoken']} opened" if token is None else f"{names.of((token,))['spoken']} opened",
        "compact": presenting,
    }
    _component(data=data, key=KEY, on_pick_change=picked)
    return shown


def _caption(counted: CountedCorpus, order: int, shown: Grid) -> str:
    what = {1: "tokens", 2: "pairs"}.get(order, f"{order}-grams")
    return (
        f"Counts of {what}: the {len(shown.contexts)} most frequent of {shown.all_contexts:,} contexts, and the "
        f"{len(shown.tokens)} tokens that follow them most, of {counted.tokenizer.vocab_size:,}."
    )


def _after(counted: CountedCorpus, order: int, k: float, row: Ids, names: Names, size: int) -> dict[str, Any] | None:
    """One row: counts, and the probabilities they become."""
    found = followers(counted.counts(order), row, k, size)
    if found is None:
        return None
    vocabulary = f"{counted.tokenizer.vocab_size:,}"
    rows: list[dict[str, Any]] = [
        {"id": each.ids[0], **names.of(each.ids), "count": each.count, "types": 1, "p": each.probability}
        for each in found.named
    ]
    if found.rest:
        rest = {"count": found.rest.count, "types": found.rest.types, "p": found.rest.probability}
        rows.append({"label": f"all other {found.rest.types:,}", **rest})
    added = f", and {k:g} added to each of {vocabulary} counts" if k else ""
    caption = f"After {names.of(row)['label']}: {found.total:,} in all{added}."
    return {"rows": rows, "divisor": f"{found.divisor:,.10g}", "k": f"{k:g}" if k else "", "caption": caption}
