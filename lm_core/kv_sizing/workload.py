"""A workload (context, sequences, dtype, sharing), and the bytes that one layer group needs for it on one GPU.

What an engine adds stands in that engine's profile.
"""

from __future__ import annotations

from dataclasses import dataclass

from lm_core.errors import InvalidInput, whole_number
from lm_core.kv_sizing.dtypes import Dtype, dtype, index_row, latent_row
from lm_core.kv_sizing.geometry import LayerGroup

MOST_TOKENS = 1 << 40
_CONVOLUTION_BYTES = 2  # the last inputs of a short convolution keep the model's own 16 bits


@dataclass(frozen=True)
class Workload:
    """`sequences` of `context` tokens each, split over `tensor_parallel` GPUs."""

    context: int
    sequences: int
    dtype_k: Dtype
    dtype_v: Dtype
    tensor_parallel: int = 1

    @classmethod
    def of(cls, context: object, sequences: object, dtype_k: object, dtype_v: object, ranks: object = 1) -> Workload:
        """Checks every part."""
        return cls(
            whole_number("context", context, 1, MOST_TOKENS), whole_number("sequences", sequences, 1, 1 << 30),
            dtype(dtype_k), dtype(dtype_v), whole_number("tensor_parallel", ranks, 1, 4096),
        )  # fmt: skip


@dataclass(frozen=True)
class Line:
    """A part of the whole on one GPU: `bytes`, and how it came about with the numbers put in."""

    label: str
    bytes: int
    formula: str


def heads_per_rank(group: LayerGroup, ranks: int) -> int:
    """KV heads one GPU stores. More GPUs than heads store copies; heads that cannot be dealt out evenly are refused.

    >>> group = LayerGroup("full", 80, kv_heads=8, k_dim=128, v_dim=128)
    >>> heads_per_rank(group, 4), heads_per_rank(group, 16)
    (2, 1)
    """
    if group.kind == "state" or group.shared_by_ranks:
        return group.kv_heads
    more, fewer = max(group.kv_heads, ranks), min(group.kv_heads, ranks)
    if more % fewer:
        raise InvalidInput(
            "tensor_parallel", f"a divisor or a multiple of {group.kv_heads} KV heads, as engines ask for", ranks
        )
    return max(1, group.kv_heads // ranks)


def row(group: LayerGroup, load: Workload, indexer: str = "smaller") -> int:
    """Bytes of one token in one layer on one GPU; `indexer` is "fp8", "dtype" or the "smaller" of both."""
    if group.kind == "latent":
        return latent_row(load.dtype_k, group.k_dim, group.v_dim)
    if group.kind == "indexer":
        mla = load.dtype_k.name == "fp8_ds_mla"
        fp8 = group.kv_heads * index_row(group.k_dim)
        if indexer == "fp8" or mla:
            return fp8
        plain = load.dtype_k.row(group.kv_heads, group.k_dim)
        return plain if indexer == "dtype" else min(plain, fp8)
    if "fp8_ds_mla" in (load.dtype_k.name, load.dtype_v.name):
        raise InvalidInput("dtype", f"another one: fp8_ds_mla is not for {group.kind} layers", "fp8_ds_mla")
    heads = heads_per_rank(group, load.tensor_parallel)
    return load.dtype_k.row(heads, group.k_dim) + load.dtype_v.row(heads, group.v_dim)


def row_says(group: LayerGroup, load: Workload) -> str:
    """The same as a product with the numbers put in."""
    k, v = load.dtype_k, load.dtype_v
    if group.kind == "latent":
        return f"({group.k_dim} + {group.v_dim}) values once, {k.name}"
    if group.kind == "indexer":
        return f"{group.k_dim} values"
    heads = heads_per_rank(group, load.tensor_parallel)
    if group.k_dim == group.v_dim and k == v and not k.scale_bytes and k.block == 1:
        return f"2 x {heads} KV heads x {group.k_dim} x {k.block_bytes} B"
    return f"{heads} KV heads x ({group.k_dim} {k.name} + {group.v_dim} {v.name})"


def state(group: LayerGroup, ranks: int, convolution_bytes: int = _CONVOLUTION_BYTES, columns: int = -1) -> int:
    """Bytes one sequence's state takes in one layer on one GPU; `columns` is kernel - 1 unless an engine keeps more.

    >>> group = LayerGroup("state", 48, state_values=48 * 128 * 128, conv_channels=10240, conv_kernel=4)
    >>> state(group, 1, convolution_bytes=2)
    3207168
    """
    if group.kind != "state":
        return 0
    for name, value in (("state_values", group.state_values), ("conv_channels", group.conv_channels)):
        if value % ranks:
            raise InvalidInput("tensor_parallel", f"a divisor of a state layer's {value} {name}", ranks)
    columns = group.conv_kernel - 1 if columns < 0 else columns
    window = group.conv_channels // ranks * columns if group.conv_channels else 0
    return group.state_values // ranks * group.state_bytes + window * convolution_bytes


def up(value: int, multiple: int) -> int:
    """The next multiple that is not smaller.

    >>> up(640, 256)
    768
    """
    return -(-value // multiple) * multiple
