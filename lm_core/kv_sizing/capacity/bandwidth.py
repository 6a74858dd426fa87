"""Lower bound on the time per token from memory traffic: each decode step reads the weights and the whole cache once.

Gives the bytes read, the least time that takes at a bandwidth, and the length at which the cache outweighs the weights.
Source: the roofline argument, as in Pope et al. 2022, "Efficiently Scaling Transformer Inference", section 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lm_core.errors import whole_number
from lm_core.kv_sizing.capacity.largest_fit import largest
from lm_core.kv_sizing.geometry import Geometry
from lm_core.kv_sizing.sizing import Sizing, size

_LONGEST = 1 << 40


@dataclass(frozen=True)
class Bound:
    """Of one decode step on each GPU: bytes read, and the seconds that takes at the stated bandwidth at least."""

    weights: int
    cache: int
    seconds: float
    seconds_cache_alone: float
    """For a mixture of experts, which reads only the experts it chooses, the truth may lie between the two."""


def per_token(sizing: Sizing, weights: int, bandwidth: int) -> Bound:
    """`weights` in bytes over all GPUs, `bandwidth` in bytes per second of each. Every sequence gets one token.

    >>> from lm_core.kv_sizing import preset, size
    >>> bound = per_token(size(preset("llama-3.1-8b"), 8192), weights=16_060_000_000, bandwidth=3350 * 10**9)
    >>> bound.cache, round(1000 * bound.seconds, 2)  # ms
    (1073741824, 5.11)
    """
    whole_number("bandwidth", bandwidth, 1, 1 << 60)
    ranks = sizing.load.tensor_parallel
    share = -(-whole_number("weights", weights, 0, 1 << 60) // ranks)
    cache = -(-(sizing.payload + sizing.replication) // ranks)
    return Bound(share, cache, (share + cache) / bandwidth, cache / bandwidth)


def crossing(geometry: Geometry, weights: int, sequences: int = 1, **options: Any) -> int | None:
    """The shortest context at which the cache takes more bytes than the weights; None if no length does.

    >>> article = Geometry.by_hand(layers=32, heads=32, kv_heads=32, head_dim=128)
    >>> crossing(article, weights=2**30)  # 2,048 tokens take 2**30 bytes exactly
    2049
    """
    whole_number("weights", weights, 1, 1 << 60)
    below = largest(lambda n: size(geometry, n, sequences, **options).total <= weights, _LONGEST)
    return None if below >= _LONGEST else below + 1
