"""mlx-lm's cache: buffers that grow by 256 tokens, one for each sequence; quantised in groups of 64 where asked.

Rules: mlx_lm/models/cache.py (KVCache.step 256, QuantizedKVCache: group_size 64, a scale and a bias each in 16 bits;
RotatingKVCache keeps `max_size` tokens and refuses to be quantised).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lm_core.errors import InvalidInput
from lm_core.kv_sizing.geometry import Geometry
from lm_core.kv_sizing.layer_group import LayerGroup
from lm_core.kv_sizing.rows import rows_line, state_line
from lm_core.kv_sizing.workload import Line, Workload, up

_STEP = 256


@dataclass(frozen=True)
class Mlx:
    """mlx-lm on Apple's unified memory: one buffer for each sequence and layer."""

    name: ClassVar[str] = "MLX"
    version: ClassVar[str] = "0.32"
    dtypes: ClassVar[tuple[str, ...]] = ("auto", "f16", "bf16", "mlx_q8", "mlx_q4")
    one_dtype: ClassVar[bool] = True
    splits_heads: ClassVar[bool] = False
    step: ClassVar[str] = "256 tokens"
    pooled: ClassVar[tuple[str, ...]] = ()

    def lines(self, geometry: Geometry, load: Workload) -> list[Line]:
        """The parts of the cache on one GPU."""
        return [self._line(group, load) for group in geometry.groups]

    def _line(self, group: LayerGroup, load: Workload) -> Line:
        if group.kind == "state":
            return state_line(group, load, load.sequences, 2)
        if group.kind in ("sliding", "chunked"):
            if load.dtype_k.block > 1:
                raise InvalidInput(
                    "dtype", "f16 or bf16: mlx-lm cannot quantise layers with a window", load.dtype_k.name
                )
            return rows_line(group, load, load.sequences, min(up(load.context, _STEP), group.window), "dtype")
        tokens = group.window if group.kind == "cross" else up(load.context, _STEP)
        return rows_line(group, load, load.sequences, tokens, "dtype")
