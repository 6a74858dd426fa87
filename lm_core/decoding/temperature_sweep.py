"""A distribution at many temperatures, with a constant added to its logits, and without subtracting the maximum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lm_core.distribution import Distribution
from lm_core.errors import InvalidInput
from lm_core.logits import softmax


@dataclass(frozen=True)
class Sweep:
    """What the logits become at each temperature, without filters."""

    temperatures: tuple[float, ...]
    probabilities: dict[int, tuple[float, ...]]
    """By token id, one value for each temperature."""
    entropies: tuple[float, ...]
    """Bits; 0 at temperature 0."""


def sweep(logits: ArrayLike, temperatures: Sequence[float], ids: Sequence[int]) -> Sweep:
    """Softmax over the whole vocabulary at each temperature, read at a few ids.

    >>> swept = sweep([1.0, 0.0], [0.0, 1.0, 1e9], ids=[0])
    >>> [round(p, 3) for p in swept.probabilities[0]], [round(h, 3) for h in swept.entropies]
    ([1.0, 0.731, 0.5], [0.0, 0.84, 1.0])
    """
    if not len(temperatures):
        raise InvalidInput("temperatures", "at least one number >= 0", temperatures)
    raw = Distribution(logits)
    known = [raw.row(token_id).id for token_id in ids]
    rows = [softmax(raw.logits, t) for t in temperatures]
    gaps = np.maximum(raw.logits - raw.logits.max(), -1e300)  # only gaps count, and these do not overflow
    with np.errstate(over="ignore"):
        entropies = tuple(Distribution(gaps / t).entropy("bits") if t else 0.0 for t in temperatures)
    return Sweep(tuple(temperatures), {i: tuple(float(row[i]) for row in rows) for i in known}, entropies)


def unshifted_softmax(logits: ArrayLike) -> NDArray[np.float64]:
    """exp(logit) / sum of exp, as the formula stands, without subtracting the largest logit first.

    The same as `softmax` for small logits. Above 709.78 exp overflows to inf, and inf / inf is nan; that is why
    nobody computes it so.

    >>> unshifted_softmax([1.0, 1.0]).tolist(), unshifted_softmax([1000.0, 1000.0]).tolist()
    ([0.5, 0.5], [nan, nan])
    """
    with np.errstate(over="ignore", invalid="ignore"):
        weights = np.exp(Distribution(logits).logits)
        return weights / weights.sum()
