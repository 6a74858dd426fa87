"""Which layers have a sliding window, where a file states the window and a rule instead of the layers."""

from __future__ import annotations

import re

from lm_core.errors import whole_number
from lm_core.kv_sizing.model_import.layer_names import CHUNKED, FULL, SLIDING, letter
from lm_core.kv_sizing.model_import.reader import Reader

WINDOW = (
    "sliding_window", "attention_window_size", "window_size", "sliding_window_size", "swa_window_size",
    "attention_window", "local_attention_window", "local_window_size", "attn_window_size", "window",
)  # fmt: skip
_SETTINGS = ("use_sliding_window", "max_window_layers", "sliding_window_pattern", "_sliding_window_pattern")
_SWITCH = re.compile(
    r"^(use|enable|enabled|with)_(sliding_window|sliding|swa|window|window_attention|local_attention)$"
)
_OFF_AT_FIRST = ("qwen", "smollm3")  # their classes have the switch, and start with it off
# One full layer in so many, where the family's class says so and not the file.
_PERIODS = {"gemma2": 2, "gemma3_text": 6, "gemma3": 6, "cohere2": 4, "gpt_oss": 2, "gemma3n_text": 5, "exaone4": 4}


def windowed_layers(config: Reader, family: str, layers: int) -> list[str]:
    """One name per layer: a period, a string of letters, a first layer, or all layers."""
    if family.startswith("llama4") and config.number("attention_chunk_size"):
        flags = config.list("no_rope_layers", layers) if config.peek("no_rope_layers") else None
        every = config.number("no_rope_layer_interval") or 4
        return [CHUNKED if (flags[i] if flags else (i + 1) % every) else FULL for i in range(layers)]
    used = _switch(config)
    off = used is False or (used is None and family.startswith(_OFF_AT_FIRST))
    if off or not _stated(config):
        config.explain(*_SETTINGS, "sliding_window")
        return [FULL] * layers
    pattern = config.get("sliding_window_pattern", "_sliding_window_pattern", "window_pattern")
    if isinstance(pattern, str):
        return _lettered(pattern[:200], layers)
    period = _PERIODS.get(family) if pattern is None else whole_number("sliding_window_pattern", pattern, 1, layers)
    if period:
        return [SLIDING if (i + 1) % period else FULL for i in range(layers)]
    first = config.number("max_window_layers", low=0) or 0
    if family == "qwen2_moe":  # below the first layers with a window throughout, every second one
        return [SLIDING if i < first and (i + 1) % 2 else FULL for i in range(layers)]
    return [SLIDING if i >= first else FULL for i in range(layers)]


def _switch(config: Reader) -> bool | None:
    """Whether the file says that windows are used, by any name; None where it does not say."""
    named = [key for key in (*config, "use_sliding_window") if _SWITCH.match(key)]
    flags = [config.flag(key) for key in dict.fromkeys(named)]
    return next((flag for flag in flags if flag is not None), None)


def _stated(config: Reader) -> bool:
    """Whether the file states a window; 0 and -1 say that there is none."""
    return config.get(*WINDOW) not in (None, 0, -1)


def _lettered(pattern: str, layers: int) -> list[str]:
    """Letters that repeat: L and G are local and global, S and L short and long.

    >>> _lettered("LLG", 4), _lettered("SSL", 3)
    (['sliding', 'sliding', 'full', 'sliding'], ['sliding', 'sliding', 'full'])
    """
    long = {"S", "L"} <= set(pattern.upper())
    names = [FULL if long and each.upper() == "L" else letter(each) for each in pattern] or [FULL]
    return [names[i % len(names)] for i in range(layers)]


def has_window(config: Reader) -> bool:
    """Whether the file states a window that is switched on."""
    return _switch(config) is not False and _stated(config)


def settings_explained(config: Reader) -> None:
    """Where the file names the kind of each layer, rules for windows have nothing left to say."""
    config.explain(*_SETTINGS, "sliding_window")
    half, whole = config.peek("sliding_window"), config.peek("local_attention")
    if type(half) is int and whole == 2 * half:
        config.explain("local_attention")  # ModernBERT's: both sides of the same window
