"""Bounds on the speed of a service from what its GPUs must read and compute: per step, to the first token, per dollar.

A decode step reads the weights that its tokens need and the whole cache once, and computes two operations for each
parameter and token. A prompt computes the same for each of its tokens, and its attention. Either takes at least as long
as the slower of the two. Source: the roofline argument, as in Pope et al. 2022, "Efficiently Scaling Transformer
Inference", section 2. What is added to a bound (launches, communication, queues, sampling) is not counted.
"""

from __future__ import annotations

from dataclasses import dataclass

from lm_core.errors import whole_number
from lm_core.kv_sizing.capacity.gpus import Gpu

REACHED = 0.5
"""Share of a bound that good engines reach at least when they are busy; the other end of every interval."""
_MOST = 1 << 70


@dataclass(frozen=True)
class Bound:
    """Seconds at least: of memory traffic (`bandwidth`) and of arithmetic (`compute`; None where it is not known).

    `cache`: the part of the traffic that is the cache. `read`: bytes of weights and of cache read on each GPU.
    """

    bandwidth: float
    compute: float | None
    cache: float
    read: tuple[int, int]

    @property
    def seconds(self) -> float:
        """The slower of the two."""
        return max(self.bandwidth, self.compute or 0.0)

    @property
    def limit(self) -> str:
        """Which of the two it is."""
        return "compute" if self.compute and self.compute > self.bandwidth else "bandwidth"

    @property
    def interval(self) -> tuple[float, float]:
        """From the bound to what an engine takes that reaches half of it."""
        return self.seconds, self.seconds / REACHED


def peak(gpu: Gpu, weight_format: str) -> int:
    """Operations a second for weights of a format: those of 8 bits where the GPU has them and the weights have no more.

    >>> from lm_core.kv_sizing.capacity.gpus import gpu
    >>> peak(gpu("H100 80 GB"), "fp8") // 10**12, peak(gpu("A100 80 GB"), "fp8") // 10**12
    (1979, 312)
    """
    return gpu.fp8 if gpu.fp8 and weight_format in ("fp8", "int8", "mxfp4", "nvfp4") else gpu.bf16


def step(gpu: Gpu, weights: int, cache: int, operations: int, operations_a_second: int) -> Bound:
    """One decode step on a GPU that reads so many bytes of weights and of cache, and does so many operations.

    >>> from lm_core.kv_sizing.capacity.gpus import gpu
    >>> bound = step(gpu("H100 80 GB"), 15_009_914_880, 2**30, 2 * 7_504_924_672, 989_500 * 10**9)
    >>> round(1000 * bound.seconds, 2), bound.limit  # (15.01 GB + 1.07 GB) / 3,350 GB/s, in ms
    (4.8, 'bandwidth')
    """
    for name, value in (("weights", weights), ("cache", cache), ("operations", operations)):
        whole_number(name, value, 0, _MOST)
    computed = operations / operations_a_second if operations_a_second else None
    return Bound((weights + cache) / gpu.bandwidth, computed, cache / gpu.bandwidth, (weights, cache))


def attention_operations(layers: int, heads: int, width: int, tokens: int) -> int:
    """Of a causal prompt: scores and their products with the values, two operations each, half of the square.

    >>> attention_operations(layers=1, heads=1, width=64, tokens=100)
    1280000
    """
    return 2 * layers * heads * width * tokens * tokens


def cost_per_million(price: float, gpus: int, tokens_a_second: float) -> float:
    """Of a million tokens, in the currency of the price of one GPU for an hour.

    >>> round(cost_per_million(price=3.6, gpus=2, tokens_a_second=1000), 2)
    2.0
    """
    return price * gpus / 3600 / tokens_a_second * 10**6
