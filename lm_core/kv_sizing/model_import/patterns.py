"""The kind of each layer of a config, from the many ways in which model files spell their patterns.

A name that is not known is passed on as it is.
"""

from __future__ import annotations

from lm_core.errors import InvalidInput, whole_number
from lm_core.kv_sizing.model_import.reader import Reader

_LETTERS = {"M": "mamba", "*": "full_attention", "-": "mlp", "E": "moe"}


def layer_kinds(config: Reader, family: str, layers: int) -> list[str]:
    """One name per layer, in order."""
    for spelled in (_listed, _lettered, _linear_attention, _by_flags, _by_index, _by_period):
        found = spelled(config, layers)
        if found is not None:
            return found
    if family in ("mamba", "falcon_mamba"):
        return ["mamba"] * layers
    if family == "falcon_h1":
        return ["hybrid"] * layers
    if family == "mamba2":
        return ["mamba2"] * layers
    return _windows(config, family, layers)


def _listed(config: Reader, layers: int) -> list[str] | None:
    """A name for each layer, as newer files have it; some repeat a short pattern."""
    for key in ("layer_types", "layers_block_type"):
        names = config.list(key, layers)
        if names is not None:
            return [_name(key, name) for name in names]
    pattern = config.list("block_types")
    if pattern:
        names = [_name("block_types", name) for name in pattern]
        return [names[i % len(names)] for i in range(layers)]
    return None


def _name(key: str, name: object) -> str:
    if not isinstance(name, str) or not name or len(name) > 200:
        raise InvalidInput(key, "a list of names", name)
    return name


def _lettered(config: Reader, layers: int) -> list[str] | None:
    """A letter for each layer (Nemotron-H)."""
    pattern = config.get("hybrid_override_pattern")
    if pattern is None:
        return None
    if not isinstance(pattern, str) or len(pattern) != layers:
        raise InvalidInput("hybrid_override_pattern", f"{layers} letters", pattern)
    return [_LETTERS.get(letter, letter) for letter in pattern]


def _linear_attention(config: Reader, layers: int) -> list[str] | None:
    """Numbers of the layers that are linear, counted from 1 (Kimi-Linear)."""
    part = config.part("linear_attn_config")
    if part is None:
        return None
    full, linear = part.list("full_attn_layers") or [], part.list("kda_layers") or []
    kinds = ["unassigned"] * layers
    for name, numbers in (("full_attention", full), ("kda", linear)):
        for number in numbers:
            kinds[whole_number(name, number, 1, layers) - 1] = name
    return kinds


def _by_flags(config: Reader, layers: int) -> list[str] | None:
    """0 and 1 for each layer: MiMo-V2 (1 is sliding), MiniMax-Text (1 is full)."""
    for key, names in (
        ("hybrid_layer_pattern", ("full_attention", "sliding_attention")),
        ("attn_type_list", ("lightning", "full_attention")),
    ):
        flags = config.list(key, layers)
        if flags is not None:
            return [names[whole_number(key, flag, 0, 1)] for flag in flags]
    return None


def _by_index(config: Reader, layers: int) -> list[str] | None:
    """The numbers of the layers with attention, counted from 0: Bamba (others Mamba), LFM2 (others convolutions)."""
    for key, other in (("attn_layer_indices", "mamba"), ("full_attn_idxs", "conv")):
        numbers = config.list(key)
        if numbers is not None:
            full = {whole_number(key, number, 0, layers - 1) for number in numbers}
            return ["full_attention" if i in full else other for i in range(layers)]
    return None


def _by_period(config: Reader, layers: int) -> list[str] | None:
    """One full layer in so many, the others linear (Qwen3-Next) or Mamba (Jamba)."""
    every = config.number("full_attention_interval")
    if every:
        return ["linear_attention" if (i + 1) % every else "full_attention" for i in range(layers)]
    period = config.number("attn_layer_period")
    if period:
        offset = config.number("attn_layer_offset", low=0) or 0
        return ["full_attention" if i % period == offset else "mamba" for i in range(layers)]
    return None


def _windows(config: Reader, family: str, layers: int) -> list[str]:
    """Sliding windows by rule: a period, a string of letters, a first layer, or all layers."""
    chunk = config.number("attention_chunk_size")
    if chunk and family.startswith("llama4"):
        every = config.number("no_rope_layer_interval") or 4
        return ["chunked_attention" if (i + 1) % every else "full_attention" for i in range(layers)]
    if config.flag("use_sliding_window") is False or config.get("sliding_window") is None:
        return ["full_attention"] * layers
    pattern = config.get("sliding_window_pattern", "_sliding_window_pattern")
    if isinstance(pattern, str):
        letters = {"L": "sliding_attention", "G": "full_attention"}
        names = [letters.get(letter, letter) for letter in pattern[:200]] or ["full_attention"]
        return [names[i % len(names)] for i in range(layers)]
    defaults = {"gemma2": 2, "gemma3_text": 6, "gemma3": 6, "cohere2": 4, "gpt_oss": 2, "gemma3n_text": 5}
    period = defaults.get(family) if pattern is None else whole_number("sliding_window_pattern", pattern, 1, layers)
    if period:
        return ["sliding_attention" if (i + 1) % period else "full_attention" for i in range(layers)]
    if config.get("use_sliding_window") and family.startswith("qwen"):
        first = config.number("max_window_layers", low=0) or 0
        return ["sliding_attention" if i >= first else "full_attention" for i in range(layers)]
    return ["sliding_attention"] * layers
