"""Which layers have a sliding window, where a file states the window and a rule instead of the layers."""

from __future__ import annotations

from lm_core.errors import whole_number
from lm_core.kv_sizing.model_import.layer_names import CHUNKED, FULL, SLIDING, letter
from lm_core.kv_sizing.model_import.reader import Reader

WINDOW = (
    "sliding_window", "attention_window_size", "window_size", "sliding_window_size", "swa_window_size",
    "attention_window", "local_attention_window", "local_window_size", "attn_window_size", "window",
)  # fmt: skip
_SETTINGS = ("use_sliding_window", "max_window_layers", "sliding_window_pattern", "_sliding_window_pattern")
# One full layer in so many, where the family's class says so and not the file.
_PERIODS = {"gemma2": 2, "gemma3_text": 6, "gemma3": 6, "cohere2": 4, "gpt_oss": 2, "gemma3n_text": 5, "exaone4": 4}


def windowed_layers(config: Reader, family: str, layers: int) -> list[str]:
    """One name per layer: a period, a string of letters, a first layer, or all layers."""
    chunk = config.number("attention_chunk_size")
    if chunk and family.startswith("llama4"):
        flags = config.list("no_rope_layers", layers)
        every = config.number("no_rope_layer_interval") or 4
        return [CHUNKED if (flags[i] if flags else (i + 1) % every) else FULL for i in range(layers)]
    used = config.flag("use_sliding_window")
    off = used is False or (used is None and family.startswith("qwen"))  # these have the flag, and start with it off
    if off or config.get(*WINDOW) is None:
        config.explain(*_SETTINGS, "sliding_window")
        return [FULL] * layers
    pattern = config.get("sliding_window_pattern", "_sliding_window_pattern", "window_pattern")
    if isinstance(pattern, str):
        return _lettered(pattern[:200], layers)
    period = _PERIODS.get(family) if pattern is None else whole_number("sliding_window_pattern", pattern, 1, layers)
    if period:
        return [SLIDING if (i + 1) % period else FULL for i in range(layers)]
    if used and family.startswith("qwen"):
        first = config.number("max_window_layers", low=0) or 0
        return [SLIDING if i >= first else FULL for i in range(layers)]
    config.explain("max_window_layers")
    return [SLIDING] * layers


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
    return config.flag("use_sliding_window") is not False and bool(config.get(*WINDOW))


def settings_explained(config: Reader) -> None:
    """Where the file names the kind of each layer, rules for windows have nothing left to say."""
    config.explain(*_SETTINGS, "sliding_window")
    half, whole = config.peek("sliding_window"), config.peek("local_attention")
    if type(half) is int and whole == 2 * half:
        config.explain("local_attention")  # ModernBERT's: both sides of the same window
