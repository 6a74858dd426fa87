"""The loop that turns next-token predictions into text: predict, choose, append, check whether to stop.

Yields one plain record a token and keeps no state of its own. Of several reasons to stop that hold at once the
first of this list counts: end token, stop string, token limit, context full; being cancelled comes before a step.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from lm_core.decoding import Decision, Strategy
from lm_core.errors import InvalidInput, whole_number
from lm_core.filters import Context
from lm_core.models import LanguageModel
from lm_core.trace import FinishReason, StageRecord, Step, Trace

if TYPE_CHECKING:
    from lm_core.models.kv_cache import KVCache


class ContextPolicy(StrEnum):
    """What to do when prompt and answer outgrow the model's context."""

    REJECT = "reject"
    """Refuse at the start what cannot fit at the end."""
    STOP = "stop"
    """Generate until the context is full, and say so."""
    TRUNCATE_LEFT = "truncate left"
    """Forget the oldest half and go on."""
    KEEP_PREFIX = "keep prefix"
    """Keep the first `keep` tokens, forget the older half of the others, and go on."""


@dataclass(frozen=True)
class Limits:
    """When generation ends, other than by the model's own end token."""

    max_new_tokens: int = 64
    """Counts generated tokens only, not the prompt."""
    stop_strings: tuple[str, ...] = ()
    """Text that ends generation wherever it appears in what was generated, also across tokens."""
    end_ids: frozenset[int] | None = None
    """Tokens that end generation; None: the model's own."""
    policy: ContextPolicy = ContextPolicy.STOP
    keep: int = 0

    def __post_init__(self) -> None:
        whole_number("max_new_tokens", self.max_new_tokens, 1)
        whole_number("keep", self.keep, 0)
        if any(not text for text in self.stop_strings):
            raise InvalidInput("stop_strings", "texts of at least one character", self.stop_strings)


def generate(
    model: LanguageModel,
    prompt_ids: Sequence[int],
    strategy: Strategy,
    limits: Limits | None = None,
    use_cache: bool = True,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[Step]:
    """Yields one Step a token; the last one names why it ended, unless generation was cancelled.

    With the cache each step reads one token, without it the whole context; the numbers are the same.
    """
    limits = limits or Limits()
    check_room(model, prompt_ids, limits)
    generator = strategy.generator()
    window = _Window(model, list(prompt_ids), limits, use_cache)
    generated: list[int] = []
    while not cancelled():
        start = time.perf_counter()
        logits = window.predict()
        context = Context([*prompt_ids, *generated], len(prompt_ids))
        decision = strategy.decide(logits, context, generator)
        generated.append(decision.id)
        finish = finish_reason(model, generated, len(window.ids), limits)
        yield _record(decision, len(prompt_ids) + len(generated) - 1, finish, time.perf_counter() - start)
        if finish:
            return
        window.append(decision.id)


def run(
    model: LanguageModel,
    prompt_ids: Sequence[int],
    strategy: Strategy,
    limits: Limits | None = None,
    use_cache: bool = True,
    cancelled: Callable[[], bool] = lambda: False,
) -> Trace:
    """`generate` from beginning to end, as one Trace."""
    steps = tuple(generate(model, prompt_ids, strategy, limits, use_cache, cancelled))
    finish = (steps[-1].finish if steps else None) or FinishReason.CANCELLED
    stop_strings = limits.stop_strings if limits else ()
    text, _ = cut_at_stop(model.tokenizer.decode([step.id for step in steps]), stop_strings)
    return Trace(tuple(prompt_ids), steps, finish, text)


def cut_at_stop(text: str, stop_strings: Sequence[str]) -> tuple[str, bool]:
    """The text before the first stop string in it, and whether there is one.

    >>> cut_at_stop("Hello\\n\\nUser: hi", ["User:", "\\n\\n"])
    ('Hello', True)
    """
    found = [at for at in (text.find(stop) for stop in stop_strings) if at >= 0]
    return (text[: min(found)], True) if found else (text, False)


def check_room(model: LanguageModel, prompt_ids: Sequence[int], limits: Limits) -> None:
    """Refuses a prompt that is empty, or that has no room where the policy wants it."""
    if not prompt_ids:
        raise InvalidInput("prompt_ids", "at least one token id", prompt_ids)
    room = model.context_length
    if room is None:
        return
    whole_number("tokens in the prompt", len(prompt_ids), 1, room)
    if limits.policy is ContextPolicy.REJECT and len(prompt_ids) + limits.max_new_tokens > room:
        wanted = f"{len(prompt_ids)} + {limits.max_new_tokens}"
        raise InvalidInput("prompt and max_new_tokens", f"at most {room} tokens together", wanted)
    if limits.policy is ContextPolicy.KEEP_PREFIX:
        whole_number("keep", limits.keep, 0, room - 2)


def finish_reason(
    model: LanguageModel, generated: Sequence[int], remembered: int, limits: Limits
) -> FinishReason | None:
    """Why generation ends after the last of these tokens, if it does; `remembered` tokens stood before it."""
    if generated[-1] in (model.end_ids if limits.end_ids is None else limits.end_ids):
        return FinishReason.END_TOKEN
    if limits.stop_strings and cut_at_stop(model.tokenizer.decode(generated), limits.stop_strings)[1]:
        return FinishReason.STOP_STRING
    if len(generated) >= limits.max_new_tokens:
        return FinishReason.TOKEN_LIMIT
    forgets = limits.policy in (ContextPolicy.TRUNCATE_LEFT, ContextPolicy.KEEP_PREFIX)
    full = model.context_length is not None and remembered >= model.context_length
    return FinishReason.CONTEXT_FULL if full and not forgets else None


@dataclass
class _Window:
    """What the model is shown: the ids still remembered, and how many of them the cache already holds."""

    model: LanguageModel
    ids: list[int]
    limits: Limits
    use_cache: bool
    cache: KVCache | None = field(init=False)

    def __post_init__(self) -> None:
        self.cache = self.model.new_cache() if self.use_cache else None

    @property
    def full(self) -> bool:
        return self.model.context_length is not None and len(self.ids) >= self.model.context_length

    def predict(self) -> Sequence[float]:
        if self.cache is None:
            row: Sequence[float] = self.model.next_logits([self.ids])[0]
        else:
            row = self.model.next_logits([self.ids[self.cache.length :]], [self.cache])[0]
        return row

    def append(self, token_id: int) -> None:
        if self.full:  # only a policy that forgets comes here; positions move, so nothing cached still holds
            keep = self.limits.keep if self.limits.policy is ContextPolicy.KEEP_PREFIX else 0
            rest = self.ids[keep:]
            self.ids = [*self.ids[:keep], *rest[(len(rest) + 1) // 2 :]]
            self.cache = self.model.new_cache() if self.use_cache else None
        self.ids.append(token_id)


def _record(decision: Decision, position: int, finish: FinishReason | None, seconds: float) -> Step:
    return Step(
        position=position,
        id=decision.id,
        u=decision.u,
        log_probability=decision.raw.row(decision.id).log_probability,
        drawn_log_probability=decision.final.row(decision.id).log_probability,
        entropy=decision.raw.entropy("nats"),
        seconds=seconds,
        stages=tuple(StageRecord.of(name, stage, decision.id) for name, stage in decision.stages),
        finish=finish,
    )
