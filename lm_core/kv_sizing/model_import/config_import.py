"""A model's config.json to a Geometry, with what was assumed and what was not understood.

No layer type is guessed, and no key that may have a bearing on the cache is passed over in silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lm_core.errors import InvalidInput
from lm_core.kv_sizing.geometry import Assumption, Geometry
from lm_core.kv_sizing.model_import import decoder_part, strict_json
from lm_core.kv_sizing.model_import.attention import DECODER_HEADS, HEADS, KV_HEADS
from lm_core.kv_sizing.model_import.key_review import review
from lm_core.kv_sizing.model_import.layer_plan import Plan
from lm_core.kv_sizing.model_import.reader import Reader
from lm_core.kv_sizing.model_import.windows import WINDOW

# What some published files leave to the class that reads them (transformers' defaults for that family).
_DEFAULTS: dict[str, dict[str, Any]] = {
    "gemma3_text": {"num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256},
    "gemma3n_text": {"num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 256},
    "gemma2": {"head_dim": 256},
    "gemma": {"head_dim": 256},
}
_CONTEXT = (
    "max_position_embeddings", "max_target_positions", "n_positions", "max_seq_len", "seq_length",
    "max_sequence_length", "n_ctx", "context_length", "max_decoder_position_embeddings",
)  # fmt: skip
_COUNTS = {*KV_HEADS, *HEADS, *DECODER_HEADS, *WINDOW, "num_hidden_layers", "num_layers", "n_layer", "n_layers"}


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
    _decodes(outer)
    path, config = decoder_part.of(outer)
    family = config.get("model_type") or outer.get("model_type") or ""  # None where a file leaves it out
    if not isinstance(family, str):
        raise InvalidInput("model_type", "text", family)
    reader = Reader(config, _DEFAULTS.get(family))
    reader.explain("model_type")
    plan = Plan(reader, family, outer)
    groups = plan.groups()
    context = reader.number(*_CONTEXT, high=1 << 40) or 0
    title = outer.get("_name_or_path") or (family if name == "imported model" else name)
    known = {*path, *config, "model_type", "is_encoder_decoder"}  # the decoder's own values count
    outside = [] if config is outer else [pair for pair in outer.items() if pair[0] not in known]
    unread, not_understood = review((*reader.leftover(), *outside), plan.layers)
    geometry = Geometry(
        str(title or name)[:200], groups, context, 0, plan.heads, plan.hidden, plan.layers, "config.json", family[:80],
        unread, not_understood, tuple(plan.assumptions), tuple(dict.fromkeys((*reader.notes, *plan.notes))),
    )  # fmt: skip
    count = {names: values for names, values in reader.contradictions.items() if _COUNTS & set(names)}
    return geometry, count


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


def _decodes(config: Mapping[str, Any]) -> None:
    names = config.get("architectures")
    if isinstance(names, list) and names and all(str(name).endswith("ForMaskedLM") for name in names):
        raise InvalidInput("architectures", "a model that generates; an encoder keeps no KV cache", names[0])
