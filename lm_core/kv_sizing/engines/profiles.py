"""Engine profiles: how each engine and version allocates a cache, with the options that change the bytes as fields.

Gives lines of bytes on one GPU. The rules were read from the sources of the versions named, and checked against their
logs and allocators.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

from lm_core.errors import InvalidInput, whole_number
from lm_core.kv_sizing.dtypes import GGML
from lm_core.kv_sizing.geometry import Geometry
from lm_core.kv_sizing.layer_group import LayerGroup
from lm_core.kv_sizing.rows import rows_line, state_line
from lm_core.kv_sizing.workload import Line, Workload, up

MOST_DRAFTED = 64


class Engine(Protocol):
    """A profile. `one_dtype`: K and V must be stored alike. `splits_heads`: it has tensor parallelism.

    `pooled`: the kinds of layers in which it is known how it keeps one row for several tokens.
    """

    name: ClassVar[str]
    version: ClassVar[str]
    dtypes: ClassVar[tuple[str, ...]]
    one_dtype: ClassVar[bool]
    splits_heads: ClassVar[bool]
    step: ClassVar[str]
    pooled: ClassVar[tuple[str, ...]]

    def lines(self, geometry: Geometry, load: Workload) -> list[Line]:
        """The parts of the cache on one GPU."""
        ...


@dataclass(frozen=True)
class Ideal:
    """The payload: what the model needs and nothing else; a bound from below for every engine."""

    name: ClassVar[str] = "ideal"
    version: ClassVar[str] = "payload"
    dtypes: ClassVar[tuple[str, ...]] = (
        "auto", "bf16", "f16", "f32", "fp8", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl",
        "int8_per_token_head", "fp8_per_token_head", "int4_per_token_head", "nvfp4", "fp8_ds_mla", "nvfp4_ds_mla",
        "q1_0", "mlx_q8", "mlx_q4",
    )  # fmt: skip
    one_dtype: ClassVar[bool] = False
    splits_heads: ClassVar[bool] = True
    step: ClassVar[str] = "one token"
    pooled: ClassVar[tuple[str, ...]] = ("latent", "indexer")

    def lines(self, geometry: Geometry, load: Workload) -> list[Line]:
        return [
            state_line(group, load, load.sequences, 2)
            if group.kind == "state"
            else rows_line(group, load, load.sequences, group.held(load.context))
            for group in geometry.groups
        ]


@dataclass(frozen=True)
class LlamaCpp:
    """llama.cpp: cells in steps of 256, one stream per slot unless unified, a sliding window enlarged by a micro-batch.

    Rules: llama-context.cpp, llama-kv-cache.cpp, llama-kv-cache-iswa.cpp, llama-memory-recurrent.cpp.
    """

    name: ClassVar[str] = "llama.cpp"
    version: ClassVar[str] = "0.5"
    dtypes: ClassVar[tuple[str, ...]] = ("auto", *GGML)
    one_dtype: ClassVar[bool] = False
    splits_heads: ClassVar[bool] = False
    step: ClassVar[str] = "256 tokens"
    pooled: ClassVar[tuple[str, ...]] = ()

    unified: bool = False
    swa_full: bool = False
    n_ubatch: int = 512
    draft_tokens: int = 0
    """Tokens drafted at once: a state is kept once more for each, to go back to."""

    def __post_init__(self) -> None:
        whole_number("n_ubatch", self.n_ubatch, 1, 1 << 20)
        whole_number("draft_tokens", self.draft_tokens, 0, MOST_DRAFTED)

    def lines(self, geometry: Geometry, load: Workload) -> list[Line]:
        streams = 1 if self.unified else load.sequences
        cells = up(load.context * load.sequences, 256) if self.unified else up(load.context, 256)
        return [self._line(group, load, streams, cells) for group in geometry.groups]

    def _line(self, group: LayerGroup, load: Workload, streams: int, cells: int) -> Line:
        if group.kind == "state":
            return state_line(group, load, load.sequences * (1 + self.draft_tokens), 4, state_bytes=4)
        if group.kind == "cross":
            return rows_line(group, load, load.sequences, up(group.window, 256))
        if group.kind in ("sliding", "chunked") and not self.swa_full:
            held = group.window * (load.sequences if self.unified else 1) + self.n_ubatch
            cells = up(min(cells, held), 256)
        return rows_line(group, load, streams, cells, "dtype", "cells")


@dataclass(frozen=True)
class Ollama(LlamaCpp):
    """Ollama: since 0.30 it starts llama.cpp's server with a context of num_ctx x OLLAMA_NUM_PARALLEL."""

    name: ClassVar[str] = "Ollama"
    version: ClassVar[str] = "0.30"
    dtypes: ClassVar[tuple[str, ...]] = ("auto", "f16", "q8_0", "q4_0")
    one_dtype: ClassVar[bool] = True


@dataclass(frozen=True)
class SGLang:
    """SGLang: one pool of token slots with a page to spare; sliding layers share a second pool of a fixed ratio.

    Rules: mem_cache/memory_pool.py, model_executor's pool configuration.
    """

    name: ClassVar[str] = "SGLang"
    version: ClassVar[str] = "0.5.23"
    dtypes: ClassVar[tuple[str, ...]] = ("auto", "bf16", "f16", "f32", "fp8", "fp8_ds_mla")
    one_dtype: ClassVar[bool] = True
    splits_heads: ClassVar[bool] = True
    step: ClassVar[str] = "one page"
    pooled: ClassVar[tuple[str, ...]] = ()

    page_size: int = 1
    swa_full_tokens_ratio: float = 0.8
    draft_tokens: int = 0
    """Tokens drafted at once: a state is kept once more for each, in every slot."""

    def __post_init__(self) -> None:
        whole_number("draft_tokens", self.draft_tokens, 0, MOST_DRAFTED)
        whole_number("page_size", self.page_size, 1, 4096)
        if not 0 < self.swa_full_tokens_ratio <= 1:
            raise InvalidInput("swa_full_tokens_ratio", "above 0 and at most 1", self.swa_full_tokens_ratio)

    def lines(self, geometry: Geometry, load: Workload) -> list[Line]:
        full = load.sequences * up(load.context, self.page_size)
        windowed = [group for group in geometry.groups if group.kind in ("sliding", "chunked")]
        hybrid = bool(windowed) and any(group.kind == "full" for group in geometry.groups)
        sliding = full
        if hybrid:
            kept = max(load.sequences * up(group.held(load.context), self.page_size) for group in windowed)
            share = round(self.swa_full_tokens_ratio * 10_000)
            full = up(max(full, -(-kept * 10_000 // share)), self.page_size)  # the ratio ties one pool to the other
            sliding = max(kept, full * share // 10_000 // self.page_size * self.page_size)
        return [self._line(group, load, sliding if group in windowed else full) for group in geometry.groups]

    def _line(self, group: LayerGroup, load: Workload, tokens: int) -> Line:
        if group.kind == "state":
            return state_line(group, load, load.sequences + 1 + load.sequences * self.draft_tokens, 2)
        if group.kind == "cross":
            return rows_line(group, load, load.sequences, group.window)
        return rows_line(group, load, 1, tokens + self.page_size, "fp8", "slots")


@dataclass(frozen=True)
class Transformers:
    """Hugging Face transformers: its DynamicCache grows by the token; a StaticCache of this length takes the same.

    Rules: cache_utils.py. A sliding layer's tensor holds `window` rows during a step (its visible part, window - 1).
    """

    name: ClassVar[str] = "transformers"
    version: ClassVar[str] = "5.23"
    dtypes: ClassVar[tuple[str, ...]] = ("auto", "bf16", "f16", "f32")
    one_dtype: ClassVar[bool] = True
    splits_heads: ClassVar[bool] = False
    step: ClassVar[str] = "one token"
    pooled: ClassVar[tuple[str, ...]] = ()

    def lines(self, geometry: Geometry, load: Workload) -> list[Line]:
        return [self._line(group, load) for group in geometry.groups]

    def _line(self, group: LayerGroup, load: Workload) -> Line:
        if group.kind == "state":
            return state_line(group, load, load.sequences, load.dtype_k.block_bytes, columns=group.conv_kernel)
        return rows_line(group, load, load.sequences, group.held(load.context), "dtype")
