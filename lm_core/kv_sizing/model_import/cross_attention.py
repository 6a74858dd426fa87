"""How many positions cross-attention keeps: of an encoder's input, or of an image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lm_core.errors import whole_number
from lm_core.kv_sizing.model_import.decoder_part import encoder_of
from lm_core.kv_sizing.model_import.reader import ABSURD, Reader

_TILES, _IMAGE, _PATCH = 4, 560, 14  # Llama 3.2 Vision as published


def encoder_positions(config: Reader, outer: Mapping[str, Any]) -> tuple[int | None, str]:
    """Positions of the encoder, None where no file says; and the sentence that this rests on, "" for none.

    Whisper states the positions behind its convolutions; Speech2Text states frames, which each of its
    `num_conv_layers` convolutions halves.
    """
    found = config.number("max_source_positions")
    if found is not None:
        config.explain("conv_kernel_sizes", "conv_channels", "input_channels", "input_feat_per_channel")
        halvings = config.number("num_conv_layers", low=0, high=8) or 0
        return -(-found // 2**halvings), ""
    inside = encoder_of(outer)
    longest = inside.get("max_source_positions") or inside.get("max_position_embeddings")
    if longest is None and config.peek("max_encoder_position_embeddings") is not None:
        longest = config.get("max_encoder_position_embeddings")
    if longest is None and config.peek("max_position_embeddings") is not None and not inside:
        longest = config.peek("max_position_embeddings")
    if longest is None:
        return None, ""
    positions = whole_number("max_position_embeddings", longest, 1, ABSURD)
    return positions, f"The encoder's text is taken to be as long as it may be: {positions:,} tokens."


def image_positions(outer: Mapping[str, Any]) -> tuple[int, str]:
    """Positions of one image: tiles x (patches + 1), by the file's vision_config or as Llama 3.2 Vision has them.

    >>> image_positions({})[0]
    6404
    """
    vision = outer.get("vision_config")
    stated: Mapping[str, Any] = vision if isinstance(vision, Mapping) else {}
    tiles, image, patch = (
        whole_number(key, stated.get(key) or usual, 1, 65_536)
        for key, usual in (("max_num_tiles", _TILES), ("image_size", _IMAGE), ("patch_size", _PATCH))
    )
    positions = tiles * ((image // patch) ** 2 + 1)
    source = "" if stated else ", as in Llama 3.2 Vision"
    each = f"{tiles} tiles of {(image // patch) ** 2 + 1:,} positions{source}"
    return positions, f"Cross-attention layers keep one image: {each}. A text without an image takes less."
