"""The memory that is left for a cache on each GPU, as an interval, and whether a cache fits into it.

Weights and reserve are known to within a spread. What fits even in the worst case fits, what does not fit even in the
best does not, and everything between is too close to call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lm_core.errors import InvalidInput, whole_number

FITS, CLOSE, TOO_LARGE = "fits", "too close to call", "does not fit"
_MOST = 1 << 60


@dataclass(frozen=True)
class Span:
    """Bytes: the likely figure, and between which the truth should lie.

    >>> Span(1, 2, 4) + Span.exactly(10)
    Span(least=11, likely=12, most=14)
    """

    least: int
    likely: int
    most: int

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            whole_number(name, value, -_MOST, _MOST)
        if not self.least <= self.likely <= self.most:
            raise InvalidInput("span", "least <= likely <= most", (self.least, self.likely, self.most))

    @classmethod
    def exactly(cls, count: int) -> Span:
        """A figure without a spread."""
        return cls(count, count, count)

    def __add__(self, other: Span) -> Span:
        return Span(self.least + other.least, self.likely + other.likely, self.most + other.most)

    def shared(self, ways: int) -> Span:
        """The largest of so many equal shares, rounded up."""
        return Span(*(-(-each // ways) for each in (self.least, self.likely, self.most)))


@dataclass(frozen=True)
class Budget:
    """One GPU: `memory` as the driver reports it, of which the engine may use `percent`; `weights` and `reserve` on it.

    `of_free`: the percentage counts what is left beside weights and reserve, as in TensorRT-LLM; else the whole.

    >>> gib = 2**30
    >>> left = Budget(80 * gib, Span.exactly(16 * gib), Span(2 * gib, 4 * gib, 6 * gib), percent=90).for_cache
    >>> left.least // gib, left.likely // gib, left.most // gib
    (50, 52, 54)
    """

    memory: int
    weights: Span
    reserve: Span = Span(0, 0, 0)
    percent: int = 100
    of_free: bool = False

    def __post_init__(self) -> None:
        whole_number("memory", self.memory, 1, 1 << 50)
        whole_number("percent", self.percent, 1, 100)

    @property
    def for_cache(self) -> Span:
        """Bytes left for the cache; below zero where weights and reserve alone do not fit."""
        taken = self.weights + self.reserve
        if self.of_free:
            left = (self.memory - each for each in (taken.most, taken.likely, taken.least))
            return Span(*(each * self.percent // 100 if each > 0 else each for each in left))
        usable = self.memory * self.percent // 100
        return Span(usable - taken.most, usable - taken.likely, usable - taken.least)

    def verdict(self, need: int) -> str:
        """Whether a cache of `need` bytes fits.

        >>> budget = Budget(100, Span(40, 50, 60))
        >>> budget.verdict(40), budget.verdict(50), budget.verdict(61)
        ('fits', 'too close to call', 'does not fit')
        """
        left = self.for_cache
        return FITS if need <= left.least else TOO_LARGE if need > left.most else CLOSE


@dataclass(frozen=True)
class LargestFit:
    """The largest `value` that fits, and what `limits` it; 0 where not even the smallest does."""

    value: int
    limits: str


def largest(fits: Callable[[int], bool], longest: int) -> int:
    """The largest n up to `longest` that fits, 0 for none; `fits` must hold up to some n and not after.

    >>> largest(lambda n: n * n <= 50, 100)
    7
    """
    low, high = 0, 1
    while high < longest and fits(high):
        low, high = high, min(2 * high, longest)
    if fits(high):
        return high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low
