"""The part of a config that describes the decoder, where a file describes several models or both halves of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_PARTS = ("text_config", "llm_config", "language_config", "thinker_config", "decoder_config", "decoder", "text_model")
_LAYERS = ("num_hidden_layers", "num_layers", "n_layer", "n_layers", "decoder_layers", "layer_types", "block_configs")


def of(config: Mapping[str, Any]) -> tuple[tuple[str, ...], Mapping[str, Any]]:
    """The names that lead to it, and the part; the whole file where there is none inside.

    >>> of({"text_config": {"num_hidden_layers": 2}, "vision_config": {}})
    (('text_config',), {'num_hidden_layers': 2})
    """
    path: list[str] = []
    for _ in range(4):
        key = next((key for key in _PARTS if _is_model(config.get(key))), None)
        if key is None:
            break
        path.append(key)
        config = config[key]
    return tuple(path), config


def _is_model(part: object) -> bool:
    return isinstance(part, Mapping) and any(key in part for key in (*_LAYERS, *_PARTS, "model_type"))


def encoder_of(outer: Mapping[str, Any]) -> Mapping[str, Any]:
    """The encoder beside a decoder, or nothing."""
    for key in ("encoder", "encoder_config", "audio_config"):
        part = outer.get(key)
        if isinstance(part, Mapping):
            inner = part.get("text_config")
            return inner if isinstance(inner, Mapping) else part
    return {}
