"""The fixed state of linear-attention, Mamba and short-convolution layers, from the sizes in a config.

Sources: transformers' modelling code of each family; vLLM's mamba_utils.py for the shapes.
"""

from __future__ import annotations

from lm_core.errors import InvalidInput
from lm_core.kv_sizing.geometry import LayerGroup
from lm_core.kv_sizing.model_import.reader import Reader

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


def mamba_2(config: Reader) -> LayerGroup:
    """Mamba-2, Bamba, Granite, Falcon-H1, Nemotron-H, Zamba2: a matrix per head."""
    heads = config.needed(*_MAMBA_2_HEADS)
    dim = config.needed("mamba_d_head", "mamba_head_dim", "mamba_headdim", "head_dim")
    width = config.needed("mamba_d_state", "ssm_state_size", "state_size")
    groups = config.number("mamba_n_groups", "mamba_ngroups", "n_groups") or 1
    kernel = config.needed("mamba_d_conv", "conv_kernel")
    return _state(heads * dim * width, heads * dim + 2 * groups * width, kernel)


def lightning(heads: int, dim: int) -> LayerGroup:
    """MiniMax-Text-01: a matrix per head, no convolution."""
    return _state(heads * dim * dim, 0, 0)


def short_convolution(config: Reader, hidden: int) -> LayerGroup:
    """LFM2: the last inputs of a short convolution, nothing else."""
    return _state(0, hidden, config.needed("conv_L_cache"))


def of(kind: str, config: Reader, hidden: int) -> LayerGroup | None:
    """The state of a layer type by its name in configs, or None for a name that is no state."""
    if kind in ("linear_attention", "gated_delta_net"):
        return _linear(config)
    if kind == "conv":
        return short_convolution(config, hidden)
    if kind in ("mamba", "mamba2", "M"):
        second = kind == "mamba2" or config.get(*_MAMBA_2_HEADS[:-1]) is not None
        return mamba_2(config) if second else mamba_1(config, hidden)
    return None


def _linear(config: Reader) -> LayerGroup | None:
    """What "linear attention" means depends on the sizes that are given."""
    if config.get("linear_num_value_heads") is not None:
        return gated_delta_net(config)
    if config.get("linear_num_heads") is not None:
        heads, dim = config.needed("linear_num_heads"), config.needed("linear_head_dim")
        return _state(heads * dim * dim, 3 * heads * dim, config.needed("linear_conv_kernel_dim"))
    return mamba_2(config) if config.get(*_MAMBA_2_HEADS[:-1]) is not None else None


def _state(values: int, channels: int, kernel: int) -> LayerGroup:
    if max(values, channels) > 1 << 24:
        raise InvalidInput("state", "at most 16,777,216 values per layer", max(values, channels))
    return LayerGroup("state", 1, state_values=values, conv_channels=channels, conv_kernel=kernel)
