"""Bytes of a cache row in each dtype, scales included.

Sources: ggml's block structs (ggml-common.h: q8_0 is 32 values and an f16 scale, 34 bytes); vLLM's per-token-head
caches (one f32 scale per head, token and side); NVFP4 (16 values of 4 bits and one fp8 scale); DeepSeek's
fp8_ds_mla (512 fp8 values, 4 f32 scales, 64 bf16 rotary values: 656 bytes); nvfp4_ds_mla in vLLM's FlashMLA (512 values
of 4 bits, 32 fp8 scales, 64 fp8 rotary values: 352 bytes; other kernels differ); mlx-lm's groups of 64 values with a
16-bit scale and a 16-bit bias; ggml's q1_0 (128 values of 1 bit and an f16 scale).
"""

from __future__ import annotations

from dataclasses import dataclass

from lm_core.errors import InvalidInput


@dataclass(frozen=True)
class Dtype:
    """`block` values are stored in `block_bytes`; each head's row carries `scale_bytes` more.

    >>> DTYPES["q8_0"].row(heads=8, dim=128)
    1088
    >>> DTYPES["int8_per_token_head"].row(heads=1, dim=128)
    132
    """

    name: str
    block: int
    block_bytes: int
    scale_bytes: int = 0
    note: str = ""

    def row(self, heads: int, dim: int) -> int:
        """Bytes of one token's row of `heads` times `dim` values; refuses a width the blocks do not divide."""
        if dim % self.block:
            raise InvalidInput("dtype", f"one whose blocks of {self.block} values divide {dim}", self.name)
        return heads * (dim // self.block * self.block_bytes + (self.scale_bytes if dim else 0))

    @property
    def bits(self) -> float:
        """Bits per value without per-head scales, for people."""
        return 8 * self.block_bytes / self.block


CACHE_KEYS = ("kv_cache_scheme", "kv_cache_quant_algo", "kv_cache_dtype", "kv_cache_quantized_layers")


@dataclass(frozen=True)
class CheckpointDtypes:
    """What a published file asks for: `cache` "fp8", or "" for nothing; `model` "f32", or "".

    `by` is the key that asks for the cache, which not every engine reads; `state` "f32" where the file names the type
    of a state.
    """

    cache: str = ""
    model: str = ""
    by: str = ""
    state: str = ""


_LATENT_ONLY = "only for a latent of 512 + 64 values"
DTYPES = {
    dtype.name: dtype
    for dtype in (
        Dtype("f32", 1, 4),
        Dtype("f16", 1, 2),
        Dtype("bf16", 1, 2),
        Dtype("fp8", 1, 1, note="one scale per tensor"),
        Dtype("q8_0", 32, 34),
        Dtype("q5_1", 32, 24),
        Dtype("q5_0", 32, 22),
        Dtype("q4_1", 32, 20),
        Dtype("q4_0", 32, 18),
        Dtype("iq4_nl", 32, 18),
        Dtype("int8_per_token_head", 1, 1, 4, "one f32 scale per head, token and side"),
        Dtype("fp8_per_token_head", 1, 1, 4, "one f32 scale per head, token and side"),
        Dtype("int4_per_token_head", 2, 1, 4, "one f32 scale per head, token and side"),
        Dtype("nvfp4", 16, 9, note="one fp8 scale per 16 values"),
        Dtype("fp8_ds_mla", 1, 1, note=_LATENT_ONLY),
        Dtype("nvfp4_ds_mla", 1, 1, note=_LATENT_ONLY),
        Dtype("q1_0", 128, 18),
        Dtype("mlx_q8", 64, 68, note="groups of 64, scale and bias"),
        Dtype("mlx_q4", 64, 36, note="groups of 64, scale and bias"),
    )
}
GGML = ("f16", "bf16", "f32", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl", "q1_0")
LATENT_ONLY = ("fp8_ds_mla", "nvfp4_ds_mla")


def dtype(name: object) -> Dtype:
    """The dtype of that name, or InvalidInput that lists the names there are."""
    if not isinstance(name, str) or name not in DTYPES:
        raise InvalidInput("dtype", f"one of {', '.join(DTYPES)}", name)
    return DTYPES[name]


def latent_row(kind: Dtype, rank: int, rope: int) -> int:
    """Bytes of one token's latent row: stored once, keys' dtype for all of it.

    >>> latent_row(DTYPES["bf16"], 512, 64), latent_row(DTYPES["fp8_ds_mla"], 512, 64)
    (1152, 656)
    """
    if kind.name in LATENT_ONLY:
        if (rank, rope) != (512, 64):
            raise InvalidInput("dtype", f"another one: {kind.name} is {_LATENT_ONLY}, not {rank} + {rope}", kind.name)
        if kind.name == "nvfp4_ds_mla":
            return rank // 2 + rank // 16 + rope
        return rank + rank // 128 * 4 + 2 * rope
    return kind.row(1, rank + rope)


def index_row(dim: int) -> int:
    """Bytes of an indexer's key as DeepSeek stores it: fp8, and an f32 scale for every 128 values.

    >>> index_row(128)
    132
    """
    return dim + 4 * -(-dim // 128)
