"""A scenario: model, workload, engine and GPU, with every answer to it, so that scenarios can be stored and compared.

Combines `sizing` and the modules of `capacity`; adds no rule of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from lm_core.errors import InvalidInput, whole_number
from lm_core.kv_sizing.capacity import bandwidth, gpu_layouts, largest_fit
from lm_core.kv_sizing.capacity.gpu_layouts import Layout
from lm_core.kv_sizing.capacity.gpus import GPUS, Gpu
from lm_core.kv_sizing.capacity.largest_fit import Budget, LargestFit
from lm_core.kv_sizing.engines.profiles import Engine, Ideal
from lm_core.kv_sizing.geometry import Geometry
from lm_core.kv_sizing.sizing import Sizing, size

_GPU, _IDEAL = GPUS["H100 80 GB"], Ideal()


@dataclass(frozen=True)
class Scenario:
    """`sequences` of up to `context` tokens, `mean` on average (0: all are full), on `tensor_parallel` GPUs.

    `weights` and `overhead` (per GPU, with a name on no line: activations, graphs, the runtime) are bytes; `dtype_v`
    "" means as K. `stated_weights` 0: two bytes a parameter, where the number of parameters is known.

    >>> from lm_core.kv_sizing import preset
    >>> plan = Scenario(preset("llama-3.1-70b"), context=32768, sequences=64, tensor_parallel=8)
    >>> plan.sizing.total // 2**30, plan.fits, plan.most_sequences.value
    (640, False, 45)
    """

    geometry: Geometry
    context: int = 2048
    sequences: int = 1
    mean: int = 0
    dtype_k: str = "auto"
    dtype_v: str = ""
    engine: Engine = _IDEAL
    tensor_parallel: int = 1
    stated_weights: int = 0
    gpu: Gpu = _GPU
    utilisation_percent: int = 92
    overhead: int = 0

    def __post_init__(self) -> None:
        whole_number("context", self.context, 1, 1 << 40)
        if self.mean and whole_number("mean", self.mean, 0) > self.context:
            raise InvalidInput("mean", f"at most the longest length, {self.context:,}", self.mean)
        whole_number("stated_weights", self.stated_weights, 0, 1 << 60)

    @property
    def asked(self) -> dict[str, Any]:
        """What `size` and everything built on it take as options."""
        return {"dtype_k": self.dtype_k, "dtype_v": self.dtype_v or self.dtype_k, "engine": self.engine}

    @property
    def weights(self) -> int:
        """Bytes of all weights; 0 where nobody knows."""
        return self.stated_weights or 2 * self.geometry.parameters

    @cached_property
    def sizing(self) -> Sizing:
        """With every sequence at its longest."""
        return self._at(self.context)

    @cached_property
    def sizing_at_mean(self) -> Sizing:
        """With every sequence at the mean length; the same as `sizing` where none is stated."""
        return self._at(self.mean or self.context)

    def _at(self, context: int) -> Sizing:
        return size(self.geometry, context, self.sequences, tensor_parallel=self.tensor_parallel, **self.asked)

    @property
    def budget(self) -> Budget:
        return Budget(
            self.tensor_parallel, self.gpu.memory, self.weights, self.utilisation_percent, {"overhead": self.overhead}
        )

    @property
    def fits(self) -> bool:
        """Whether the GPUs hold weights, overheads and the cache."""
        return self.sizing.per_gpu <= self.budget.for_cache

    @cached_property
    def longest(self) -> LargestFit:
        """The longest length that fits with so many sequences."""
        return largest_fit.max_context(self.geometry, self.budget, self.sequences, **self.asked)

    @cached_property
    def most_sequences(self) -> LargestFit:
        """How many sequences of the longest length fit at once."""
        return largest_fit.max_sequences(self.geometry, self.budget, self.context, **self.asked)

    @cached_property
    def most_at_mean(self) -> LargestFit:
        """How many fit if each has the mean length."""
        return largest_fit.max_sequences(self.geometry, self.budget, self.mean or self.context, **self.asked)

    @cached_property
    def fitting_dtypes(self) -> tuple[str, ...]:
        """The engine's dtypes for K and V alike in which this fits, those that keep the most bits first."""
        return largest_fit.fitting_dtypes(self.geometry, self.budget, self.context, self.sequences, self.engine)

    @cached_property
    def bound(self) -> bandwidth.Bound:
        """The least time one decode step takes, one token for each sequence, at the mean length if one is stated."""
        return bandwidth.per_token(self.sizing_at_mean, self.weights, self.gpu.bandwidth)

    @cached_property
    def crossing(self) -> int | None:
        """From this length on the cache takes more than the weights; None: never, or the weights are not known."""
        if not self.weights:
            return None
        ranks = self.tensor_parallel
        return bandwidth.crossing(self.geometry, self.weights, self.sequences, tensor_parallel=ranks, **self.asked)

    def layouts(self, gpu: Gpu, at_mean: bool = False) -> tuple[Layout, ...]:
        """Replicas x tensor parallelism on GPUs of this kind, fewest GPUs first; see `fleet.layouts`."""
        context = self.mean or self.context if at_mean else self.context
        return gpu_layouts.layouts(
            self.geometry, gpu, context, self.sequences, self.weights, self.utilisation_percent, self.overhead,
            **self.asked,
        )  # fmt: skip

    def scaled(self, length: int, users: int) -> Sizing:
        """The same with length and number of sequences at so many percent, rounded up.

        >>> Scenario(Geometry.by_hand(32, 32, 32, 128)).scaled(125, 100).total == 2**30 * 5 // 4
        True
        """
        context, sequences = (-(-value * percent // 100) for value, percent in
                              ((self.context, length), (self.sequences, users)))  # fmt: skip
        return replace(self, context=context, sequences=sequences, mean=0).sizing


def cheapest(layouts: Iterable[tuple[Layout, float]]) -> tuple[Layout, float] | None:
    """The layout of lowest price per hour, each given with the price of one of its GPUs; those without one, 0, apart.

    >>> cheapest([]) is None
    True
    """
    priced = [(layout, price) for layout, price in layouts if price > 0]
    return min(priced, key=lambda pair: (pair[0].gpus * pair[1], pair[0].gpus), default=None)
