"""How many GPUs of a type a workload needs, and in which layout: replicas times tensor parallelism.

Gives the layout with the fewest GPUs, its headroom and what limits it. Counts memory only, not speed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from lm_core.errors import InvalidInput, whole_number
from lm_core.kv_sizing.capacity.gpus import Gpu
from lm_core.kv_sizing.capacity.largest_fit import Budget, max_sequences
from lm_core.kv_sizing.geometry import Geometry
from lm_core.kv_sizing.sizing import Sizing, profile, size

RANKS = (1, 2, 4, 8, 16)
_HIGHEST = 92


@dataclass(frozen=True)
class Layout:
    """`replicas` servers of `tensor_parallel` GPUs each; the fullest server holds `sequences` of them.

    `headroom` is what stays free on each GPU of the fullest server, in bytes. `limits` says what asks for so many GPUs
    in one server: the weights, where half as many could not even hold them, else the cache.
    """

    gpu: Gpu
    replicas: int
    tensor_parallel: int
    sequences: int
    sizing: Sizing
    headroom: int
    limits: str

    @property
    def gpus(self) -> int:
        return self.replicas * self.tensor_parallel


def layouts(
    geometry: Geometry,
    gpu: Gpu,
    context: int,
    sequences: int,
    weights: int,
    utilisation_percent: int = _HIGHEST,
    overhead: int = 0,
    **options: Any,
) -> tuple[Layout, ...]:
    """Every layout that holds the load, fewest GPUs first; empty where not one sequence fits on 16 GPUs.

    >>> from lm_core.kv_sizing import preset
    >>> from lm_core.kv_sizing.capacity.gpus import gpu
    >>> best = layouts(preset("llama-3.1-70b"), gpu("H100 80 GB"), 32768, 64, weights=141_108_000_000)[0]
    >>> best.replicas, best.tensor_parallel
    (2, 8)
    """
    whole_number("sequences", sequences, 1, 1 << 24)
    splits = profile(options.get("engine", "ideal")).splits_heads
    found, refusals = [], []
    for ranks in RANKS:
        budget = Budget(ranks, gpu.memory, weights, utilisation_percent, {"overhead": overhead})
        try:
            most = max_sequences(geometry, budget, context, **options).value
        except InvalidInput as refused:  # heads that so many GPUs cannot share
            refusals.append(refused)
            continue
        if most:
            replicas = -(-sequences // most)
            fullest = -(-sequences // replicas)
            sizing = size(geometry, context, fullest, tensor_parallel=ranks if splits else 1, **options)
            each = sizing.per_gpu if splits else -(-sizing.total // ranks)
            limits = "weights" if ranks > 1 and replace(budget, gpus=ranks // 2).for_cache <= 0 else "cache"
            found.append(Layout(gpu, replicas, ranks, fullest, sizing, budget.for_cache - each, limits))
    if len(refusals) == len(RANKS):
        raise refusals[0]
    return tuple(sorted(found, key=lambda layout: (layout.gpus, layout.tensor_parallel)))
