"""Passes looked into, with what every layer would predict: kept for all visitors, continued where a text goes on."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from lm_core.serving.lru_cache import LRUCache
from pages.inside_the_transformer.controls import Inspected

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lm_core.inspection import Inspection
    from lm_core.inspection.interventions import Intervention
    from lm_core.inspection.logit_lens import LensGrid
    from lm_core.models.transformer import Transformer

TOKENS = 64
"""Of a text, the last ones, that the picture shows."""
_BYTES = 256_000_000
_BLOCK, _AT_ONCE = 4, 16
"""Positions in one turn, and up to how many nothing is said of waiting."""
_LAST = "_inside_last"
_Key = tuple[str, tuple[int, ...], str]


@dataclass(frozen=True)
class Recording:
    """One pass, and the lens on the cells that are shown."""

    found: Inspection
    grid: LensGrid
    seconds: float
    """That the pass took, without the lens."""


_KEPT: LRUCache[_Key, Recording] = LRUCache(_BYTES, lambda recording: recording.found.nbytes)


def record(asked: Inspected, ids: tuple[int, ...] | None = None, reuse: bool = True) -> Recording:
    """The whole model on the text. With `reuse`, what it shares with the visitor's last text is not computed again."""
    ids = asked.ids if ids is None else ids
    key = (asked.offered.name, ids, "")
    last: _Key | None = st.session_state.get(_LAST)
    kept = _KEPT.get(key)
    if kept is None:
        known = _KEPT.get(last) if reuse and last and last[0] == asked.offered.name else None
        kept = _recorded(asked, ids, known)
        _KEPT.put(key, kept)
    if ids == asked.ids:
        st.session_state[_LAST] = key
    return kept


def record_under(
    asked: Inspected, whole: Recording, interventions: Sequence[Intervention], written: str, ids: tuple[int, ...]
) -> Recording:
    """The same under interventions; `written` is how a link says them, with the second text where it is needed."""
    key = (asked.offered.name, ids, written)
    kept = _KEPT.get(key)
    if kept is None:
        found, seconds = asked.offered.model.run(partial(timed, ids=ids, interventions=interventions), yields=True)
        grid = _in_turns(asked, whole.grid.first, len(ids), partial(_lens_under, whole, found))
        kept = Recording(found, grid, seconds)
        _KEPT.put(key, kept)
    return kept


def _recorded(asked: Inspected, ids: tuple[int, ...], known: Recording | None) -> Recording:
    """A pass, then the lens where nothing is kept."""
    from lm_core.inspection.logit_lens import joined

    found, seconds = asked.offered.model.run(partial(timed, ids=ids, known=known.found if known else None), yields=True)
    first = max(0, len(ids) - TOKENS)
    if not (known and known.grid.first <= first < found.kept):
        return Recording(found, _in_turns(asked, first, len(ids), partial(_lens, found)), seconds)
    more = _in_turns(asked, found.kept, len(ids), partial(_lens, found))
    return Recording(found, joined(known.grid.columns(first, found.kept), more), seconds)


def _in_turns(asked: Inspected, start: int, end: int, look: Callable[[int, int, Transformer], LensGrid]) -> LensGrid:
    """The lens in blocks of positions, each a turn of its own in the line for the model: others type meanwhile."""
    from lm_core.inspection.logit_lens import joined

    grid, waiting = None, st.empty() if end - start > _AT_ONCE else None
    for begin in range(start, end, _BLOCK):
        if waiting:
            waiting.progress((begin - start) / (end - start), f"Reading the layers: token {begin} of {end}")
        more = asked.offered.model.run(partial(look, begin, min(begin + _BLOCK, end)), yields=True)
        grid = more if grid is None else joined(grid, more)
    if waiting:
        waiting.empty()
    assert grid is not None
    return grid


def _lens(found: Inspection, begin: int, end: int, bare: Transformer) -> LensGrid:
    from lm_core.inspection.logit_lens import lens_grid

    return lens_grid(bare, found, begin, end)


def _lens_under(whole: Recording, found: Inspection, begin: int, end: int, bare: Transformer) -> LensGrid:
    from lm_core.inspection.logit_lens import lens_grid_under

    return lens_grid_under(bare, whole.found, whole.grid.columns(begin, end), found)


def timed(
    model: Transformer, ids: tuple[int, ...], interventions: Sequence[Intervention] = (),
    known: Inspection | None = None,
) -> tuple[Inspection, float]:  # fmt: skip
    """A pass and the seconds it took."""
    from lm_core.inspection import inspect

    start = time.perf_counter()
    found = inspect(model, ids, interventions, known)
    return found, time.perf_counter() - start
