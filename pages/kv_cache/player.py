"""Runs the measurement step by step, each drawn as it comes; a result stays until the question changes.

The run belongs to the session: a rerun in the middle continues it, another question ends it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lm_core.generation import cache_benchmark
from lm_core.generation.cache_benchmark import CacheStep
from pages.kv_cache.controls import Question

_RUN = "_cache_run"


@dataclass
class _Run:
    key: tuple[object, ...]
    coming: Iterator[CacheStep] | None
    steps: list[CacheStep] = field(default_factory=list)


def play(
    question: Question, row: DeltaGenerator, draw: Callable[[Question, list[CacheStep], bool], None]
) -> list[CacheStep]:
    """The steps, measured now unless they were before; `draw` shows those there are, and whether more will come.

    How far it is, and what can be done about it, stands in `row`.
    """
    run: _Run | None = st.session_state.get(_RUN)
    if run is None or run.key != question.key:
        coming = cache_benchmark.measure(question.model, question.ids, question.new, question.compare)
        run = st.session_state[_RUN] = _Run(question.key, coming)
    place, left, right = st.empty(), row.empty(), row.empty()
    if run.coming is not None:
        right.button("Stop here", key="_cache_stop", on_click=_stop)
    while run.coming is not None:
        with place.container():
            draw(question, run.steps, True)
        done = len(run.steps)
        what = f"Decode: token {done + 1}" if done else f"Prefill: reading {len(question.ids):,} tokens"
        left.progress(done / question.new, f"{what}, {done} of {question.new} new tokens made.")
        step = next(run.coming, None)
        if step is not None:
            run.steps.append(step)
        if step is None or len(run.steps) == question.new:
            run.coming = None
    left.button("Measure again", on_click=_again, key="_cache_again", icon=":material/replay:")
    stopped = len(run.steps) < question.new
    right.write(f"Stopped after {len(run.steps)} of {question.new} new tokens." if stopped else "Done.")
    with place.container():
        draw(question, run.steps, False)
    return run.steps


def _stop() -> None:
    st.session_state[_RUN].coming = None


def _again() -> None:
    st.session_state.pop(_RUN, None)
