"""Logits to probabilities: checked, in float64, safe from overflow. All logarithms are natural (nats)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from lm_core.errors import InvalidInput, real_number

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def as_logits(logits: ArrayLike) -> NDArray[np.float64]:
    """Checks one vector of scores and widens it to float64. -inf is allowed: it scores the impossible."""
    try:
        vector = np.asarray(logits, dtype=np.float64)
    except (TypeError, ValueError):  # text, complex numbers, rows of unequal length
        raise InvalidInput("logits", "a vector of real numbers", logits) from None
    if vector.ndim != 1 or vector.size == 0:
        raise InvalidInput("logits", "a vector with at least one value", f"array of shape {vector.shape}")
    largest = vector.max()  # one pass finds all three: nan and +inf win it, -inf only when there is nothing else
    if np.isnan(largest) or largest == np.inf:
        raise InvalidInput("logits", "free of nan and +inf", vector[np.isnan(vector) | (vector == np.inf)][0])
    if largest == -np.inf:
        raise InvalidInput("logits", "finite for at least one token", "all -inf")
    return vector


def log_softmax(logits: ArrayLike) -> NDArray[np.float64]:
    """Log-probabilities in nats, shape (vocab,). Subtracting the maximum keeps exp from overflowing.

    >>> log_softmax([1000.0, 1000.0]).tolist()
    [-0.6931471805599453, -0.6931471805599453]
    """
    vector = as_logits(logits)
    shifted = vector - vector.max()
    return shifted - math.log(np.exp(shifted).sum())


def softmax(logits: ArrayLike, temperature: float = 1.0) -> NDArray[np.float64]:
    """Probabilities proportional to exp(logit / temperature), float64, shape (vocab,).

    Temperature 0 is greedy decoding: all mass on the largest logit, the lowest id among equals.

    >>> softmax([3.0, 1.5, -1.0, -2.0, -3.0]).round(3).tolist()
    [0.8, 0.178, 0.015, 0.005, 0.002]
    >>> softmax([1.0, 2.0, 2.0], temperature=0).tolist()
    [0.0, 1.0, 0.0]
    """
    vector = as_logits(logits)
    temperature = real_number("temperature", temperature, "a finite number >= 0", lambda t: 0 <= t < math.inf)
    shifted = vector - vector.max()
    if temperature == 0:
        greedy = np.zeros_like(shifted)
        greedy[int(np.argmax(shifted))] = 1.0
        return greedy
    # Below about 1e-306 a gap overflows to -inf on its way to exp(-inf) = 0, which is the right limit.
    with np.errstate(over="ignore"):
        weights = np.exp(shifted / temperature)
    return weights / weights.sum()


def omitted(probabilities: Iterable[float]) -> float:
    """The probability left for everything that a list of probabilities does not name.

    >>> round(omitted([0.85, 0.10, 0.03, 0.000001]), 12)
    0.019999
    """
    listed = math.fsum(probabilities)
    if not -1e-9 <= 1 - listed <= 1:
        raise InvalidInput("probabilities", "numbers >= 0 that sum to at most 1", listed)
    return max(0.0, 1 - listed)
