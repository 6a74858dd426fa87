"""One row of logits at many temperatures: how each probability, and the entropy, follows T."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from numpy.typing import ArrayLike

from lm_core.distribution import Distribution, softmax
from lm_core.errors import InvalidInput


@dataclass(frozen=True)
class Sweep:
    """What the logits become at each temperature, without filters."""

    temperatures: tuple[float, ...]
    probabilities: dict[int, tuple[float, ...]]
    """By token id, one value for each temperature."""
    entropies: tuple[float, ...]
    """Nats; 0 at temperature 0."""


def sweep(logits: ArrayLike, temperatures: Sequence[float], ids: Sequence[int]) -> Sweep:
    """Softmax over the whole vocabulary at each temperature, read at a few ids.

    >>> swept = sweep([1.0, 0.0], [0.0, 1.0, 1e9], ids=[0])
    >>> [round(p, 3) for p in swept.probabilities[0]], [round(h, 3) for h in swept.entropies]
    ([1.0, 0.731, 0.5], [0.0, 0.582, 0.693])
    """
    if not len(temperatures):
        raise InvalidInput("temperatures", "at least one number >= 0", temperatures)
    raw = Distribution(logits)
    known = [raw.row(token_id).id for token_id in ids]
    rows = [softmax(raw.logits, t) for t in temperatures]
    entropies = tuple(Distribution(raw.logits / t).entropy("nats") if t else 0.0 for t in temperatures)
    return Sweep(tuple(temperatures), {i: tuple(float(row[i]) for row in rows) for i in known}, entropies)
