"""One run of generation as plain data: what was seen and chosen at each step; to JSON and back.

Knows no model: a trace can be drawn where the model is not. Of each stage it keeps the 50 likeliest tokens,
the chosen one and what the others hold together; 64 steps stay below one megabyte.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from enum import StrEnum

from lm_core.distribution import Distribution, Rest, Row
from lm_core.errors import InvalidInput

KEPT = 50


class FinishReason(StrEnum):
    """Why generation ended, in order of precedence."""

    END_TOKEN = "end token"
    STOP_STRING = "stop string"
    TOKEN_LIMIT = "token limit"
    CONTEXT_FULL = "context full"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class StageRecord:
    """A distribution on the way from logits to choice, cut to what a picture needs."""

    name: str
    ids: tuple[int, ...]
    logits: tuple[float, ...]
    log_normaliser: float
    """ln of the sum of exp(logit) over the whole vocabulary: ln p = logit - log_normaliser."""
    chosen_logit: float
    chosen_rank: int
    rest: Rest

    @classmethod
    def of(cls, name: str, stage: Distribution, chosen: int) -> StageRecord:
        """Cuts a distribution; tokens that a filter ruled out are never among the rows."""
        top = stage.top(min(KEPT, len(stage)))
        rows = [row for row in top if row.probability > 0]
        mine = stage.row(chosen)
        best = rows[0]
        return cls(
            name=name,
            ids=tuple(row.id for row in rows),
            logits=tuple(row.logit for row in rows),
            log_normaliser=best.logit - best.log_probability,
            chosen_logit=mine.logit,
            chosen_rank=mine.rank,
            rest=Rest(len(stage) - len(rows), top.rest.probability),
        )

    @property
    def rows(self) -> tuple[Row, ...]:
        """The likeliest tokens of this stage, likeliest first."""
        return tuple(self._row(i, logit, rank) for rank, (i, logit) in enumerate(zip(self.ids, self.logits), start=1))

    def _row(self, token_id: int, logit: float, rank: int) -> Row:
        log_probability = logit - self.log_normaliser
        return Row(token_id, math.exp(log_probability), logit, log_probability, rank)


@dataclass(frozen=True)
class Step:
    """One turn of the loop."""

    position: int
    """Of the new token in prompt + answer, from 0."""
    id: int
    u: float | None
    """The uniform number behind the draw; None when greedy."""
    log_probability: float
    """ln p of the chosen token as the model gave it, nats."""
    drawn_log_probability: float
    """ln p of the chosen token in the distribution it was drawn from, nats."""
    entropy: float
    """Of the model's distribution, nats."""
    seconds: float
    stages: tuple[StageRecord, ...]
    finish: FinishReason | None
    """Why this was the last step; None if it was not."""


@dataclass(frozen=True)
class Trace:
    """A prompt and everything that was generated after it."""

    prompt_ids: tuple[int, ...]
    steps: tuple[Step, ...]
    finish: FinishReason
    text: str
    """What was generated, up to the stop string if one ended it."""

    @property
    def ids(self) -> tuple[int, ...]:
        """The generated ids."""
        return tuple(step.id for step in self.steps)

    @property
    def log_probability(self) -> float:
        """ln P(generated | prompt) under the model, nats."""
        return math.fsum(step.log_probability for step in self.steps)

    def to_json(self) -> str:
        """As JSON. Every number in a trace is finite: what was chosen had been ruled out nowhere."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Trace:
        """The trace that `to_json` wrote. Raises InvalidInput for anything else."""
        try:
            data = json.loads(text)
            steps = tuple(_step(step) for step in data["steps"])
            return cls(tuple(data["prompt_ids"]), steps, FinishReason(data["finish"]), data["text"])
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInput("trace", f"JSON written by Trace.to_json ({type(error).__name__})", text) from None


def _step(data: dict[str, object]) -> Step:
    stages = [dict(stage) for stage in data.pop("stages")]  # type: ignore[attr-defined]
    for stage in stages:
        stage["ids"], stage["logits"] = tuple(stage["ids"]), tuple(stage["logits"])
        stage["rest"] = Rest(**stage["rest"])
    finish = data.pop("finish")
    return Step(
        **data,  # type: ignore[arg-type]
        stages=tuple(StageRecord(**stage) for stage in stages),
        finish=None if finish is None else FinishReason(str(finish)),
    )
