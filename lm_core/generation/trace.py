"""A run of generation as plain data: what was predicted and chosen at each step; to JSON and back.

Keeps the 50 likeliest tokens of each step before and after the filters, and the sum of all others; 64 steps stay below
one megabyte.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from lm_core.decoding.strategies import Decision
from lm_core.distribution import Distribution, Rest
from lm_core.errors import InvalidInput

KEPT = 50


class FinishReason(StrEnum):
    """Why generation ended, in order of precedence."""

    END_TOKEN = "end token"
    POLICY = "policy interruption"
    STOP_STRING = "stop string"
    TOKEN_LIMIT = "token limit"
    CONTEXT_FULL = "context full"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class StageRecord:
    """A distribution on the way from logits to choice, cut to what a picture needs."""

    name: str
    logits: tuple[float, ...]
    """Of the step's `shown` tokens; -inf for one that was ruled out."""
    log_normaliser: float
    """ln of the sum of exp(logit) over the whole vocabulary: ln p = logit - log_normaliser."""
    possible: int
    """How many tokens of the vocabulary have a probability above 0."""
    rest: Rest
    """The possible tokens that are not shown."""

    @classmethod
    def of(cls, name: str, stage: Distribution, shown: Sequence[int]) -> StageRecord:
        """Cuts a distribution to the tokens that are shown."""
        ids = np.asarray(shown)
        logits = stage.logits[ids]
        best = int(ids[logits.argmax()])
        possible = int(np.count_nonzero(stage.logits > -np.inf))
        listed = int(np.count_nonzero(logits > -np.inf))
        others = np.delete(stage.probabilities, ids)
        return cls(
            name=name,
            logits=tuple(logits.tolist()),
            log_normaliser=float(stage.logits[best] - stage.log_probabilities[best]),
            possible=possible,
            rest=Rest(possible - listed, float(others.sum(dtype=np.longdouble))),
        )

    @property
    def log_probabilities(self) -> tuple[float, ...]:
        """ln p of each shown token, nats."""
        return tuple(logit - self.log_normaliser for logit in self.logits)


@dataclass(frozen=True)
class Step:
    """One turn of the loop."""

    position: int
    """Of the new token in prompt + answer, from 0."""
    id: int
    proposed: int
    """What the strategy chose; another id than `id` if a person took a token by hand."""
    u: float | None
    """The uniform number behind the draw; None when greedy."""
    log_probability: float
    """ln p of the taken token as the model gave it, nats."""
    drawn_log_probability: float
    """ln p of the taken token after the filters, nats; -inf if they had ruled it out and it was taken by hand."""
    entropy: float
    """Of the model's distribution, nats."""
    seconds: float | None
    """Of predicting and choosing; None where the prediction had been made before."""
    shown: tuple[int, ...]
    """The tokens on record: the likeliest before and after the filters, and those proposed and taken."""
    stages: tuple[StageRecord, ...]
    finish: FinishReason | None
    """Why this was the last step; None if it was not."""

    @classmethod
    def of(
        cls,
        decision: Decision,
        position: int,
        seconds: float | None,
        finish: FinishReason | None = None,
        taken: int | None = None,
    ) -> Step:
        """The record of a decision; `taken` is the token a person took instead."""
        mine = decision.id if taken is None else taken
        ends = (decision.raw, decision.final)
        likeliest = (row.id for end in ends for row in end.top(min(KEPT, len(end))) if row.probability > 0)
        shown = tuple(dict.fromkeys([*likeliest, decision.id, mine]))
        return cls(
            position=position,
            id=mine,
            proposed=decision.id,
            u=decision.u,
            log_probability=decision.raw.row(mine).log_probability,
            drawn_log_probability=decision.final.row(mine).log_probability,
            entropy=decision.raw.entropy("nats"),
            seconds=seconds,
            shown=shown,
            stages=tuple(StageRecord.of(name, stage, shown) for name, stage in decision.stages),
            finish=finish,
        )

    @property
    def by_hand(self) -> bool:
        """Whether a person took another token than the strategy's."""
        return self.id != self.proposed


@dataclass(frozen=True)
class Trace:
    """A prompt and everything that was generated after it."""

    prompt_ids: tuple[int, ...]
    steps: tuple[Step, ...]
    finish: FinishReason
    text: str
    """What was generated, up to the stop string or the policy's word if one ended it."""

    @property
    def ids(self) -> tuple[int, ...]:
        """The generated ids."""
        return tuple(step.id for step in self.steps)

    @property
    def log_probability(self) -> float:
        """ln P(generated | prompt) under the model, nats."""
        return math.fsum(step.log_probability for step in self.steps)

    def to_json(self) -> str:
        """As JSON; -inf, where a filter ruled a token out, is written as null."""
        return as_json(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Trace:
        """The trace that `to_json` wrote. Raises InvalidInput for anything else."""
        try:
            return cls.from_data(json.loads(text))
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise InvalidInput("trace", f"JSON written by Trace.to_json ({type(error).__name__})", text) from None

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Trace:
        """From what JSON holds. Raises KeyError, TypeError or ValueError for what no trace holds."""
        steps = tuple(_step(step) for step in data["steps"])
        ids = _listed(data["prompt_ids"], _whole)
        if not ids or [step.position for step in steps] != list(range(len(ids), len(ids) + len(steps))):
            raise ValueError("steps that do not follow the prompt")
        return cls(ids, steps, FinishReason(data["finish"]), _text(data["text"]))


def as_json(data: Mapping[str, Any]) -> str:
    """Records as JSON, always spelled the same way; -inf becomes null. Raises ValueError for nan and +inf."""
    return json.dumps(_plain(data), separators=(",", ":"), allow_nan=False)


def _plain(value: Any) -> Any:
    """Lists, dicts and numbers that JSON has."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and value == -math.inf else value


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("a number that is no id or count")
    return value


def _finite(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= sys.float_info.max:
        raise ValueError("a figure that is not finite")
    return float(value)


def _or_ruled_out(value: Any) -> float:
    return -math.inf if value is None else _finite(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a text that is none")
    return value


def _listed(values: Any, check: Callable[[Any], Any]) -> tuple[Any, ...]:
    if not isinstance(values, list):
        raise TypeError("a list that is none")
    return tuple(map(check, values))


def _step(data: Mapping[str, Any]) -> Step:
    shown = _listed(data["shown"], _whole)
    step = Step(
        position=_whole(data["position"]),
        id=_whole(data["id"]),
        proposed=_whole(data["proposed"]),
        u=None if data["u"] is None else _finite(data["u"]),
        log_probability=_or_ruled_out(data["log_probability"]),
        drawn_log_probability=_or_ruled_out(data["drawn_log_probability"]),
        entropy=_finite(data["entropy"]),
        seconds=None if data["seconds"] is None else _finite(data["seconds"]),
        shown=shown,
        stages=_listed(data["stages"], _stage),
        finish=None if data["finish"] is None else FinishReason(data["finish"]),
    )
    if not step.stages or any(len(stage.logits) != len(shown) for stage in step.stages):
        raise ValueError("a step without the figures of its tokens")
    if len(set(shown)) != len(shown) or not {step.id, step.proposed} <= set(shown):
        raise ValueError("a step whose token is not on record")
    return step


def _stage(data: Mapping[str, Any]) -> StageRecord:
    rest = Rest(_whole(data["rest"]["count"]), _finite(data["rest"]["probability"]))
    logits = _listed(data["logits"], _or_ruled_out)
    return StageRecord(_text(data["name"]), logits, _finite(data["log_normaliser"]), _whole(data["possible"]), rest)
