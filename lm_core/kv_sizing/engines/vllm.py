"""vLLM's KV cache planner: which layers share blocks, how large a block is, how many blocks a request needs.

Gives a Plan on one GPU, and from it bytes, requests and the figures of vLLM's log. Rules: kv_cache_interface.py,
kv_cache_utils.py, platforms/interface.py of vLLM 0.33.0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from lm_core.errors import InvalidInput, whole_number
from lm_core.kv_sizing.geometry import Geometry
from lm_core.kv_sizing.layer_group import LayerGroup
from lm_core.kv_sizing.rows import row, state
from lm_core.kv_sizing.workload import Line, Workload, up


@dataclass(frozen=True)
class Pool:
    """Layers that allocate alike: `padded` of them (some stand empty), in `groups` block tables."""

    group: LayerGroup
    padded: int
    tables: int
    block: int
    blocks: int
    """Blocks one request needs in each table."""


@dataclass(frozen=True)
class Plan:
    """One GPU's plan: every block of every table takes `bytes_per_block`.

    `log` figures follow vLLM: concurrency = blocks / blocks a longest request needs; tokens = concurrency x length.
    """

    pools: tuple[Pool, ...]
    bytes_per_block: int

    @property
    def blocks_per_request(self) -> int:
        return sum(pool.tables * pool.blocks for pool in self.pools)

    def log(self, available: int, context: int) -> tuple[int, float]:
        """("GPU KV cache size" in tokens, "Maximum concurrency") that vLLM logs for that many bytes per GPU."""
        concurrency = available // self.bytes_per_block / self.blocks_per_request
        return int(concurrency * context), concurrency


@dataclass(frozen=True)
class Vllm:
    """vLLM: blocks of one size for all layers; sliding layers keep what is in flight besides their window.

    `mamba_align` is what prefix caching, on by default, makes of the state of a hybrid: two blocks for a request.
    """

    name: ClassVar[str] = "vLLM"
    version: ClassVar[str] = "0.33.0"
    dtypes: ClassVar[tuple[str, ...]] = (
        "auto", "bf16", "f16", "f32", "fp8", "int8_per_token_head", "fp8_per_token_head", "int4_per_token_head",
        "nvfp4", "fp8_ds_mla", "nvfp4_ds_mla",
    )  # fmt: skip
    one_dtype: ClassVar[bool] = True
    splits_heads: ClassVar[bool] = True
    step: ClassVar[str] = "one block"
    pooled: ClassVar[tuple[str, ...]] = ("indexer",)

    block_size: int = 16
    max_num_batched_tokens: int = 8192
    async_scheduling: bool = True
    mamba_align: bool = True
    draft_tokens: int = 0
    """num_speculative_tokens: a state is kept once more for each, its convolution so many inputs longer."""

    def __post_init__(self) -> None:
        whole_number("block_size", self.block_size, 1, 4096)
        whole_number("max_num_batched_tokens", self.max_num_batched_tokens, 1, 1 << 24)
        whole_number("draft_tokens", self.draft_tokens, 0, 64)

    @property
    def in_flight(self) -> int:
        """Tokens that may be under way at once."""
        return self.max_num_batched_tokens * (2 if self.async_scheduling else 1)

    def lines(self, geometry: Geometry, load: Workload) -> list[Line]:
        plan = self.plan(geometry, load)
        null = Line("null block", plan.bytes_per_block, f"1 block x {plan.bytes_per_block:,} B")
        if _alike(geometry.groups):
            blocks = load.sequences * plan.blocks_per_request
            return [*(_page_line(group, blocks, self.block_size, load) for group in geometry.groups), null]
        return [*(_table_line(pool, plan, load) for pool in plan.pools), null]

    def plan(self, geometry: Geometry, load: Workload) -> Plan:
        """How vLLM lays out this model for requests of this length."""
        if any(group.kind == "cross" for group in geometry.groups):
            raise InvalidInput("engine", "another one: cross-attention is not part of the vLLM profile", "vLLM")
        if _alike(geometry.groups):
            return self._one_table(geometry.groups, load)
        return self._tables(_merged(geometry.groups), load)

    def _one_table(self, groups: tuple[LayerGroup, ...], load: Workload) -> Plan:
        """All layers keep every token: one table, whose block holds every layer's page."""
        blocks = -(-load.context // self.block_size)
        size = sum(_page(group, self.block_size, load) for group in groups)
        first = replace(groups[0], layers=sum(group.layers for group in groups))
        return Plan((Pool(first, first.layers, 1, self.block_size, blocks),), size)

    def _tables(self, groups: list[LayerGroup], load: Workload) -> Plan:
        """Several kinds of layers: tables of equally many layers, pages made equal in size.

        Index keys stand in the blocks of the layers they belong to, and take no part in that.
        """
        keys = [group for group in groups if group.kind == "indexer"]
        groups = [group for group in groups if group.kind != "indexer"]
        per_token = {group: row(group, load, "fp8").bytes for group in groups if group.kind != "state"}
        states = [
            state(group, load.tensor_parallel, columns=group.conv_kernel - 1 + self.draft_tokens).bytes
            for group in groups
            if group.kind == "state"
        ]
        block = self.block_size
        if states and per_token:
            least = min(per_token.values())
            block = max(block, up(-(-max(states) // least), _alignment([*groups, *keys])))
        page = block * max(per_token.values()) if per_token else max(states)
        counts = [group.layers for group in groups]
        width = max(counts) if 2 * max(counts) < 3 * min(counts) else min(counts)
        pools = []
        for group in groups:
            tables = -(-group.layers // width)
            own = block
            if group.kind != "state":
                if page % (block * per_token[group]):
                    raise InvalidInput("engine", "another one: vLLM cannot make these layers' pages equal", "vLLM")
                own = page // per_token[group]
            pools.append(Pool(group, tables * width, tables, own, self._blocks(group, load.context, own)))
        return Plan(tuple(pools), width * page + sum(_page(group, block, load) for group in keys))

    def _blocks(self, group: LayerGroup, context: int, block: int) -> int:
        if group.kind == "state":
            return (2 if self.mamba_align else 1) + self.draft_tokens
        if group.kind == "sliding":
            return -(-min(group.window - 1 + self.in_flight, context) // block) + 1
        if group.kind == "chunked":
            return -(-min(group.window + self.in_flight, context) // block)
        return -(-context // block)


def _alignment(groups: list[LayerGroup]) -> int:
    """Blocks of hybrids come in multiples of this: 16 tokens; 64 with a latent, by the kernels that read it.

    A pooled indexer's kernel reads 32 rows at once (vllm-project/vllm#53906).
    """
    pooled = max(group.tokens_per_row for group in groups)
    latent = any(group.kind == "latent" for group in groups)
    return 32 * pooled if pooled > 1 else 64 if latent else 16


def _alike(groups: tuple[LayerGroup, ...]) -> bool:
    return all(group.kind in ("full", "latent", "indexer") and not group.window for group in groups)


def _page(group: LayerGroup, block: int, load: Workload) -> int:
    """Bytes of a block in all layers of a group that keeps every token."""
    return group.layers * -(-block // group.tokens_per_row) * row(group, load, "fp8").bytes


def _page_line(group: LayerGroup, blocks: int, block: int, load: Workload) -> Line:
    rows = -(-block // group.tokens_per_row)
    formula = (
        f"{blocks:,} blocks x {rows:,} {'tokens' if group.tokens_per_row == 1 else 'rows'} x {group.layers} layers x "
        f"{row(group, load, 'fp8').formula}"
    )
    return Line(group.says(), blocks * _page(group, block, load), formula)


def _table_line(pool: Pool, plan: Plan, load: Workload) -> Line:
    blocks = load.sequences * pool.tables * pool.blocks
    many = f"{load.sequences:,} x " if load.sequences > 1 else ""
    tables = f"{pool.tables} block table{'s' if pool.tables > 1 else ''}"
    product = f"{many}{tables} x {pool.blocks:,} blocks x {plan.bytes_per_block:,} B"
    return Line(pool.group.says(), blocks * plan.bytes_per_block, f"{product}; {_shape(pool, load)}")


def _merged(groups: tuple[LayerGroup, ...]) -> list[LayerGroup]:
    """Groups of the same shape as one, because vLLM goes by shape."""
    merged: dict[LayerGroup, int] = {}
    for group in groups:
        key = replace(group, layers=1, label="")
        merged[key] = merged.get(key, 0) + group.layers
    return [replace(key, layers=layers) for key, layers in merged.items()]


def _shape(pool: Pool, load: Workload) -> str:
    """What one layer keeps in one block, and how many of a table's places for layers stand empty."""
    empty = pool.padded - pool.group.layers
    kept = (
        "a state" if pool.group.kind == "state" else f"{pool.block:,} tokens x {row(pool.group, load, 'fp8').formula}"
    )
    return f"a layer keeps {kept} in a block" + (f"; {empty} empty layer places" if empty else "")
