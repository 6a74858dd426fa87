"""Lengths that differ from user to user: from a mean and a 95th percentile, or from a histogram."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist

from lm_core.errors import InvalidInput, whole_number

_POINTS, _ROWS = 100, 2000
_Z95 = NormalDist().inv_cdf(0.95)
_MOST = 1 << 40


@dataclass(frozen=True)
class Lengths:
    """Tokens and how often each length occurs, as shares that sum to 1; shortest first."""

    tokens: tuple[int, ...]
    shares: tuple[float, ...]

    def __post_init__(self) -> None:
        whole = all(type(count) is int and 1 <= count <= _MOST for count in self.tokens)
        if not self.tokens or len(self.tokens) != len(self.shares) or not whole:
            raise InvalidInput("lengths", "at least one length, each from 1 token, with its share", self.tokens)
        if min(self.shares) < 0 or abs(sum(self.shares) - 1) > 1e-9:
            raise InvalidInput("shares", "from 0, with the sum 1", self.shares)

    @property
    def mean(self) -> float:
        return sum(count * share for count, share in zip(self.tokens, self.shares, strict=True))

    def percentile(self, percent: int) -> int:
        """The shortest length that at least so many percent of the users stay within.

        >>> Lengths((100, 1000), (0.9, 0.1)).percentile(90), Lengths((100, 1000), (0.9, 0.1)).percentile(95)
        (100, 1000)
        """
        sought, reached = whole_number("percent", percent, 1, 100) / 100, 0.0
        for count, share in zip(self.tokens, self.shares, strict=True):
            reached += share
            if reached >= sought - 1e-9:
                return count
        return self.tokens[-1]


def from_mean(mean: int, percentile_95: int, longest: int) -> Lengths:
    """A log-normal distribution with this mean and 95th percentile, as 100 equally likely lengths, none over `longest`.

    Source: mean = exp(m + s^2 / 2) and 95th percentile = exp(m + 1.645 s), the smaller of the two s; each length is
    the mean of its hundredth, exp(m + s^2 / 2) x 100 (N(b - s) - N(a - s)) between the quantiles a and b. Lengths of
    requests are close to log-normal: many short, a few very long. What would be longer counts as `longest`, which
    lowers the mean.

    >>> found = from_mean(4000, 12_000, 131_072)
    >>> round(found.mean, -2), found.percentile(90) < 12_000 < found.percentile(96)
    (4000.0, True)
    """
    whole_number("longest", longest, 1, _MOST)
    whole_number("mean", mean, 1, longest)
    whole_number("what 95 % stay within", percentile_95, mean, longest)
    ratio, steepest = math.log(percentile_95 / mean), _Z95**2 / 2
    if ratio > steepest:
        most = math.floor(mean * math.exp(steepest))
        raise InvalidInput(
            "what 95 % stay within", f"at most {most:,}, 3.87 times the mean of such lengths", percentile_95
        )
    s = _Z95 - math.sqrt(max(0.0, _Z95**2 - 2 * ratio))
    normal = NormalDist()
    ends = [-math.inf, *(normal.inv_cdf(i / _POINTS) for i in range(1, _POINTS)), math.inf]
    drawn = (mean * _POINTS * (normal.cdf(b - s) - normal.cdf(a - s)) for a, b in pairwise(ends))
    return _shared_out(Counter(min(longest, max(1, round(count))) for count in drawn))


def read_histogram(text: str, longest: int) -> Lengths:
    """One length a line, and behind it how often it occurs (once if nothing stands there).

    Between the two: a comma, semicolon, tab or space. A first line that holds words is taken for a heading.

    >>> read_histogram("tokens,requests\\n1000,30\\n8000,10", 32_768).mean
    2750.0
    """
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    if lines and not re.search(r"\d", lines[0]):
        lines = lines[1:]
    if not 0 < len(lines) <= _ROWS:
        raise InvalidInput(
            "histogram", f"from 1 to {_ROWS:,} lines, each a length and how often", f"{len(lines):,} lines"
        )
    counts: Counter[int] = Counter()
    for line in lines:
        found = re.fullmatch(r"(\d{1,13})(?:[\s,;]+(\d{1,15}))?", line)
        if not found:
            raise InvalidInput("histogram", "lines of a length in tokens, a comma and how often it occurs", line)
        counts[whole_number("a length of the histogram", int(found[1]), 1, longest)] += int(found[2] or 1)
    if not counts.total():
        raise InvalidInput("histogram", "at least one length that occurs", "0 in all")
    return _shared_out(counts)


def _shared_out(counts: Counter[int]) -> Lengths:
    kept = sorted((length, count) for length, count in counts.items() if count)
    return Lengths(tuple(length for length, _ in kept), tuple(count / counts.total() for _, count in kept))
