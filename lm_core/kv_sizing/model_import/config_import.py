"""A model's config.json to a Geometry, with what was assumed and what was not understood.

No layer type is guessed, and no key that may have a bearing on the cache is passed over in silence.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from lm_core.errors import InvalidInput
from lm_core.kv_sizing.geometry import Assumption, Geometry
from lm_core.kv_sizing.model_import import decoder_part, strict_json
from lm_core.kv_sizing.model_import.attention import DECODER_HEADS, HEADS, KV_HEADS, WIDTH
from lm_core.kv_sizing.model_import.checkpoint_dtypes import checkpoint_dtypes
from lm_core.kv_sizing.model_import.key_review import review
from lm_core.kv_sizing.model_import.layer_plan import Plan
from lm_core.kv_sizing.model_import.reader import Reader
from lm_core.kv_sizing.model_import.windows import WINDOW
from lm_core.kv_sizing.weights.parameter_count import checkpoint

_CONTEXT = (
    "max_position_embeddings", "max_target_positions", "n_positions", "max_seq_len", "seq_length",
    "max_sequence_length", "n_ctx", "context_length", "max_decoder_position_embeddings",
)  # fmt: skip
# Spellings of one thing each: where two of them differ, the reader is told.
_SPELLINGS = (
    {*KV_HEADS}, {*HEADS, *DECODER_HEADS}, {*WINDOW}, {*WIDTH},
    {"num_hidden_layers", "num_layers", "n_layer", "n_layers"},
)  # fmt: skip
_COUNTS = set().union(*_SPELLINGS)


def from_text(text: str | bytes, name: str = "imported model") -> Geometry:
    """A pasted or uploaded config.json.

    >>> pasted = '{"num_hidden_layers": 12, "num_attention_heads": 12, "hidden_size": 768}'
    >>> from_text(pasted).groups[0].says()
    '12 full layers, 12 x (64+64)'
    """
    return from_config(strict_json.read(text), name)


def from_config(config: object, name: str = "imported model") -> Geometry:
    """The same from parsed JSON. A layer type that is not known becomes a group of kind "unknown".

    Keys that may have a bearing on the cache and were not understood are in `not_understood`: there is no total before
    they are.

    >>> from_config({"n_layer": 2, "n_head": 2, "n_embd": 64, "kv_share_every": 2}).not_understood
    ('kv_share_every',)
    """
    if not isinstance(config, Mapping):
        raise InvalidInput("config", "a JSON object, such as a model's config.json", config)
    found, contradictions = _read(config, name)
    doubts = tuple(_contradiction(config, name, names, values) for names, values in contradictions.items())
    return replace(found, assumptions=(*found.assumptions, *doubts))


def _read(outer: Mapping[str, Any], name: str) -> tuple[Geometry, dict[tuple[str, str], tuple[Any, Any]]]:
    """One reading of the file, and the spellings in it that contradict each other."""
    path, config = decoder_part.of(outer)
    _decodes(outer, config)
    family = config.get("model_type") or outer.get("model_type") or ""  # None where a file leaves it out
    if not isinstance(family, str):
        raise InvalidInput("model_type", "text", family)
    reader = Reader(config, _class_defaults().get(family))
    reader.explain("model_type")
    plan = Plan(reader, family, outer)
    groups = plan.groups()
    context = reader.number(*_CONTEXT, high=1 << 40) or 0
    title = outer.get("_name_or_path") or (family if name == "imported model" else name)
    outside, differ = _outside(outer, path, config)
    unread, not_understood = review((*reader.leftover(), *outside), plan.layers)
    not_understood = tuple(dict.fromkeys((*plan.not_understood, *not_understood)))
    stored, also = checkpoint_dtypes(outer, config)
    geometry = Geometry(
        str(title or name)[:200], groups, context, plan.heads, plan.hidden, plan.layers, "config.json", family[:80],
        unread, not_understood, (*plan.assumptions, *differ), tuple(dict.fromkeys((*reader.notes, *plan.notes, *also))),
        stored,
    )  # fmt: skip
    count = {
        names: values
        for names, values in reader.contradictions.items()
        if any(set(names) <= same for same in _SPELLINGS)
    }
    return replace(geometry, checkpoint=checkpoint(outer, geometry)), count


def _contradiction(config: Mapping[str, Any], name: str, names: tuple[str, str], values: tuple[Any, Any]) -> Assumption:
    """Two spellings of one thing that differ; what the other would make of the model, where it can be read."""
    says = f"{names[0]} is {str(values[0])[:40]}, {names[1]} is {str(values[1])[:40]}: the first counts."
    try:
        return Assumption(says, _read(_without(config, names[0]), name)[0].groups)
    except InvalidInput:
        return Assumption(says)


def _without(config: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The same file without a key, wherever in it that stands."""
    return {k: _without(v, key) if isinstance(v, Mapping) else v for k, v in config.items() if k != key}


@cache
def _class_defaults() -> dict[str, dict[str, Any]]:
    """By family, what its class takes where a file leaves a key out."""
    return tomllib.loads(Path(__file__).with_name("class_defaults.toml").read_text(encoding="utf-8"))


def _outside(
    outer: Mapping[str, Any], path: tuple[str, ...], config: Mapping[str, Any]
) -> tuple[list[tuple[str, Any]], list[Assumption]]:
    """Keys of the levels above the decoder's part, whose own values count; and counts in which they differ from it."""
    pairs: list[tuple[str, Any]] = []
    differ: list[Assumption] = []
    level, above = outer, ""
    for step in path:
        for key, value in level.items():
            if key in (step, "model_type", "is_encoder_decoder"):
                continue
            if key not in config:
                pairs.append((above + key, value))
            elif key in _COUNTS and value not in (None, config[key]):
                says = (
                    f"{above}{key} is {str(value)[:40]}, in the decoder's part {str(config[key])[:40]}, which counts."
                )
                differ.append(Assumption(says))
        level, above = level[step], f"{above}{step}."
    return pairs, differ


_ENCODERS = (
    "albert", "bert", "camembert", "clip_vision_model", "deberta", "deberta-v2", "distilbert", "electra",
    "eurobert", "megatron-bert", "modernbert", "mpnet", "nomic_bert", "roberta", "roberta-prelayernorm",
    "siglip_vision_model", "vit", "xlm-roberta", "xlm-roberta-xl",
)  # fmt: skip


def _decodes(outer: Mapping[str, Any], config: Mapping[str, Any]) -> None:
    names, family = outer.get("architectures"), config.get("model_type")
    masked = isinstance(names, list) and names and all(str(name).endswith("ForMaskedLM") for name in names)
    encoder = isinstance(family, str) and family in _ENCODERS and config.get("is_decoder") is not True
    both_ways = config.get("use_bidirectional_attention") is True and config is outer
    if masked or encoder or both_ways:
        named = names[0] if isinstance(names, list) and names else family
        raise InvalidInput("architectures", "a model that generates; an encoder keeps no KV cache", named)
