"""The main picture of the KV-cache page: one sentence with the totals, bars for each step, and a table of steps."""

from __future__ import annotations

from decimal import Decimal

import streamlit as st

from lm_core.generation import cache_benchmark
from lm_core.generation.cache_benchmark import CacheStep
from lm_core.kv_sizing.report import amounts
from pages.kv_cache import figure as figures
from pages.kv_cache.controls import Question
from pages.shared import markup, tables, url_state


def render(question: Question, steps: list[CacheStep], more: bool) -> None:
    """What there is so far."""
    stage = url_state.presenting()
    markup.show(f'<p class="nte-sum" role="{"none" if more else "status"}">{_sentence(question, steps, more)}</p>')
    if not steps:  # a chart now would keep this machine busy while the first pass is timed
        markup.show('<div class="nte-chart"></div>')
        return
    labels = [question.label(step.token) for step in steps]
    height = 300 if not stage or question.own else 370  # the visitor's own prompt takes a line of the stage
    chart = figures.times(steps, labels, question.new, stage, height)
    st.plotly_chart(chart, key=f"cache_times_{len(steps)}_{more}", config={"displayModeBar": False})
    if not stage:
        _table(question, steps)


def _sentence(question: Question, steps: list[CacheStep], more: bool) -> str:
    if not steps:
        return f"<b>…</b> reading a prompt of {len(question.ids):,} tokens" if more else "Nothing is measured yet."
    sums = cache_benchmark.totals(steps)
    held = amounts.binary(steps[-1].cached_bytes)
    have = f"With the cache: {sums.read:,} tokens read, {_seconds(sums.seconds)}; it holds {held}."
    if sums.seconds_without is None:
        return f"<b>{_seconds(sums.seconds)}</b> {have}"
    ratio = sums.seconds_without / sums.seconds
    found = f"<b>{ratio:.1f} times</b> as long without the cache{' so far' if more else ''}"
    if ratio < 1.1:  # a pass over so few tokens takes no longer than one over a single token
        found = "<b>No time saved</b> so far" if more else "<b>No time saved</b>: this text is too short"
    same = "The same tokens" if sums.same_tokens else "Not the same tokens"
    return (
        f"{found}<br>{have} Without: "
        f"{sums.read_without:,} read, {_seconds(sums.seconds_without)}. {same}; "
        f"their logits differ by {small(sums.difference)} at most."
    )


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value >= 0.1 else f"{1000 * value:.0f} ms"


def small(value: float | None) -> str:
    """One digit of a small number, without an exponent.

    >>> small(4.6e-05), small(0.0)
    ('0.00005', '0')
    """
    return f"{Decimal(f'{value:.1g}'):f}" if value else "0"


def _table(question: Question, steps: list[CacheStep]) -> None:
    compared = ["ms without", "logits differ by"] if question.compare else []
    head = ["step", "new token", "read", "attends to", "ms", "cache", *compared]
    tables.render(head, [_row(number, question, step) for number, step in enumerate(steps, start=1)])


def _row(number: int, question: Question, step: CacheStep) -> list[object]:
    name = step.phase if number == 1 else f"{step.phase} {number - 1}"
    kept = tables.value(amounts.binary(step.cached_bytes), title=f"{step.cached_bytes:,} bytes")
    token = tables.token_value(question.label(step.token))
    cells: list[object] = [name, token, f"{step.read:,}", f"{step.positions:,}", f"{1000 * step.seconds:,.1f}", kept]
    if step.seconds_without is not None:
        cells += [f"{1000 * step.seconds_without:,.1f}", small(step.difference)]
    return cells
