"""Counts a model's parameters from its config.json: matrices alone, since norms and biases are below a thousandth.

Attention from the layer groups, feed-forward layers and experts from the file. A family for which this was not tried
against transformers has no count, and the user states the weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lm_core.kv_sizing.geometry import Geometry
from lm_core.kv_sizing.layer_group import LayerGroup
from lm_core.kv_sizing.model_import import decoder_part
from lm_core.kv_sizing.weights import quantization
from lm_core.kv_sizing.weights.checkpoint import Checkpoint
from lm_core.kv_sizing.weights.parameters import Parameters

_INNER = ("intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size", "d_ff", "feed_forward_size")
_EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")
_CHOSEN = ("num_experts_per_tok", "num_experts_per_token", "moe_topk", "top_k_experts", "experts_per_token", "moe_k")
_EXPERT_INNER = ("moe_intermediate_size", "expert_ffn_hidden_size", "ffn_hidden_size", "intermediate_size")
_TWO_MATRICES = frozenset({  # families whose feed-forward layer has no gate
    "apertus", "arcee", "bloom", "codegen", "falcon", "gpt2", "gpt_bigcode", "gpt_neo", "gpt_neox", "gpt_neox_japanese",
    "gptj", "jais2", "mpt", "nanochat", "nemotron", "openai-gpt", "opt", "persimmon", "phi", "starcoder2", "xglm",
})  # fmt: skip
_TIED = frozenset({  # families whose class ties the output layer to the embeddings unless the file says otherwise
    "bloom", "cohere", "cohere2", "falcon", "gemma", "gemma2", "gemma3", "gemma3_text", "gemma4", "gemma4_text", "gpt2",
    "gpt_bigcode", "gpt_neo", "mpt", "opt", "starcoder2", "xglm",
})  # fmt: skip
_GATED = frozenset({"qwen3_next", "qwen3_5", "qwen3_5_text", "qwen3_5_moe", "qwen3_5_moe_text"})
# Families tried: within 1 % of what transformers 5.23 builds.
_TRIED = frozenset({
    "apertus", "arcee", "axk1", "bitnet", "bloom", "codegen", "cohere", "cohere2", "cohere2_moe", "cwm", "deepseek_v2",
    "deepseek_v3", "deepseek_v32", "diffllama", "ernie4_5", "ernie4_5_moe", "exaone4", "exaone_moe", "falcon",
    "flex_olmo", "gemma", "gemma2", "gemma3_text", "glm", "glm4", "glm4_moe", "glm4_moe_lite", "glm_moe_dsa", "gpt2",
    "gpt_bigcode", "gpt_neo", "gpt_neox", "gpt_oss", "gptj", "granite", "granitemoe", "granitemoeshared", "helium",
    "hy_v3", "internlm3", "jais2", "llama", "mellum", "mimo_v2_flash", "minicpm3", "minimax_m2", "ministral3",
    "mistral", "mixtral", "nanochat", "olmo", "olmo2", "olmo3", "olmo_hybrid", "olmoe", "persimmon", "phi", "phi3",
    "phimoe", "qwen2", "qwen2_moe", "qwen3", "qwen3_5_moe_text", "qwen3_5_text", "qwen3_moe", "qwen3_next", "seed_oss",
    "smollm3", "solar_open", "stablelm", "starcoder2", "vaultgemma", "xglm",
})  # fmt: skip
_OTHER_SHAPES = ("num_kv_shared_layers", "cla_share_factor", "block_configs")  # in files of a family that was tried


def checkpoint(config: Mapping[str, Any], geometry: Geometry) -> Checkpoint:
    """The weights of a parsed config.json: parameters where they can be counted, and the format the file names."""
    inner = decoder_part.of(config)[1]
    return Checkpoint(count(config, geometry), _number(inner, "vocab_size"), quantization.weight_format(config, inner))


def count(config: Mapping[str, Any], geometry: Geometry) -> Parameters:
    """Of a parsed config.json and the Geometry read from it; Parameters() where it cannot be counted.

    >>> from lm_core.kv_sizing.model_import.config_import import from_config
    >>> config = {"model_type": "llama", "num_hidden_layers": 2, "num_attention_heads": 4, "hidden_size": 64,
    ...           "intermediate_size": 256, "vocab_size": 1000}
    >>> count(config, from_config(config)).total  # 2 x (4 x 64 x 64 + 3 x 64 x 256) + 2 x 1000 x 64
    259072
    """
    inner = decoder_part.of(config)[1]
    hidden, vocabulary, family = geometry.hidden, _number(inner, "vocab_size"), geometry.family
    attention = [_attention(group, inner, geometry) for group in geometry.groups]
    odd = family not in _TRIED or any(inner.get(key) for key in _OTHER_SHAPES)
    if odd or not hidden or not vocabulary or None in attention:
        return Parameters()
    layers, sparse = geometry.all_layers, _sparse_layers(inner, geometry.all_layers)
    matrices = 2 if family in _TWO_MATRICES else 3
    width = _number(inner, *_INNER) or 4 * hidden
    dense = (layers - sparse) * matrices * hidden * width
    experts, chosen = _number(inner, *_EXPERTS), _number(inner, *_CHOSEN)
    each = sparse * matrices * hidden * (_number(inner, *_EXPERT_INNER) or width)
    shared = sparse * hidden * (matrices * _shared_width(inner) + experts)  # the router is hidden x experts
    tied = inner.get("tie_word_embeddings", config.get("tie_word_embeddings"))
    tied = family in _TIED if tied is None else bool(tied)
    table = vocabulary * hidden
    base = sum(each for each in attention if each) + dense + shared + table * (1 if tied else 2)
    return Parameters(
        base + experts * each, base + chosen * each if experts else 0, experts if sparse else 0,
        chosen if sparse else 0, 0 if tied else table, table * (1 if tied else 2),
    )  # fmt: skip


def _attention(group: LayerGroup, config: Mapping[str, Any], geometry: Geometry) -> int | None:
    """Matrices of a group's layers that stand before and after what is cached."""
    hidden, heads = geometry.hidden, geometry.query_heads
    if group.kind in ("full", "sliding", "chunked"):
        queries = heads * group.k_dim * (2 if geometry.family in _GATED else 1)
        return group.layers * hidden * (queries + group.kv_heads * (group.k_dim + group.v_dim) + heads * group.v_dim)
    if group.kind == "latent":
        return group.layers * _latent(group, config, hidden, heads)
    if group.kind == "indexer":
        own, rank = _number(config, "index_n_heads"), _number(config, "q_lora_rank")
        return group.layers * (rank * own * group.k_dim + hidden * (group.k_dim + own)) if own and rank else None
    if group.kind == "state" and (values := _number(config, "linear_num_value_heads")):
        width = values * _number(config, "linear_value_head_dim")
        return group.layers * hidden * (group.conv_channels + 2 * width + 2 * values)
    return None


def _latent(group: LayerGroup, config: Mapping[str, Any], hidden: int, heads: int) -> int:
    nope, value, rank = (_number(config, key) for key in ("qk_nope_head_dim", "v_head_dim", "q_lora_rank"))
    queries = heads * (nope + group.v_dim)
    queries = rank * (hidden + queries) if rank else hidden * queries
    return (
        queries + hidden * (group.k_dim + group.v_dim) + group.k_dim * heads * (nope + value) + heads * value * hidden
    )


def _sparse_layers(config: Mapping[str, Any], layers: int) -> int:
    """How many layers have experts in place of one feed-forward layer."""
    if not _number(config, *_EXPERTS):
        return 0
    kinds = config.get("mlp_layer_types")
    if isinstance(kinds, list) and len(kinds) == layers:
        return sum(kind == "sparse" for kind in kinds)
    dense = _number(config, "first_k_dense_replace")
    listed = config.get("mlp_only_layers")
    if isinstance(listed, list):
        dense += len(listed)
    every = _number(config, "decoder_sparse_step", "moe_layer_freq", "moe_layer_interval") or 1
    return (layers - dense) // every


def _shared_width(config: Mapping[str, Any]) -> int:
    if own := _number(config, "shared_expert_intermediate_size", "moe_shared_expert_intermediate_size"):
        return own
    return _number(config, "n_shared_experts", "num_shared_experts") * _number(config, *_EXPERT_INNER)


def _number(config: Mapping[str, Any], *names: str) -> int:
    found = (config.get(name) for name in names)
    return next((value for value in found if isinstance(value, int) and not isinstance(value, bool) and value > 0), 0)
