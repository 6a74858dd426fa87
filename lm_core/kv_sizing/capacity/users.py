"""The cache on one GPU for each number of users that a handle can stand at, to the byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lm_core.kv_sizing.scenario import Scenario

_STOPS = 120


def stops(scenario: Scenario) -> tuple[tuple[int, int], ...]:
    """(users, bytes) from one to a third more than could ever fit, the number asked for among them.

    >>> from lm_core.kv_sizing import Scenario, preset
    >>> found = stops(Scenario(preset("llama-3.1-8b"), 8192, 3))
    >>> found[0], found[2]  # 128 KiB a token
    ((1, 1073741824), (3, 3221225472))
    """
    asked = scenario.sequences
    highest = max(8, min(scenario.most_between[1] * 4 // 3 + 1, 100_000))
    highest = highest if asked <= highest else asked * 4 // 3  # the same while the handle moves
    each = max(1, -(-highest // _STOPS))
    numbers = sorted({1, *range(each, highest + each, each), asked})
    first, second = scenario.need(sequences=1), scenario.need(sequences=2)
    slope = second - first
    tried = (3, numbers[len(numbers) // 2] or 1, numbers[-1])
    straight = all(scenario.need(sequences=n) == first + (n - 1) * slope for n in tried)
    return tuple((n, first + (n - 1) * slope if straight else scenario.need(sequences=n)) for n in numbers)
