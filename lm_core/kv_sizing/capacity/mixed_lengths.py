"""How many users fit where their lengths differ: the sum of what they take is a random number, and has to stay below
what the GPU has left.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lm_core.errors import InvalidInput
from lm_core.kv_sizing.capacity.lengths import Lengths

if TYPE_CHECKING:
    from lm_core.kv_sizing.scenario import Scenario

PAGED = ("ideal", "vLLM", "SGLang", "TensorRT-LLM")
"""Engines that give a user blocks as the text grows. The others reserve the longest length for everybody."""
_BINS, _POWERS = 4096, 24
Array = NDArray[np.float64]


def users_within(
    scenario: Scenario, lengths: Lengths, chances: Sequence[float], rooms: Sequence[int] = ()
) -> list[list[int]]:
    """For each room in bytes on each GPU, and each chance: the most users whose caches stay within it so surely.

    Without `rooms`: what is left, likely, at worst and at best. Each user has a length of their own, drawn from
    `lengths` and counted at its end, so that this is what a full server needs at any one moment. The distribution of
    the sum is computed by convolution on at least 4,096 equal parts of the room, of which the longest length takes a
    whole number; a length that ends within a part is shared out over its two ends so that its mean stays.

    >>> from lm_core.kv_sizing import Scenario, preset
    >>> plan = Scenario(preset("llama-3.1-8b"), 8192, 1, pool=100 * 2**30)  # a user of 8,192 tokens takes 1 GiB
    >>> half = Lengths((4096, 8192), (0.5, 0.5))
    >>> users_within(plan, half, [0.5, 0.99])[0], plan.most_sequences.value
    ([133, 124], 100)
    """
    if scenario.engine.name not in PAGED:
        raise InvalidInput("engine", f"one of {', '.join(PAGED)}, which give out blocks", scenario.engine.name)
    if not chances or not all(0 < chance < 1 for chance in chances):
        raise InvalidInput("chances", "between 0 and 1", chances)
    fixed, costs = _costs(scenario, lengths)
    left = scenario.budget.for_cache
    rooms = rooms or (left.likely, left.least, left.most)
    return [_within(costs, lengths.shares, room - fixed, chances, scenario.split.data) for room in rooms]


def _within(costs: list[int], shares: tuple[float, ...], left: int, chances: Sequence[float], ranks: int) -> list[int]:
    if left <= 0:
        return [0] * len(chances)
    powers = [_on_bins(costs, shares, left)]  # of 1, 2, 4, 8 ... users
    while powers[-1].sum() >= min(chances) and len(powers) < _POWERS:
        powers.append(_sum_of(powers[-1], powers[-1]))
    return [ranks * _most(powers, chance) for chance in chances]


def _most(powers: list[Array], chance: float) -> int:
    """The largest number of users, put together from powers of 2, that the room holds with this chance."""
    users, found = 0, np.eye(1, len(powers[0]))[0]
    for doubled in range(len(powers) - 1, -1, -1):
        tried = _sum_of(found, powers[doubled])
        if tried.sum() >= chance:
            users, found = users + (1 << doubled), tried
    return users


def _costs(scenario: Scenario, lengths: Lengths) -> tuple[int, list[int]]:
    """(what is kept once, what a user of each length takes) on the fullest GPU, in bytes."""
    ranks = scenario.split.data
    each = []
    fixed = 0
    for length in lengths.tokens:
        length = max(length, scenario.shared)
        one = scenario.need(length, ranks)
        each.append(scenario.need(length, 2 * ranks) - one)
        fixed = one - each[-1]
    return fixed, each


def _on_bins(costs: list[int], shares: tuple[float, ...], room: int) -> Array:
    """Chance of each number of parts of the room, for one user; what is over the room is left out."""
    parts = -(-max(costs) * _BINS // room)  # of the longest
    size = room * parts // max(costs) + 1
    bins = np.zeros(size + 1)
    for cost, share in zip(costs, shares, strict=True):
        lower, rest = divmod(cost * parts, max(costs))
        if lower < size:
            bins[lower] += share * (1 - rest / max(costs))
            bins[lower + 1] += share * rest / max(costs)
    return bins[:size]


def _sum_of(one: Array, other: Array) -> Array:
    """Chance of each sum that stays within the room: sums never shrink, so what is over it may be forgotten."""
    size = 1 << (2 * len(one) - 1).bit_length()  # a power of 2, because others are many times slower
    product = np.fft.irfft(np.fft.rfft(one, size) * np.fft.rfft(other, size), size)  # (2 x parts)
    return np.maximum(product[: len(one)], 0.0)
