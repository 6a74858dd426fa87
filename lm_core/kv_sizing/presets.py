"""Well-known models by name, as layer groups with the source of their figures.

Sources: "litgpt" is litgpt 0.5.13's config.py, "transformers" the default configuration in transformers 5.23,
"card" the model's config.json as kvcache-ai's calculator cites it, "LMCache" its modelconfig.json, "log" the metadata
a llama.cpp log prints. Parameters are counted from the configuration where a source says so, else as published; 0
where no source was found. A test holds each to the config.json of the same model.
"""

from __future__ import annotations

from functools import cache

from lm_core.errors import InvalidInput
from lm_core.kv_sizing.geometry import Geometry
from lm_core.kv_sizing.layer_group import LayerGroup
from lm_core.kv_sizing.weights.checkpoint import of_preset

_K = 1024
Groups = tuple[LayerGroup, ...]


def _full(layers: int, kv: int, dim: int) -> Groups:
    return (LayerGroup("full", layers, kv, dim, dim),)


def _sliding(full: int, sliding: int, kv: int, dim: int, window: int) -> Groups:
    """A pattern; the sliding layers come first in every model listed here."""
    return (LayerGroup("sliding", sliding, kv, dim, dim, window), *(_full(full, kv, dim) if full else ()))


def _mixed(full: tuple[int, int, int], sliding: tuple[int, int, int], window: int) -> Groups:
    """Gemma 4: global layers have heads and widths of their own."""
    return (LayerGroup("sliding", sliding[0], *sliding[1:], sliding[2], window), *_full(*full))


def _latent(layers: int, indexers: int = 0) -> Groups:
    keys = (LayerGroup("indexer", indexers, 1, 128),) if indexers else ()
    return (LayerGroup("latent", layers, 1, 512, 64), *keys)


def _delta(full: int, linear: int, kv: int, value_heads: int) -> Groups:
    """Qwen3-Next and Qwen3.5: a gated delta net of 16 key heads, 128 wide, before each full layer of width 256."""
    channels = 2 * 16 * 128 + value_heads * 128
    state = LayerGroup("state", linear, state_values=value_heads * 128 * 128, conv_channels=channels, conv_kernel=4)
    return (state, *_full(full, kv, 256))


def _mamba(layers: int, values: int, channels: int) -> Groups:
    return (LayerGroup("state", layers, state_values=values, conv_channels=channels, conv_kernel=4),)


# name: (title, groups, query heads, hidden, longest context, parameters, source)
_TABLE: dict[str, tuple[str, Groups, int, int, int, int, str]] = {
    "gpt2": ("GPT-2 124M", _full(12, 12, 64), 12, 768, 1024, 124_439_808, "transformers"),
    "smollm2-135m": ("SmolLM2-135M", _full(30, 3, 64), 9, 576, 8 * _K, 134_515_008, "metadata of its GGUF file"),
    "llama-2-7b": ("Llama 2 7B", _full(32, 32, 128), 32, 4096, 4 * _K, 6_738_000_000, "litgpt, transformers"),
    "llama-2-13b": ("Llama 2 13B", _full(40, 40, 128), 40, 5120, 4 * _K, 13_016_000_000, "litgpt"),
    "llama-2-70b": ("Llama 2 70B", _full(80, 8, 128), 64, 8192, 4 * _K, 68_977_000_000, "litgpt"),
    "llama-3-8b": ("Llama 3 8B", _full(32, 8, 128), 32, 4096, 8 * _K, 8_030_000_000, "litgpt, card"),
    "llama-3.1-8b": ("Llama 3.1 8B", _full(32, 8, 128), 32, 4096, 128 * _K, 8_030_000_000, "litgpt, card, LMCache"),
    "llama-3.1-70b": ("Llama 3.1 70B", _full(80, 8, 128), 64, 8192, 128 * _K, 70_554_000_000, "litgpt, card, LMCache"),
    "llama-3.3-70b": ("Llama 3.3 70B", _full(80, 8, 128), 64, 8192, 128 * _K, 70_554_000_000, "litgpt, card"),
    "llama-3.1-405b": ("Llama 3.1 405B", _full(126, 8, 128), 128, 16384, 128 * _K, 405_853_000_000, "litgpt, LMCache"),
    "llama-3.2-1b": ("Llama 3.2 1B", _full(16, 8, 64), 32, 2048, 128 * _K, 1_236_000_000, "litgpt, LMCache"),
    "llama-3.2-3b": ("Llama 3.2 3B", _full(28, 8, 128), 24, 3072, 128 * _K, 3_213_000_000, "litgpt, LMCache"),
    "llama-4-scout": (
        "Llama 4 Scout (text)", (LayerGroup("chunked", 36, 8, 128, 128, 8 * _K), *_full(12, 8, 128)), 40, 5120, 0, 0,
        "transformers",
    ),
    "mistral-7b-v0.1": (
        "Mistral 7B v0.1", _sliding(0, 32, 8, 128, 4 * _K), 32, 4096, 32 * _K, 7_242_000_000,
        "litgpt, transformers",
    ),
    "mistral-7b-v0.3": ("Mistral 7B v0.3", _full(32, 8, 128), 32, 4096, 32 * _K, 7_242_000_000, "litgpt, LMCache"),
    "mixtral-8x7b": ("Mixtral 8x7B", _full(32, 8, 128), 32, 4096, 32 * _K, 46_703_000_000, "litgpt, transformers"),
    "mixtral-8x22b": ("Mixtral 8x22B", _full(56, 8, 128), 48, 6144, 64 * _K, 140_630_000_000, "litgpt"),
    "mistral-large-2407": (
        "Mistral Large 2407", _full(88, 8, 128), 96, 12288, 128 * _K, 122_610_000_000,
        "litgpt, LMCache",
    ),
    "qwen2.5-0.5b": ("Qwen2.5 0.5B", _full(24, 2, 64), 14, 896, 32 * _K, 494_000_000, "litgpt, LMCache"),
    "qwen2.5-1.5b": ("Qwen2.5 1.5B", _full(28, 2, 128), 12, 1536, 128 * _K, 1_544_000_000, "litgpt"),
    "qwen2.5-3b": ("Qwen2.5 3B", _full(36, 2, 128), 16, 2048, 32 * _K, 3_086_000_000, "litgpt, LMCache"),
    "qwen2.5-7b": ("Qwen2.5 7B", _full(28, 4, 128), 28, 3584, 128 * _K, 7_616_000_000, "litgpt, card"),
    "qwen2.5-14b": ("Qwen2.5 14B", _full(48, 8, 128), 40, 5120, 128 * _K, 14_770_000_000, "litgpt, card"),
    "qwen2.5-32b": ("Qwen2.5 32B, QwQ 32B", _full(64, 8, 128), 40, 5120, 128 * _K, 32_764_000_000, "litgpt, card"),
    "qwen2.5-72b": ("Qwen2.5 72B", _full(80, 8, 128), 64, 8192, 128 * _K, 72_706_000_000, "litgpt, card"),
    "qwen3-0.6b": ("Qwen3 0.6B", _full(28, 8, 128), 16, 1024, 40 * _K, 596_000_000, "litgpt, card"),
    "qwen3-1.7b": ("Qwen3 1.7B", _full(28, 8, 128), 16, 2048, 40 * _K, 1_721_000_000, "litgpt, card"),
    "qwen3-4b": ("Qwen3 4B", _full(36, 8, 128), 32, 2560, 40 * _K, 4_022_000_000, "litgpt, card"),
    "qwen3-8b": ("Qwen3 8B", _full(36, 8, 128), 32, 4096, 40 * _K, 8_191_000_000, "litgpt, card"),
    "qwen3-14b": ("Qwen3 14B", _full(40, 8, 128), 40, 5120, 40 * _K, 14_768_000_000, "litgpt, card"),
    "qwen3-32b": ("Qwen3 32B", _full(64, 8, 128), 64, 5120, 40 * _K, 32_762_000_000, "litgpt, card"),
    "qwen3-30b-a3b": ("Qwen3 30B-A3B", _full(48, 4, 128), 32, 2048, 40 * _K, 30_532_000_000, "litgpt, card"),
    "qwen3-235b-a22b": ("Qwen3 235B-A22B", _full(94, 4, 128), 64, 4096, 40 * _K, 235_094_000_000, "litgpt, card"),
    "qwen3-coder-480b": ("Qwen3 Coder 480B-A35B", _full(62, 8, 128), 96, 6144, 0, 480_000_000_000, "LMCache"),
    "qwen3-next-80b": ("Qwen3 Next 80B-A3B", _delta(12, 36, 2, 32), 16, 2048, 256 * _K, 79_674_000_000, "transformers"),
    "qwen3.5-9b": ("Qwen3.5 9B", _delta(8, 24, 4, 32), 16, 4096, 256 * _K, 0, "card, transformers"),
    "qwen3.5-27b": ("Qwen3.5 27B", _delta(16, 48, 4, 48), 24, 5120, 256 * _K, 27_000_000_000, "card"),
    "qwen3.5-35b-a3b": ("Qwen3.5 35B-A3B", _delta(10, 30, 2, 32), 16, 2048, 256 * _K, 0, "card, transformers"),
    "qwen3.5-397b-a17b": ("Qwen3.5 397B-A17B", _delta(15, 45, 2, 64), 32, 4096, 256 * _K, 0, "card"),
    "gemma-2-2b": (
        "Gemma 2 2B", _sliding(13, 13, 4, 256, 4 * _K), 8, 2304, 8 * _K, 2_614_000_000,
        "litgpt, transformers, log",
    ),
    "gemma-2-9b": ("Gemma 2 9B", _sliding(21, 21, 8, 256, 4 * _K), 16, 3584, 8 * _K, 9_242_000_000, "litgpt"),
    "gemma-2-27b": ("Gemma 2 27B", _sliding(23, 23, 16, 128, 4 * _K), 32, 4608, 8 * _K, 27_227_000_000, "litgpt"),
    "gemma-3-1b": ("Gemma 3 1B", _sliding(4, 22, 1, 256, 512), 4, 1152, 32 * _K, 1_000_000_000, "litgpt"),
    "gemma-3-4b": ("Gemma 3 4B", _sliding(5, 29, 4, 256, 1024), 8, 2560, 128 * _K, 3_880_000_000, "litgpt, log"),
    "gemma-3-12b": ("Gemma 3 12B", _sliding(8, 40, 8, 256, 1024), 16, 3840, 128 * _K, 11_766_000_000, "litgpt"),
    "gemma-3-27b": ("Gemma 3 27B", _sliding(10, 52, 16, 128, 1024), 32, 5376, 128 * _K, 27_009_000_000, "litgpt"),
    "gemma-3n-e4b": ("Gemma 3n E4B", _sliding(4, 16, 2, 256, 512), 8, 2048, 32 * _K, 0, "transformers"),
    "gemma-4-12b": ("Gemma 4 12B", _mixed((8, 1, 512), (40, 8, 256), 1024), 16, 3840, 0, 0, "log"),
    "gemma-4-31b": (
        "Gemma 4 31B", _mixed((10, 4, 512), (50, 16, 256), 1024), 32, 5376, 256 * _K, 31_000_000_000,
        "card",
    ),
    "gemma-4-e4b": ("Gemma 4 E4B", _mixed((4, 2, 512), (20, 2, 256), 512), 8, 0, 128 * _K, 0, "card"),
    "gpt-oss-20b": (
        "gpt-oss 20B", _sliding(12, 12, 8, 64, 128), 64, 2880, 128 * _K, 20_915_000_000,
        "transformers, log",
    ),
    "gpt-oss-120b": ("gpt-oss 120B", _sliding(18, 18, 8, 64, 128), 64, 2880, 128 * _K, 116_829_000_000, "transformers"),
    "command-r7b": ("Command R7B", _sliding(8, 24, 8, 128, 4 * _K), 32, 4096, 132_096, 8_000_000_000, "card"),
    "command-a": (
        "Command A 111B", _sliding(16, 48, 8, 128, 4 * _K), 96, 12288, 128 * _K, 111_060_000_000,
        "card, log",
    ),
    "command-r": ("Command R v01", _full(40, 64, 128), 64, 8192, 128 * _K, 35_000_000_000, "card, transformers"),
    "deepseek-v3": (
        "DeepSeek V3, R1, V3.1", _latent(61), 128, 7168, 160 * _K, 671_030_000_000,
        "transformers, card, LMCache",
    ),
    "deepseek-v3.2": ("DeepSeek V3.2", _latent(61, 61), 128, 7168, 160 * _K, 671_030_000_000, "transformers, card"),
    "kimi-k2": ("Kimi K2", _latent(61), 64, 7168, 128 * _K, 1_027_000_000_000, "card, log"),
    "glm-5": ("GLM 5", _latent(78, 78), 64, 6144, 198 * _K, 0, "card, transformers"),
    "glm-4.5": ("GLM 4.5", _full(92, 8, 128), 96, 5120, 0, 355_000_000_000, "LMCache"),
    "glm-4.5-air": ("GLM 4.5 Air", _full(46, 8, 128), 96, 4096, 128 * _K, 103_480_000_000, "transformers"),
    "minimax-m2": ("MiniMax M2", _full(62, 8, 128), 48, 3072, 192 * _K, 228_690_000_000, "transformers, card"),
    "phi-3-mini-4k": (
        "Phi 3 mini 4k", _sliding(0, 32, 32, 96, 2047), 32, 3072, 4 * _K, 3_821_000_000,
        "litgpt, transformers",
    ),
    "phi-4": ("Phi 4 14B", _full(40, 10, 128), 40, 5120, 16 * _K, 14_660_000_000, "litgpt"),
    "falcon-7b": ("Falcon 7B", _full(32, 1, 64), 71, 4544, 2 * _K, 0, "litgpt, transformers"),
    "falcon-40b": ("Falcon 40B", _full(60, 8, 64), 128, 8192, 2 * _K, 0, "litgpt, transformers"),
    "jamba-v0.1": (
        "Jamba v0.1", (*_mamba(28, 8192 * 16, 8192), *_full(4, 8, 128)), 32, 4096, 256 * _K, 51_570_000_000,
        "transformers",
    ),
    "mamba-codestral-7b": (
        "Mamba Codestral 7B", _mamba(64, 128 * 64 * 128, 8192 + 2 * 8 * 128), 0, 4096, 0, 7_300_000_000,
        "transformers",
    ),
}  # fmt: skip
# By how a name begins: the family of each model that an engine treats in a way of its own.
_FAMILIES = {
    "llama-4": "llama4", "mistral-7b-v0.1": "mistral", "gemma-2": "gemma2", "gemma-3n": "gemma3n", "gemma-3": "gemma3",
    "gemma-4": "gemma4", "gpt-oss": "gpt_oss", "command-r7b": "cohere2", "command-a": "cohere2", "phi-3": "phi3",
    "qwen3-next": "qwen3_next", "jamba": "jamba", "mamba-codestral": "mamba2",
}  # fmt: skip


def names() -> tuple[str, ...]:
    """Every preset, families together."""
    return tuple(_TABLE)


def named_like(text: str) -> str | None:
    """The preset that a published model's name speaks of, the longest such name; None for none.

    >>> named_like("RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic"), named_like("another-model")
    ('llama-3.3-70b', None)
    """
    said = text.lower().replace("_", "-")
    return max((name for name in _TABLE if name in said), key=len, default=None)


@cache
def preset(name: str) -> Geometry:
    """The model of that name.

    >>> preset("llama-3.1-8b").groups[0].says()
    '32 full layers, 8 x (128+128)'
    """
    if name not in _TABLE:
        raise InvalidInput("model", f"one of {', '.join(_TABLE)}", name)
    title, groups, heads, hidden, context, parameters, source = _TABLE[name]
    layers = sum(group.layers for group in groups if group.kind != "indexer")
    family = next((family for beginning, family in _FAMILIES.items() if name.startswith(beginning)), "")
    weights = of_preset(name, hidden, parameters)
    return Geometry(title, groups, context, heads, hidden, layers, source, family, checkpoint=weights)
