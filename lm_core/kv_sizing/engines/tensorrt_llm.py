"""TensorRT-LLM's cache: blocks of tokens, one pool for each window and number of heads.

Rules: KvCacheConfig of 1.4 (tokens_per_block 32, a power of two), _torch/pyexecutor/resource_manager.py: 2 x KV heads x
head width in the dtype, 1 for a latent; NVFP4 values with one fp8 scale for 16.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lm_core.errors import InvalidInput, whole_number
from lm_core.kv_sizing.geometry import Geometry
from lm_core.kv_sizing.layer_group import LayerGroup
from lm_core.kv_sizing.rows import rows_line, state_line
from lm_core.kv_sizing.workload import Line, Workload, up


@dataclass(frozen=True)
class TensorRTLLM:
    """TensorRT-LLM: whole blocks for every sequence; layers with a window keep its tokens alone where that is set."""

    name: ClassVar[str] = "TensorRT-LLM"
    version: ClassVar[str] = "1.4"
    dtypes: ClassVar[tuple[str, ...]] = ("auto", "f16", "bf16", "f32", "fp8", "nvfp4")
    one_dtype: ClassVar[bool] = True
    splits_heads: ClassVar[bool] = True
    step: ClassVar[str] = "one block"
    pooled: ClassVar[tuple[str, ...]] = ()

    tokens_per_block: int = 32

    def __post_init__(self) -> None:
        size = whole_number("tokens_per_block", self.tokens_per_block, 2, 4096)
        if size & (size - 1):
            raise InvalidInput("tokens_per_block", "a power of two", size)

    def lines(self, geometry: Geometry, load: Workload) -> list[Line]:
        """The parts of the cache on one GPU."""
        return [self._line(group, load) for group in geometry.groups]

    def _line(self, group: LayerGroup, load: Workload) -> Line:
        if group.kind == "state":
            return state_line(group, load, load.sequences, 2)
        tokens = group.window if group.kind == "cross" else group.held(load.context)
        return rows_line(group, load, load.sequences, up(tokens, self.tokens_per_block), "fp8")
