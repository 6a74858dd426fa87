"""Probabilities over the whole vocabulary, from logits: top rows, rest, rank, entropy, KL divergence.

A distribution is one float64 vector; an index is a token id. Logarithms are natural (nats) unless a unit is named.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from lm_core.errors import InvalidInput, whole_number
from lm_core.logits import as_logits

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Unit = Literal["nats", "bits"]


def _sum(values: NDArray[np.float64]) -> float:
    """The sum, added in extended precision: as good as math.fsum to the last digits, at a tenth of its time."""
    return float(values.sum(dtype=np.longdouble))


@dataclass(frozen=True)
class Row:
    """One token of a distribution; rank 1 is the likeliest, equal probabilities rank by id."""

    id: int
    probability: float
    logit: float
    log_probability: float
    """Natural logarithm of the probability, nats."""
    rank: int


@dataclass(frozen=True)
class Rest:
    """The tokens left out of a list of rows: how many, and the sum of their own probabilities."""

    count: int
    probability: float


@dataclass(frozen=True)
class Band:
    """Neighbouring ranks taken together: from `first` to `last`, both included, and the sum of their probabilities."""

    first: int
    last: int
    probability: float


@dataclass(frozen=True)
class Top:
    """The likeliest rows and the rest; iterating yields the rows."""

    rows: tuple[Row, ...]
    rest: Rest

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)


@dataclass(frozen=True)
class Aligned:
    """Two distributions token by token: (row in the first, row in the second), and the rest of each."""

    rows: tuple[tuple[Row, Row], ...]
    rest: Rest
    other_rest: Rest


class Distribution:
    """The next-token distribution: float64 probabilities over the full vocabulary, from one logits vector.

    >>> belief = Distribution([3.0, 1.5, -1.0, -2.0, -3.0])
    >>> belief.top(2).rows[0].id, round(belief.top(2).rest.probability, 3)
    (0, 0.022)
    >>> belief.rank(1), round(belief.entropy("bits"), 3)
    (2, 0.849)
    """

    def __init__(self, logits: ArrayLike) -> None:
        self.logits = as_logits(logits).copy()
        self.logits.flags.writeable = False

    @cached_property
    def _weights(self) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
        """logits less the largest, exp of that, and the sum: all that probabilities and their logarithms need."""
        shifted = self.logits - self.logits.max()
        possible = np.flatnonzero(shifted > -np.inf)
        if 2 * len(possible) > len(shifted):
            weights = np.exp(shifted)
        else:  # after a filter: exp of -inf is 0, but not for free
            weights = np.zeros_like(shifted)
            weights[possible] = np.exp(shifted[possible])
        return shifted, weights, float(weights.sum())

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """Shape (vocab,), summing to 1."""
        _, weights, total = self._weights
        probabilities = weights / total
        probabilities.flags.writeable = False
        return probabilities

    @cached_property
    def log_probabilities(self) -> NDArray[np.float64]:
        """Natural logarithms, nats, shape (vocab,)."""
        shifted, _, total = self._weights
        log_probabilities = shifted - math.log(total)
        log_probabilities.flags.writeable = False
        return log_probabilities

    @property
    def log_normaliser(self) -> float:
        """ln of the sum of e^logit: what each logit loses to become a log-probability.

        >>> round(Distribution([0.0, 0.0]).log_normaliser, 4)
        0.6931
        """
        return float(self.logits.max()) + math.log(self._weights[2])

    @cached_property
    def _order(self) -> NDArray[np.intp]:
        """Ids, likeliest first; a stable sort of the negated logits puts the lower id first among equals."""
        return np.argsort(-self.logits, kind="stable")

    def __len__(self) -> int:
        return len(self.logits)

    def _row(self, token_id: int, rank: int) -> Row:
        return Row(
            id=token_id,
            probability=float(self.probabilities[token_id]),
            logit=float(self.logits[token_id]),
            log_probability=float(self.log_probabilities[token_id]),
            rank=rank,
        )

    def top(self, n: int) -> Top:
        """The n likeliest tokens, likeliest first, and the rest, summed from the omitted probabilities."""
        n = whole_number("n", n, 1, len(self))
        best = self._best(n)
        rows = tuple(self._row(int(i), rank) for rank, i in enumerate(best, start=1))
        omitted = np.delete(self.probabilities, best)
        return Top(rows, Rest(count=len(omitted), probability=_sum(omitted)))

    def _best(self, n: int) -> NDArray[np.intp]:
        """Ids of the n largest logits, largest first; only candidates are sorted, which takes a tenth of the time."""
        possible = np.flatnonzero(self.logits > -np.inf)
        if len(possible) <= n:
            return self._order[:n] if len(possible) < n else possible[np.argsort(-self.logits[possible], kind="stable")]
        pool = self.logits[possible]  # without the -inf: numpy partitions long runs of equal values slowly
        candidates = possible[pool >= np.partition(pool, -n)[-n]]
        return candidates[np.argsort(-self.logits[candidates], kind="stable")][:n]

    def bands(self, n: int, edges: tuple[int, ...] = (100, 1_000, 10_000)) -> tuple[Band, ...]:
        """What stands below the n likeliest, in bands of rank that end at `edges`; together they are the rest.

        >>> Distribution([3.0, 1.5, -1.0, -2.0, -3.0]).bands(2, edges=(4,))[1]
        Band(first=5, last=5, probability=0.0019819513099723325)
        """
        n = whole_number("n", n, 1, len(self))
        ends = [edge for edge in edges if n < edge < len(self)] + [len(self)]
        starts = [n, *ends[:-1]]
        # Only the borders need to be in their places, which is four times as fast as sorting everything.
        borders = np.array([start for start in starts if start < len(self)], np.intp)
        parted = np.partition(-self.probabilities, borders)
        return tuple(Band(start + 1, end, -_sum(parted[start:end])) for start, end in zip(starts, ends) if start < end)

    def row(self, token_id: int) -> Row:
        """The facts about one token."""
        return self._row(token_id, self.rank(token_id))

    def rank(self, token_id: int) -> int:
        """1 for the likeliest token; equal logits rank by id, lowest first."""
        token_id = whole_number("token_id", token_id, 0, len(self) - 1)
        logit = self.logits[token_id]
        ahead = np.count_nonzero(self.logits > logit)
        equals_before = np.count_nonzero(self.logits[:token_id] == logit)
        return int(ahead + equals_before) + 1

    def entropy(self, unit: Unit) -> float:
        """Shannon entropy, -sum p log p; a token of probability 0 adds 0.

        The unit is "nats" or "bits". exp(entropy in nats) is the effective number of choices.

        >>> Distribution([0.0, 0.0, 0.0, 0.0]).entropy("bits")
        2.0
        """
        if unit not in ("nats", "bits"):
            raise InvalidInput("unit", '"nats" or "bits"', unit)
        return self._entropy if unit == "nats" else self._entropy / math.log(2)

    @cached_property
    def _entropy(self) -> float:
        probabilities, log_probabilities = self.probabilities, self.log_probabilities
        if log_probabilities.min() == -np.inf:  # 0 x -inf would be nan
            possible = probabilities > 0
            probabilities, log_probabilities = probabilities[possible], log_probabilities[possible]
        return max(0.0, -_sum(probabilities * log_probabilities))

    @property
    def effective_choices(self) -> float:
        """exp(entropy in nats): as uncertain as a fair choice among so many tokens.

        >>> Distribution([0.0, 0.0, 0.0, 0.0]).effective_choices
        4.0
        """
        return math.exp(self.entropy("nats"))

    def kl_divergence(self, other: Distribution, unit: Unit) -> float:
        """KL(self || other) = sum p log(p / q), in "nats" or "bits"; inf where other rules out what self allows.

        Kullback and Leibler 1951. The cost of expecting `other` where `self` is true.

        >>> Distribution([0.0, 0.0]).kl_divergence(Distribution([0.0, 0.0]), "bits")
        0.0
        """
        self._check_comparable(other)
        if unit not in ("nats", "bits"):
            raise InvalidInput("unit", '"nats" or "bits"', unit)
        possible = self.probabilities > 0
        ratio = self.log_probabilities[possible] - other.log_probabilities[possible]
        nats = max(0.0, _sum(self.probabilities[possible] * ratio))  # never negative but for rounding
        return nats if unit == "nats" else nats / math.log(2)

    def movers(self, other: Distribution, n: int) -> tuple[int, ...]:
        """Ids of the n tokens whose probability differs most between the two, the largest change first.

        >>> Distribution([0.0, 1.0, 2.0]).movers(Distribution([2.0, 1.0, 0.0]), 2)
        (0, 2)
        """
        self._check_comparable(other)
        n = whole_number("n", n, 1, len(self))
        change = np.abs(other.probabilities - self.probabilities)
        return tuple(int(i) for i in np.argsort(-change, kind="stable")[:n])

    def aligned(self, other: Distribution, n: int) -> Aligned:
        """The n tokens likeliest in either of the two, each with its row in both, and what both leave out.

        >>> pair = Distribution([2.0, 1.0, 0.0]).aligned(Distribution([0.0, 1.0, 2.0]), 2)
        >>> [(mine.id, mine.rank, theirs.rank) for mine, theirs in pair.rows], pair.rest.count
        ([(0, 1, 3), (2, 3, 1)], 1)
        """
        self._check_comparable(other)
        n = whole_number("n", n, 1, len(self))
        order = np.argsort(-np.maximum(self.probabilities, other.probabilities), kind="stable")
        rows = tuple((self.row(int(i)), other.row(int(i))) for i in order[:n])
        mine, theirs = (_sum(belief.probabilities[order[n:]]) for belief in (self, other))
        return Aligned(rows, Rest(len(self) - n, mine), Rest(len(self) - n, theirs))

    def _check_comparable(self, other: Distribution) -> None:
        if len(other) != len(self):
            raise InvalidInput("other", f"a distribution over {len(self)} tokens", f"one over {len(other)}")
