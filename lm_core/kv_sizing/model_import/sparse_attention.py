"""What sparse and compressed attention keeps besides: index keys, and rows that several tokens share.

Sources: transformers' modelling code of deepseek_v32, glm_moe_dsa, glm5_next, minimax_m3_vl and deepseek_v4; how
vLLM stores a pooled key: LMCache/LMCache#5042.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lm_core.errors import InvalidInput, whole_number
from lm_core.kv_sizing.geometry import Assumption
from lm_core.kv_sizing.layer_group import LayerGroup
from lm_core.kv_sizing.model_import import layer_names as kinds
from lm_core.kv_sizing.model_import.reader import ABSURD, Reader

_INDEX_WIDTH = ("index_head_dim", "sparse_index_dim", "indexer_head_dim", "index_dim", "indexer_dim", "index_key_dim")
_RATIOS = {4: kinds.COMPRESSED, 128: kinds.POOLED, 0: kinds.SLIDING}


def index_keys(config: Reader, layer_kinds: list[str]) -> list[LayerGroup]:
    """A group for the layers with an indexer: those named sparse, else all; of these, those that run their own."""
    layers = len(layer_kinds)
    part = config.part("sparse_attention_config")
    if part and part.flag("use_sparse_attention") is not False:
        return _of_a_part(part, layers)
    dim = config.number(*_INDEX_WIDTH)
    if not dim or any(kind in (kinds.COMPRESSED, kinds.POOLED) for kind in layer_kinds):
        return []
    sparse = [kind == kinds.SPARSE for kind in layer_kinds]
    m3 = config.peek("index_block_size") is not None  # MiniMax M3: layers that are not named sparse have none
    here = sparse if any(sparse) or m3 else [True] * layers
    runs = _runs_its_own(config, layers)
    many = sum(a and b for a, b in zip(here, runs, strict=True))
    own_dtype = 2 if m3 else 0  # in the model's 16 bits
    config.explain("index_n_heads", "index_topk", "index_block_size", "index_topk_blocks", "index_local_blocks")
    pool = config.number("index_kpool") or 1
    config.explain("index_kpool_always_select_tail")
    return [LayerGroup("indexer", many, 1, dim, tokens_per_row=pool, value_bytes=own_dtype)] if many else []


def _of_a_part(part: Reader, layers: int) -> list[LayerGroup]:
    """MiniMax M3: one key of the model's dtype in each sparse layer, kept by every rank."""
    dim = part.needed(*_INDEX_WIDTH)
    flags = part.list("sparse_attention_freq", layers)
    many = layers if flags is None else sum(whole_number("sparse_attention_freq", flag, 0, 1) for flag in flags)
    part.explain(
        "sparse_num_index_heads", "sparse_block_size", "sparse_topk_blocks", "sparse_local_block", "sparse_init_block",
        "sparse_score_type", "sparse_disable_index_value",
    )  # fmt: skip
    return [LayerGroup("indexer", many, 1, dim, value_bytes=2)] if many else []


def _runs_its_own(config: Reader, layers: int) -> list[bool]:
    """Which layers choose for themselves; the others take over what the one before them chose (GLM-5.2)."""
    names = config.list("indexer_types", layers)
    letters = config.get("index_topk_pattern")
    if names is None and isinstance(letters, str | list):
        names = ["full" if each in ("F", "full") else "shared" for each in letters[:layers]]
        if len(names) != layers:
            raise InvalidInput("index_topk_pattern", f"{layers} entries", letters)
    if names is not None:
        return [name == "full" for name in names]
    every, first = config.number("index_topk_freq") or 1, config.number("index_skip_topk_offset", low=0)
    offset = 2 if first is None else first
    return [max(i - offset + 1, 0) % every == 0 for i in range(layers)]


def pooling_assumption(groups: list[LayerGroup]) -> list[Assumption]:
    """Pooled index keys: how they are stored is known from one engine's logs, not from published code."""
    pooled = next((group for group in groups if group.kind == "indexer" and group.tokens_per_row > 1), None)
    if pooled is None or any(group.tokens_per_row > 1 for group in groups if group.kind == "latent"):
        return []
    apart = tuple(replace(group, tokens_per_row=1) if group is pooled else group for group in groups)
    says = (
        f"One index key is kept for {pooled.tokens_per_row} tokens (index_kpool), as vLLM's logs show; the modelling "
        "code of transformers keeps one for each token."
    )
    return [Assumption(says, apart)]


def compressed_kinds(config: Reader, layers: int, drafts: int) -> list[str] | None:
    """DeepSeek V4 by its older key: a ratio for each layer, 0 where there is a window alone."""
    ratios = config.list("compress_ratios", layers, drafts)
    if ratios is None:
        return None
    numbers = [whole_number("compress_ratios", ratio, 0, ABSURD) for ratio in ratios]
    return [_RATIOS.get(number, f"compressed by {number}") for number in numbers]


def compressed(config: Reader, kind: str, window: int, width: int) -> list[LayerGroup]:
    """One layer of DeepSeek V4: a window of rows that serve as key and value, and beside it one row for many tokens."""
    config.explain("num_key_value_heads", "q_lora_rank", "qk_rope_head_dim")
    local = LayerGroup("latent", 1, 1, width, 0, window)
    if kind == kinds.SLIDING:
        return [local]
    ratio = _ratio(config, kind)
    groups = [local, LayerGroup("latent", 1, 1, width, 0, tokens_per_row=ratio)]
    if kind == kinds.COMPRESSED:
        config.explain("index_n_heads", "index_topk")
        groups.append(LayerGroup("indexer", 1, 1, config.needed(*_INDEX_WIDTH), tokens_per_row=ratio))
    return groups


def _ratio(config: Reader, kind: str) -> int:
    rates = config.get("compress_rates")
    config.explain("compress_rate_csa", "compress_rate_hca", "compress_rope_theta")
    stated: Any = rates.get(kind) if isinstance(rates, Mapping) else None
    usual = next(ratio for ratio, name in _RATIOS.items() if name == kind)
    return usual if stated is None else whole_number("compress_rates", stated, 1, ABSURD)


def unfinished_rows(window: int) -> Assumption:
    """What DeepSeek V4 keeps of tokens that have not made a row yet."""
    return Assumption(
        "The tokens that wait to be pooled (fewer than one row in each layer), and the sums beside them, are left out; "
        f"the window of {window:,} tokens is counted in full."
    )
