"""Detects a text that ends in the same tokens again and again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lm_core.errors import whole_number


@dataclass(frozen=True)
class RepeatedPhrase:
    """The last tokens of a text, repeated without a break."""

    ids: tuple[int, ...]
    """One round."""
    times: int
    """How often it stands at the end in a row."""


def repeated_phrase(ids: Sequence[int], times: int = 3) -> RepeatedPhrase | None:
    """The shortest run of tokens that stands at the end of `ids` at least `times` times in a row, if there is one.

    >>> repeated_phrase([7, 1, 2, 1, 2, 1, 2])
    RepeatedPhrase(ids=(1, 2), times=3)
    >>> repeated_phrase([1, 2, 1, 2]) is None
    True
    """
    whole_number("times", times, 2)
    backwards = list(reversed(ids))
    for length in range(1, len(backwards) // times + 1):
        same = next((at for at in range(length, len(backwards)) if backwards[at] != backwards[at - length]), None)
        rounds = (len(backwards) if same is None else same) // length
        if rounds >= times:
            return RepeatedPhrase(tuple(reversed(backwards[:length])), rounds)
    return None
