"""A scenario as plain data that can be kept: question, answer, versions, sources and date. Its schema stands beside it.

A figure that somebody finds wrong is sent as the same data with what they saw.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from lm_core.errors import InvalidInput
from lm_core.kv_sizing.capacity.budget import Span
from lm_core.kv_sizing.report import amounts
from lm_core.kv_sizing.report.plain_data import as_json
from lm_core.kv_sizing.scenario import Scenario
from lm_core.kv_sizing.service import served

FORMAT = 1


@cache
def schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of what `question_and_answer` gives.

    >>> schema()["required"]
    ['format', 'asked_on', 'question', 'answer']
    """
    found: dict[str, Any] = json.loads(Path(__file__).with_name("answer.schema.json").read_text(encoding="utf-8"))
    return found


def question_and_answer(scenario: Scenario, asked_on: str) -> dict[str, Any]:
    """Question and answer; bytes, seconds and dollars. `asked_on` is a date as it shall stand there.

    >>> from lm_core.kv_sizing import preset
    >>> said = question_and_answer(Scenario(preset("llama-3.1-8b"), 8192, 3), "2026-11-30")
    >>> said["answer"]["verdict"], said["answer"]["users"]["likely"], said["question"]["engine"]["version"]
    ('fits', 57, 'payload')
    """
    return {"format": FORMAT, "asked_on": asked_on, "question": _question(scenario), "answer": _answer(scenario)}


def _question(s: Scenario) -> dict[str, Any]:
    stored = s.stored_weights
    return {
        "model": s.geometry.to_json(),
        "source": s.geometry.source or "entered by hand",
        "users": s.sequences,
        "tokens_each": s.context,
        "mean_tokens": s.mean or None,
        "shared_tokens": s.shared,
        "draft_layers": s.draft_layers,
        "engine": {"name": s.engine.name, "version": s.engine.version, "options": vars(s.engine)},
        "weights": {"format": stored.format, "says": stored.says} if stored else None,
        "gpu": {"name": s.gpu.name, "memory": s.gpu.memory, "bandwidth": s.gpu.bandwidth, "price": s.gpu.price or None},
        "split": vars(s.split),
        "percent_used": s.used_percent,
        "pool": s.pool or None,
    }


def _answer(s: Scenario) -> dict[str, Any]:
    fewest, highest = s.most_between
    speed = served(s) if s.weights else None
    return {
        "verdict": s.verdict,
        "users": {"least": fewest, "likely": s.most_sequences.value, "most": highest, "limit": s.most_sequences.limits},
        "longest": s.longest.value,
        "on_each_gpu": {
            "weights": _span(s.weights_on_each),
            "reserve": [{"part": p.name, **_span(p.bytes), "says": p.says} for p in s.reserve.parts],
            "left_for_cache": _span(s.budget.for_cache),
            "cache": s.need(),
        },
        "cache": as_json(s.sizing),
        "service": None if speed is None else {
            "seconds_per_token": list(speed.step.interval),
            "seconds_to_first_token": list(speed.first.interval) if speed.first else None,
            "tokens_per_second": list(speed.tokens_a_second),
            "dollars_per_million": list(speed.cost(s.gpu.price)) if s.gpu.price else None,
        },
    }  # fmt: skip


def _span(span: Span) -> dict[str, int]:
    return {"least": span.least, "likely": span.likely, "most": span.most}


def complaint(scenario: Scenario, asked_on: str, link: str = "") -> str:
    """A text to send where a figure is thought wrong: what was seen goes into its first lines.

    >>> from lm_core.kv_sizing import preset
    >>> print(complaint(Scenario(preset("llama-3.1-8b")), "2026-11-30").splitlines()[0])
    What I saw instead (figure, unit, where it was printed):
    """
    s = scenario
    try:
        data = json.dumps(question_and_answer(s, asked_on), separators=(",", ":"), ensure_ascii=False)
    except InvalidInput as refused:
        data = str(refused)
    return (
        "What I saw instead (figure, unit, where it was printed):\n\nEngine, its version and its arguments:\n\n"
        f"The calculator said, on {asked_on}: {amounts.both(s.total)} in all, {amounts.both(s.need())} on each of "
        f"{s.split.gpus} x {s.gpu.name}, {s.verdict}.\n{link}\n\n{data}\n"
    )
