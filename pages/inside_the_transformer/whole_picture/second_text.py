"""A second text of the same length: where the two differ, and a sweep that puts every cell of it into the first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from lm_core.errors import InvalidInput
from lm_core.serving.lru_cache import LRUCache
from pages.inside_the_transformer.controls import Inspected
from pages.shared import markup

if TYPE_CHECKING:
    from lm_core.inspection import Inspection

_SWEEPS: LRUCache[tuple[str, tuple[int, ...], tuple[int, ...]], NDArray[np.float64]] = LRUCache(16)
"""Of all visitors."""
_WANTED, _STOPPED = "_inside_sweep", "_inside_sweep_stopped"


def differences(first: Inspection, second: Inspection) -> NDArray[np.float64]:
    """(layers + 1, time): length of the difference of the two streams, over the length of the first."""
    apart = np.linalg.norm(second.residual.astype(np.float64) - first.residual, axis=-1)
    return np.asarray(apart / np.linalg.norm(first.residual.astype(np.float64), axis=-1))


def effects(asked: Inspected) -> NDArray[np.float64] | None:
    """(layers + 1, time), if the sweep has been made: 0 as after the first text, 1 as after the second."""
    return _SWEEPS.get((asked.offered.name, asked.ids, asked.second))


def render(asked: Inspected, first: Inspection, second: Inspection, shade: str, shade_key: str) -> None:
    """What the two have in common, and the sweep's button."""
    same = next(n for n, (a, b) in enumerate(zip(asked.ids, asked.second)) if a != b)
    change = float(np.abs(first.logits[:same].astype(np.float64) - second.logits[:same]).max()) if same else 0.0
    causal = "exactly 0" if not change else f"{change:.3g}: without the mask they have peeked"
    before = (
        f"The first {same} tokens are the same: the largest change of any logit there is **{causal}**. " if same else ""
    )
    answers = [markup.plain_text(asked.label(int(each.logits[-1].argmax()))) for each in (first, second)]
    st.write(
        f"{before}The model goes on with {answers[0]} after the first text and with {answers[1]} after the second."
    )
    if answers[0] == answers[1]:
        st.caption(
            "Both go on alike, so there is nothing to put from one into the other: choose texts that differ in it."
        )
        return
    if effects(asked) is not None:
        st.button(
            "Colour the cells by what mattered", on_click=_show, args=(shade_key,), disabled=shade == "effect",
            icon=":material/palette:", key="_inside_effect",
        )  # fmt: skip
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Try each of its cells in the first text", key="_inside_sweep_go", on_click=_want,
            args=(asked,), icon=":material/grid_view:",
        )  # fmt: skip
        if st.session_state.pop(_WANTED, None) == (asked.ids, asked.second):
            st.button("Stop", key="_inside_sweep_stop")
            _sweep(asked, first, second)


def _want(asked: Inspected) -> None:
    st.session_state[_WANTED] = (asked.ids, asked.second)


def _show(shade_key: str) -> None:
    st.session_state[shade_key] = "effect"


def _sweep(asked: Inspected, first: Inspection, second: Inspection) -> None:
    """A layer at a time, each in its turn in the line for the model; a click on anything ends it."""
    from lm_core.inspection.patching import patch_effects

    progress = st.progress(0.0, "Layer 0")
    rows: list[NDArray[np.float64]] = []
    try:
        steps = asked.offered.model.run(lambda bare: patch_effects(bare, first, second))
        for layer in range(len(first.residual)):
            rows.append(asked.offered.model.run(lambda _bare: next(steps), yields=True)[1])
            progress.progress((layer + 1) / len(first.residual), f"Layer {layer} of {len(first.residual) - 1}")
    except InvalidInput as error:
        markup.note(str(error))
        return
    _SWEEPS.put((asked.offered.name, asked.ids, asked.second), np.stack(rows))
    st.rerun()
