"""Bytes of one row (what a layer keeps of one token) and of one state, on one GPU, each with the product that gives it.

What an engine adds stands in that engine's profile.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from lm_core.errors import InvalidInput
from lm_core.kv_sizing.dtypes import LATENT_ONLY, Dtype, index_row, latent_row
from lm_core.kv_sizing.layer_group import LayerGroup
from lm_core.kv_sizing.workload import Line, Workload

_CONVOLUTION_BYTES = 2  # the last inputs of a short convolution keep the model's own 16 bits


@dataclass(frozen=True)
class Row:
    """`bytes`, and the same as a product."""

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


def row(group: LayerGroup, load: Workload, indexer: str = "smaller") -> Row:
    """One row in one layer on one GPU; `indexer` is "fp8", "dtype" or the "smaller" of both.

    >>> load = Workload.of(1, 1, "bf16", "bf16")
    >>> row(LayerGroup("full", 1, 8, 128, 128), load), row(LayerGroup("latent", 1, 1, 512, 64), load).formula
    (Row(bytes=4096, formula='2 x 8 KV heads x 128 x 2 B'), '(512 + 64) x 2 B')
    """
    if group.kind == "latent":
        return _latent(group, load.dtype_k)
    if group.kind == "indexer":
        return _index_key(group, load.dtype_k, indexer)
    k, v = load.dtype_k, load.dtype_v
    for kind in (k, v):
        if kind.name in LATENT_ONLY:
            raise InvalidInput("dtype", f"another one: {kind.name} is not for {group.kind} layers", kind.name)
    heads = heads_per_rank(group, load.tensor_parallel)
    count = k.row(heads, group.k_dim) + v.row(heads, group.v_dim)
    if group.k_dim == group.v_dim and k == v:
        return Row(count, f"2 x {heads} KV heads x {_values(k, group.k_dim)}")
    return Row(count, f"{heads} KV heads x ({_values(k, group.k_dim)} + {_values(v, group.v_dim)})")


def _values(kind: Dtype, dim: int | str) -> str:
    """`dim` values of one head as a product."""
    packed = f"{dim} x {kind.block_bytes} B" if kind.block == 1 else f"{dim} / {kind.block} x {kind.block_bytes} B"
    return f"({packed} + {kind.scale_bytes} B)" if kind.scale_bytes else packed


def _latent(group: LayerGroup, kind: Dtype) -> Row:
    rank, rope = group.k_dim, group.v_dim
    count = latent_row(kind, rank, rope)
    if kind.name == "fp8_ds_mla":
        return Row(count, f"({rank} + {rank // 128} x 4 + {rope} x 2) B")
    if kind.name == "nvfp4_ds_mla":
        return Row(count, f"({rank} / 2 + {rank} / 16 + {rope}) B")
    return Row(count, _values(kind, f"({rank} + {rope})" if rope else rank))


def _index_key(group: LayerGroup, kind: Dtype, stored: str) -> Row:
    heads = f"{group.kv_heads} x " if group.kv_heads > 1 else ""
    if group.value_bytes:
        return Row(group.kv_heads * group.k_dim * group.value_bytes, f"{heads}{group.k_dim} x {group.value_bytes} B")
    key = index_row(group.k_dim)
    fp8 = Row(group.kv_heads * key, f"{heads}({group.k_dim} + {key - group.k_dim}) B")
    if stored == "fp8" or kind.name in LATENT_ONLY:
        return fp8
    plain = Row(kind.row(group.kv_heads, group.k_dim), f"{heads}{_values(kind, group.k_dim)}")
    return plain if stored == "dtype" or plain.bytes < fp8.bytes else fp8


def state(group: LayerGroup, ranks: int, convolution_bytes: int = _CONVOLUTION_BYTES, columns: int = -1) -> Row:
    """One sequence's state in one layer on one GPU; `columns` is kernel - 1 unless an engine keeps more.

    >>> group = LayerGroup("state", 48, state_values=48 * 128 * 128, conv_channels=10240, conv_kernel=4)
    >>> state(group, 1, convolution_bytes=2)
    Row(bytes=3207168, formula='(786,432 x 4 B + 10,240 x 3 x 2 B)')
    """
    for name, value in (("state_values", group.state_values), ("conv_channels", group.conv_channels)):
        if value % ranks:
            raise InvalidInput("tensor_parallel", f"a divisor of a state layer's {value} {name}", ranks)
    columns = group.conv_kernel - 1 if columns < 0 else columns
    values, channels = group.state_values // ranks, group.conv_channels // ranks
    parts = [f"{values:,} x {group.state_bytes} B"] if values else []
    parts += [f"{channels:,} x {columns} x {convolution_bytes} B"] if channels else []
    count = values * group.state_bytes + channels * columns * convolution_bytes
    return Row(count, f"({' + '.join(parts)})" if len(parts) > 1 else parts[0])


def rows_line(
    group: LayerGroup, load: Workload, times: int, tokens: int, indexer: str = "smaller", unit: str = "tokens"
) -> Line:
    """A part of a cache: so many times the group's rows for so many tokens, on one GPU."""
    each = row(group, load, indexer)
    many = f"{times:,} x " if times > 1 else ""
    unit = unit if group.tokens_per_row == 1 else "rows"
    formula = f"{many}{group.layers} layers x {tokens:,} {unit} x {each.formula}"
    return Line(group.says(), times * group.layers * tokens * each.bytes, formula)


def state_line(
    group: LayerGroup, load: Workload, times: int, convolution_bytes: int, state_bytes: int = 0, columns: int = -1
) -> Line:
    """A part of a cache: so many copies of the states of a group, on one GPU."""
    if state_bytes:
        group = replace(group, state_bytes=state_bytes)
    each = state(group, load.tensor_parallel, convolution_bytes, columns)
    many = f"{times:,} x " if times > 1 else ""
    return Line(group.says(), times * group.layers * each.bytes, f"{many}{group.layers} layers x {each.formula}")
