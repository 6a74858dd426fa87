"""The fixed state of linear-attention, Mamba and short-convolution layers, from the sizes in a config.

Sources: transformers' modelling code of each family; vLLM's mamba_utils.py for the shapes.
"""

from __future__ import annotations

from lm_core.errors import InvalidInput
from lm_core.kv_sizing.layer_group import LayerGroup
from lm_core.kv_sizing.model_import import layer_names as kinds
from lm_core.kv_sizing.model_import.reader import Reader

# Sizes that are idle in a model whose layers are all named and none of them is a state.
SIZES = (
    "mamba_n_heads", "mamba_num_heads", "n_mamba_heads", "mamba_d_head", "mamba_head_dim", "mamba_headdim",
    "mamba_d_state", "ssm_state_size", "mamba_n_groups", "mamba_ngroups", "mamba_d_conv", "mamba_expand",
    "conv_L_cache", "linear_num_key_heads", "linear_num_value_heads", "linear_key_head_dim", "linear_value_head_dim",
    "linear_conv_kernel_dim", "linear_num_heads", "linear_head_dim",
)  # fmt: skip
_MAMBA_2_HEADS = ("mamba_n_heads", "mamba_num_heads", "n_mamba_heads", "num_heads")


def gated_delta_net(config: Reader) -> LayerGroup:
    """Qwen3-Next and after: a matrix per value head, a convolution over queries, keys and values."""
    key_heads, value_heads = config.needed("linear_num_key_heads"), config.needed("linear_num_value_heads")
    key_dim, value_dim = config.needed("linear_key_head_dim"), config.needed("linear_value_head_dim")
    channels = 2 * key_heads * key_dim + value_heads * value_dim
    return _state(value_heads * value_dim * key_dim, channels, config.needed("linear_conv_kernel_dim"))


def kimi_delta(config: Reader) -> LayerGroup:
    """Kimi-Linear: a matrix per head, three convolutions."""
    heads, dim = config.needed("num_heads"), config.needed("head_dim")
    return _state(heads * dim * dim, 3 * heads * dim, config.number("short_conv_kernel_size") or 4)


def mamba_1(config: Reader, hidden: int) -> LayerGroup:
    """Mamba and Jamba: `d_state` numbers per inner channel."""
    inner = config.number("intermediate_size") if config.get("mamba_expand") is None else None
    inner = inner or (config.number("mamba_expand", "expand") or 2) * hidden
    return _state(
        inner * config.needed("mamba_d_state", "state_size"), inner, config.needed("mamba_d_conv", "conv_kernel")
    )


def mamba_2(config: Reader, hidden: int = 0) -> LayerGroup:
    """Mamba-2, Bamba, Granite, Falcon-H1, Nemotron-H, Zamba2: a matrix per head."""
    heads = config.needed(*_MAMBA_2_HEADS)
    if config.peek("mamba_d_head") == "auto":
        config.explain("mamba_d_head")
        dim = (config.number("mamba_expand") or 2) * hidden // heads
    else:
        dim = config.needed("mamba_d_head", "mamba_head_dim", "mamba_headdim", "hidden_size_per_head", "head_dim")
    width = config.needed("mamba_d_state", "ssm_state_size", "state_size")
    groups = config.number("mamba_n_groups", "mamba_ngroups", "n_groups")
    if groups is None:  # PLaMo 2 convolves its inner channels alone
        groups = 0 if config.peek("hidden_size_per_head") is not None else 1
    kernel = config.needed("mamba_d_conv", "conv_kernel")
    config.explain("mamba_expand", "expand", "chunk_size")
    return _state(heads * dim * width, heads * dim + 2 * groups * width, kernel)


def lightning(heads: int, dim: int) -> LayerGroup:
    """MiniMax-Text-01: a matrix per head, no convolution."""
    return _state(heads * dim * dim, 0, 0)


def short_convolution(config: Reader, hidden: int) -> LayerGroup:
    """LFM2: the last inputs of a short convolution, nothing else."""
    return _state(0, hidden, config.needed("conv_L_cache"))


def rg_lru(config: Reader, hidden: int) -> LayerGroup:
    """Griffin, RecurrentGemma: one number per channel, and the last inputs of a short convolution."""
    return _state(config.number("lru_width") or hidden, hidden, config.number("conv1d_width") or 4)


def rwkv(config: Reader, family: str, hidden: int) -> LayerGroup:
    """RWKV: the last input of both halves of a layer, and three numbers per channel (4) or a matrix per head (5 on)."""
    config.explain("rescale_every", "attention_hidden_size")
    if family == "rwkv":
        return _state(3 * (config.number("attention_hidden_size") or hidden), hidden, 3)
    return _state(hidden * (config.number("head_size", "head_dim") or 64), hidden, 3)


def xlstm(config: Reader, hidden: int) -> LayerGroup:
    """xLSTM (mLSTM): per head a matrix, a normaliser and one number; widths rounded up to 64."""
    heads = config.needed("num_heads")
    config.explain("chunk_size", "return_last_states", "num_blocks")
    qk, v = (
        -(-int(hidden * float(config.get(key) or usual)) // 64) * 64 // heads
        for key, usual in (("qk_dim_factor", 0.5), ("v_dim_factor", 1.0))
    )
    return _state(heads * (qk * v + qk + 1), 0, 0)


def of(kind: str, config: Reader, hidden: int) -> LayerGroup | None:
    """The state of a kind of layer, or None for one that is no state or whose sizes the file does not give."""
    if kind == kinds.LINEAR:
        return _linear(config, hidden)
    if kind == kinds.CONV:
        return short_convolution(config, hidden)
    if kind == kinds.LRU:
        return rg_lru(config, hidden)
    if kind in (kinds.MAMBA, kinds.MAMBA_2):
        second = kind == kinds.MAMBA_2 or config.get(*_MAMBA_2_HEADS[:-1]) is not None
        return mamba_2(config, hidden) if second else mamba_1(config, hidden)
    return None


def _linear(config: Reader, hidden: int) -> LayerGroup | None:
    """What "linear attention" means depends on the sizes that are given."""
    if config.get("linear_num_value_heads") is not None:
        return gated_delta_net(config)
    if config.get("linear_num_heads") is not None:
        heads, dim = config.needed("linear_num_heads"), config.needed("linear_head_dim")
        config.explain("short_conv_kernel_size", "layer_group_size", "kda_safe_gate", "kda_lower_bound")
        return _state(heads * dim * dim, 3 * heads * dim, config.needed("linear_conv_kernel_dim"))
    if part := config.part("linear_attn_config"):
        return kimi_delta(part)
    return mamba_2(config, hidden) if config.get(*_MAMBA_2_HEADS[:-1]) is not None else None


def _state(values: int, channels: int, kernel: int) -> LayerGroup:
    if max(values, channels) > 1 << 24:
        raise InvalidInput("state", "at most 16,777,216 values per layer", max(values, channels))
    return LayerGroup("state", 1, state_values=values, conv_channels=channels, conv_kernel=kernel)
