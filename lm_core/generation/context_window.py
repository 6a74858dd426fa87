"""Which positions a model still sees when a text outgrows its context window."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lm_core.errors import whole_number


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

    @property
    def forgets(self) -> bool:
        """Whether generation goes on past a full context."""
        return self in (ContextPolicy.TRUNCATE_LEFT, ContextPolicy.KEEP_PREFIX)


def forgotten(prompt: int, generated: int, room: int | None, policy: ContextPolicy, keep: int = 0) -> range:
    """The positions that the model no longer sees, of `prompt` + `generated` tokens in a context of `room`.

    A full context is made half empty before the next token is appended (as llama.cpp's context shift does).

    >>> forgotten(prompt=6, generated=3, room=8, policy=ContextPolicy.TRUNCATE_LEFT)
    range(0, 4)
    >>> forgotten(prompt=7_990, generated=11, room=8_000, policy=ContextPolicy.KEEP_PREFIX, keep=100)
    range(100, 4050)
    """
    kept = keep if policy is ContextPolicy.KEEP_PREFIX else 0
    start = kept
    if room is not None and policy.forgets:
        for length in range(prompt, prompt + generated):
            if kept + length - start >= room:
                start += (length - start + 1) // 2
    return range(kept, start)


@dataclass(frozen=True)
class Outcome:
    """How a request ends in a window under one policy."""

    generated: int
    """Tokens that come out; 0 if the request is refused."""
    forgotten: int
    """Tokens that the model no longer sees when it predicts the last one."""
    seen: int
    """Tokens that it does see then."""


def apply_policy(prompt: int, wanted: int, room: int, policy: ContextPolicy, keep: int = 0) -> Outcome:
    """What becomes of `prompt` tokens and `wanted` new ones.

    >>> [apply_policy(7_001, 1_001, 8_000, policy) for policy in (ContextPolicy.REJECT, ContextPolicy.TRUNCATE_LEFT)]
    [Outcome(generated=0, forgotten=0, seen=0), Outcome(generated=1001, forgotten=4000, seen=4001)]
    """
    whole_number("prompt", prompt, 1, room)
    whole_number("wanted", wanted, 1)
    if policy is ContextPolicy.KEEP_PREFIX:
        whole_number("keep", keep, 0, room - 2)
    if policy is ContextPolicy.REJECT and prompt + wanted > room:
        return Outcome(0, 0, 0)
    generated = wanted if policy.forgets else min(wanted, room - prompt + 1)  # the last one need not be read
    gone = len(forgotten(prompt, generated - 1, room, policy, keep))
    return Outcome(generated, gone, prompt + generated - 1 - gone)
