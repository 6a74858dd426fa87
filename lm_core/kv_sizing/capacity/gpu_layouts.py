"""How many GPUs of a type a scenario needs, and in which layout: replicas times tensor parallelism.

Gives the layout with the fewest GPUs, its headroom and what limits it. Counts memory only, not speed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lm_core.errors import InvalidInput
from lm_core.kv_sizing.capacity.gpus import Gpu
from lm_core.kv_sizing.capacity.split import Split

if TYPE_CHECKING:
    from lm_core.kv_sizing.scenario import Scenario

WAYS = (1, 2, 4, 8, 16)


@dataclass(frozen=True)
class Layout:
    """`replicas` servers of `ways` GPUs each; the fullest server holds `sequences` of them.

    `headroom` is what stays free on each GPU of the fullest server, in bytes, by the likely figures. `limits` says what
    asks for so many GPUs in one server: the weights, where half as many could not even hold them, else the cache.
    """

    gpu: Gpu
    replicas: int
    ways: int
    sequences: int
    headroom: int
    limits: str

    @property
    def gpus(self) -> int:
        return self.replicas * self.ways


def layouts(scenario: Scenario, gpu: Gpu) -> tuple[Layout, ...]:
    """Every layout that holds the load by the likely figures, fewest GPUs first, then fewest servers.

    Empty where 16 GPUs hold not one sequence.

    >>> from lm_core.kv_sizing import Scenario, gpu, preset
    >>> best = layouts(Scenario(preset("llama-3.1-70b"), context=32768, sequences=64, percent=92), gpu("H100 80 GB"))[0]
    >>> best.replicas, best.ways
    (2, 8)
    """
    found, refusals = [], []
    for ways in WAYS:
        split = Split(tensor=ways) if scenario.kind.splits_heads else Split(pipeline=ways)
        asked = replace(scenario, gpu=gpu, split=split)
        try:
            most = asked.most_sequences.value
        except InvalidInput as refused:  # heads that so many GPUs cannot share
            refusals.append(refused)
            continue
        if most:
            replicas = -(-scenario.sequences // most)
            fullest = replace(asked, sequences=-(-scenario.sequences // replicas))
            half = replace(asked, split=replace(split, tensor=max(1, split.tensor // 2)))
            limits = "weights" if ways > 1 and half.budget.for_cache.likely <= 0 else "cache"
            headroom = fullest.budget.for_cache.likely - fullest.on_each.per_gpu
            found.append(Layout(gpu, replicas, ways, fullest.sequences, headroom, limits))
    if len(refusals) == len(WAYS):
        raise refusals[0]
    return tuple(sorted(found, key=lambda layout: (layout.gpus, layout.replicas)))


def cheapest(layouts: Iterable[tuple[Layout, float]]) -> tuple[Layout, float] | None:
    """The layout of lowest price per hour, each given with the price of one of its GPUs; those without one, 0, apart.

    >>> cheapest([]) is None
    True
    """
    priced = [(layout, price) for layout, price in layouts if price > 0]
    return min(priced, key=lambda pair: (pair[0].gpus * pair[1], pair[0].gpus), default=None)
