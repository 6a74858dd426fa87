"""The largest context, the most sequences and the cheapest dtype that fit a budget of memory.

Found by bisection over `size`, because need grows with either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lm_core.errors import InvalidInput, whole_number
from lm_core.kv_sizing.engines.as_stored import AUTO
from lm_core.kv_sizing.engines.profiles import Engine
from lm_core.kv_sizing.geometry import Geometry
from lm_core.kv_sizing.sizing import profile, size

_LONGEST = 1 << 30
_PERCENT = 100


@dataclass(frozen=True)
class Budget:
    """GPUs of `memory` usable bytes each, of which the engine may use `utilisation_percent`; weights and overheads.

    `weights` are all bytes of the weights, dealt out over the GPUs; each of `overheads` is per GPU and has a name.

    >>> Budget(gpus=2, memory=80 * 2**30, weights=16 * 2**30, utilisation_percent=90).for_cache // 2**30
    64
    """

    gpus: int
    memory: int
    weights: int = 0
    utilisation_percent: int = 92
    overheads: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        whole_number("gpus", self.gpus, 1, 4096)
        whole_number("memory", self.memory, 1, 1 << 50)
        whole_number("weights", self.weights, 0, 1 << 60)
        whole_number("utilisation_percent", self.utilisation_percent, 1, 100)
        for name, value in self.overheads.items():
            whole_number(name, value, 0, 1 << 50)

    @property
    def for_cache(self) -> int:
        """Bytes left for the cache on each GPU; below zero where the weights alone do not fit."""
        usable = self.memory * self.utilisation_percent // _PERCENT
        return usable - -(-self.weights // self.gpus) - sum(self.overheads.values())


@dataclass(frozen=True)
class LargestFit:
    """The largest `value` that fits, and what `limits` it; 0 where not even the smallest does."""

    value: int
    limits: str


def _fits(geometry: Geometry, budget: Budget, context: int, sequences: int, options: Mapping[str, Any]) -> bool:
    splits = profile(options.get("engine", "ideal")).splits_heads
    need = size(geometry, context, sequences, tensor_parallel=budget.gpus if splits else 1, **options)
    # An engine that splits by layers, not heads, needs room in the sum; whole layers may be dealt out less evenly.
    return need.per_gpu <= budget.for_cache if splits else need.total <= budget.gpus * budget.for_cache


def max_context(geometry: Geometry, budget: Budget, sequences: int = 1, **options: Any) -> LargestFit:
    """The longest context at which so many sequences fit; never beyond what the model was made for, where known.

    >>> model = Geometry.by_hand(layers=32, heads=32, kv_heads=32, head_dim=128)
    >>> max_context(model, Budget(gpus=1, memory=2**30, utilisation_percent=100)).value
    2048
    """
    longest = geometry.max_context or _LONGEST
    found = largest(lambda n: _fits(geometry, budget, n, sequences, options), longest)
    return LargestFit(found, _limit(budget, found, longest, "the model's longest context"))


def max_sequences(geometry: Geometry, budget: Budget, context: int, **options: Any) -> LargestFit:
    """How many sequences of this length fit at once."""
    found = largest(lambda n: _fits(geometry, budget, context, n, options), 1 << 24)
    return LargestFit(found, _limit(budget, found, 1 << 24, "the largest number asked for"))


def fitting_dtypes(
    geometry: Geometry, budget: Budget, context: int, sequences: int, engine: str | Engine = "ideal", **options: Any
) -> tuple[str, ...]:
    """The engine's dtypes (for K and V alike) in which this fits, those that keep the most bits first."""
    fitting = []
    for name in profile(engine).dtypes:
        if name == AUTO:
            continue
        asked = {"dtype_k": name, "engine": engine, **options}
        try:
            if _fits(geometry, budget, context, sequences, asked):
                fitting.append((-size(geometry, context, sequences, **asked).total, name))
        except InvalidInput:
            continue  # a dtype whose blocks do not divide this model's rows is none of its dtypes
    return tuple(name for _, name in sorted(fitting))


def _limit(budget: Budget, found: int, longest: int, end: str) -> str:
    if budget.for_cache <= 0:
        return "weights and overheads: they leave no room for a cache"
    return end if found >= longest else "memory"


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
