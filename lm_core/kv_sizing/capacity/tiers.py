"""What is kept elsewhere than on the GPUs: conversations in the processor's memory or on disk, and the way back.

A conversation that is brought back costs the bytes of its cache over the slowest line between; one that is not kept is
computed anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lm_core.errors import whole_number

if TYPE_CHECKING:
    from lm_core.kv_sizing.scenario import Scenario


@dataclass(frozen=True)
class Tier:
    """`memory` in bytes, `bandwidth` of the way to the GPUs in bytes a second."""

    name: str
    memory: int
    bandwidth: int

    def __post_init__(self) -> None:
        whole_number("memory", self.memory, 0, 1 << 60)
        whole_number("bandwidth", self.bandwidth, 1, 1 << 50)


@dataclass(frozen=True)
class Kept:
    """How many conversations of the longest length a tier holds, and the seconds to bring one back at least."""

    conversations: int
    seconds: float


def conversation_bytes(scenario: Scenario) -> int:
    """The cache of one user at the longest length, over all GPUs of one server.

    >>> from lm_core.kv_sizing import Scenario, preset
    >>> conversation_bytes(Scenario(preset("llama-3.1-8b"), 8192, 5)) == 2**30
    True
    """
    return scenario.need(sequences=1) * scenario.split.tensor * scenario.split.pipeline


def kept(scenario: Scenario, tier: Tier) -> Kept:
    """Of a tier.

    >>> from lm_core.kv_sizing import Scenario, preset
    >>> kept(Scenario(preset("llama-3.1-8b"), 8192), Tier("CPU memory", 256 * 2**30, 2**35)).conversations
    256
    """
    each = conversation_bytes(scenario)
    return Kept(tier.memory // each, each / tier.bandwidth)


def cached_tokens(scenario: Scenario) -> int:
    """Tokens of cached conversation that the pool holds beside the users asked for, by the likely figures.

    >>> from lm_core.kv_sizing import Scenario, preset
    >>> cached_tokens(Scenario(preset("llama-3.1-8b"), 8192, 1, pool=2**31))
    8192
    """
    free = scenario.budget.for_cache.likely - scenario.need()
    more = scenario.need(sequences=scenario.sequences + 1) - scenario.need()
    return max(0, free) * scenario.context // more if more > 0 else 0
