"""A model's config.json to a Geometry; every key that was not read is named.

No layer type is guessed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lm_core.errors import InvalidInput, whole_number
from lm_core.kv_sizing.geometry import Geometry, LayerGroup
from lm_core.kv_sizing.model_import import states, strict_json
from lm_core.kv_sizing.model_import.patterns import layer_kinds
from lm_core.kv_sizing.model_import.reader import ABSURD, MOST_LAYERS, Reader

# What some published files leave to the class that reads them (transformers' defaults for that family).
_DEFAULTS: dict[str, dict[str, Any]] = {
    "gemma3_text": {"num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256},
    "gemma3n_text": {"num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 256},
    "gemma2": {"head_dim": 256},
    "gemma": {"head_dim": 256},
}
_INNER = ("text_config", "llm_config", "language_config", "thinker_config")
_LAYERS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers", "num_decoder_layers", "decoder_layers")
_HEADS = ("num_attention_heads", "n_head", "num_heads", "n_heads", "decoder_attention_heads")
_HIDDEN = ("hidden_size", "n_embd", "d_model", "dim")
_CONTEXT = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "max_sequence_length", "n_ctx")
_WINDOW = ("sliding_window", "attention_window_size", "window_size")
_NO_STORE = ("mlp", "moe", "-", "no_op", "none")


def from_text(text: str | bytes, name: str = "imported model") -> Geometry:
    """A pasted or uploaded config.json.

    >>> pasted = '{"num_hidden_layers": 12, "num_attention_heads": 12, "hidden_size": 768}'
    >>> from_text(pasted).groups[0].says()
    '12 full layers, 12 x (64+64)'
    """
    return from_config(strict_json.read(text), name)


def from_config(config: object, name: str = "imported model") -> Geometry:
    """The same from parsed JSON. A layer type that is not known becomes a group of kind "unknown"."""
    if not isinstance(config, Mapping):
        raise InvalidInput("config", "a JSON object, such as a model's config.json", config)
    outer: Mapping[str, Any] = config
    config = _language_part(outer)
    family = config.get("model_type") or outer.get("model_type") or ""  # None where a file leaves it out
    if not isinstance(family, str):
        raise InvalidInput("model_type", "text", family)
    _decodes(outer)
    reader = Reader(config, _DEFAULTS.get(family))
    reader.get("model_type")
    plan = _Plan(reader, family)
    groups = plan.groups()
    title = outer.get("_name_or_path") or (family if name == "imported model" else name)
    return Geometry(
        str(title or name)[:200], groups, reader.number(*_CONTEXT, high=1 << 40) or 0, 0, plan.heads, plan.hidden,
        plan.layers, "config.json", reader.unread(), tuple(dict.fromkeys((*reader.notes, *plan.notes))),
    )  # fmt: skip


def _language_part(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part that describes the language model, where a file describes several."""
    for _ in range(4):
        inner = next((config[key] for key in _INNER if isinstance(config.get(key), Mapping)), None)
        if inner is None:
            break
        config = inner
    return config


def _decodes(config: Mapping[str, Any]) -> None:
    names = config.get("architectures")
    if isinstance(names, list) and names and all(str(name).endswith("ForMaskedLM") for name in names):
        raise InvalidInput("architectures", "a model that generates; an encoder keeps no KV cache", names[0])


class _Plan:
    """What each layer of one config stores."""

    def __init__(self, config: Reader, family: str) -> None:
        self.config, self.family = config, family
        self.notes: list[str] = []
        self.layers = self._count()
        self.hidden = config.number(*_HIDDEN) or 0
        self.heads = config.number(*_HEADS) or 0

    def _count(self) -> int:
        """How many layers there are: stated, or as many as a list names."""
        found = self.config.number(*_LAYERS, high=MOST_LAYERS)
        if found is None:
            lists = (self.config.list("layer_types"), self.config.list("layers_block_type"))
            found = next((len(names) for names in lists if names), None)
        return found or self.config.needed(*_LAYERS)

    def groups(self) -> tuple[LayerGroup, ...]:
        """One group for each distinct kind of layer, in the order they first occur."""
        if blocks := self.config.list("block_configs", self.layers):
            return self._counted([self._block(block) for block in blocks])
        kinds = layer_kinds(self.config, self.family, self.layers)
        kept = self.layers - (self.config.number("num_kv_shared_layers", low=0) or 0)
        if kept < 1:
            raise InvalidInput("num_kv_shared_layers", f"below the {self.layers} layers", self.layers - kept)
        if kept < self.layers:
            self.notes.append(f"The last {self.layers - kept} of {self.layers} layers read the cache of others.")
        layers = [self._layer(kind, index) for index, kind in enumerate(kinds[:kept])]
        groups = list(self._counted(layers))
        if (share := self.config.number("cla_share_factor")) and share > 1:
            self.notes.append(f"{share} neighbouring layers share one cache.")
            groups = [replace(group, layers=-(-group.layers // share)) for group in groups]
        return (*groups, *self._indexer(), *self._cross())

    def _counted(self, layers: list[list[LayerGroup]]) -> tuple[LayerGroup, ...]:
        counts = Counter(group for layer in layers for group in layer)
        if not counts:
            raise InvalidInput("config", "a model with at least one layer that keeps something", "none")
        return tuple(replace(group, layers=many) for group, many in counts.items())

    def _layer(self, kind: str, index: int) -> list[LayerGroup]:
        if kind in _NO_STORE:
            return []
        if kind == "hybrid":  # attention and Mamba side by side in one layer
            return [*self._layer("full_attention", index), *self._layer("mamba", index)]
        if kind == "kda":
            part = self.config.part("linear_attn_config")
            return [states.kimi_delta(part)] if part else []
        minimax = kind == "linear_attention" and self.family.startswith("minimax")
        if kind == "lightning" or minimax:
            return [states.lightning(self._heads(), self._head_dim())]
        if found := states.of(kind, self.config, self.hidden):
            return [found]
        if kind in ("full_attention", "attention", "indexed_attention", "global", "*"):
            return [self._attention(index)]
        if kind in ("sliding_attention", "chunked_attention", "local"):
            return [self._windowed("chunked" if kind.startswith("chunked") else "sliding", index)]
        return [self._unknown(kind, index)]

    def _unknown(self, kind: str, index: int) -> LayerGroup:
        """A row to be assigned, with the heads, widths and window that the file states for its attention layers."""
        row = LayerGroup("unknown", 1, label=kind[:200])
        if self.config.get(*_HEADS) is None:
            return row
        like, window = self._attention(index), self.config.number(*_WINDOW) or 0
        return replace(row, kv_heads=like.kv_heads, k_dim=like.k_dim, v_dim=like.v_dim, window=window)

    def _attention(self, index: int) -> LayerGroup:
        rank = self.config.number("kv_lora_rank")
        if rank:
            return LayerGroup("latent", 1, 1, rank, self.config.needed("qk_rope_head_dim"))
        dim, heads = self._own("head_dim", index), self._own("num_key_value_heads", index)
        if dim is None and (dim := self.config.number("global_head_dim")):
            heads = heads or self.config.number("num_global_key_value_heads")
        value = dim or self.config.number("v_head_dim")
        dim = dim or self._head_dim()
        return LayerGroup("full", 1, heads or self._kv_heads(index), dim, value or dim)

    def _own(self, key: str, index: int) -> int | None:
        """What one layer overrides, where a file has `per_layer_config`."""
        every = self.config.part("per_layer_config")
        own = every and (every.part(f"{index:02d}") or every.part(str(index)))
        return own.number(key) if own else None

    def _windowed(self, kind: str, index: int) -> LayerGroup:
        window = self.config.needed(*(("attention_chunk_size",) if kind == "chunked" else _WINDOW))
        heads = self.config.number("swa_num_key_value_heads") or self._kv_heads(index)
        dim = self.config.number("swa_head_dim") or self._head_dim()
        return LayerGroup(kind, 1, heads, dim, self.config.number("swa_v_head_dim", "v_head_dim") or dim, window)

    def _heads(self) -> int:
        return self.config.needed(*_HEADS)

    def _head_dim(self) -> int:
        if found := self.config.number("head_dim", "attention_head_dim", "kv_channels", "d_kv"):
            return found
        hidden, heads = self.config.needed(*_HIDDEN), self._heads()
        if hidden % heads:
            raise InvalidInput("head_dim", f"given where {heads} heads do not divide hidden_size {hidden}", "absent")
        return hidden // heads

    def _kv_heads(self, index: int) -> int:
        config = self.config
        inner = config.part("attn_config")
        value = config.get("num_key_value_heads", "n_head_kv", "n_kv_heads", "num_kv_heads")
        if isinstance(value, list):
            config.list(config.name("num_key_value_heads", "n_head_kv", "n_kv_heads", "num_kv_heads"), self.layers)
            value = value[index]
        if self.family == "falcon":
            value = self._falcon(value)
        if value is None and inner:
            value = inner.get("kv_n_heads")
        if value is None and config.flag("multi_query_attention"):
            value = config.get("multi_query_group_num")
        if value is None and config.flag("multi_query"):
            value = 1
        return self._heads() if value is None else whole_number("num_key_value_heads", value, 1, ABSURD)

    def _falcon(self, value: Any) -> Any:
        """Falcon's files state a number of KV heads that only the new architecture uses."""
        if self.config.flag("new_decoder_architecture"):
            return value
        return 1 if self.config.flag("multi_query") is not False else None

    def _block(self, block: object) -> list[LayerGroup]:
        """A layer of a network found by search: its own number of query heads per KV head, or none at all."""
        attention = block.get("attention") if isinstance(block, Mapping) else None
        if not isinstance(attention, Mapping):
            raise InvalidInput("block_configs", "objects with `attention`", block)
        if attention.get("no_op") or attention.get("replace_with_linear"):
            return []
        each = whole_number("n_heads_in_group", attention.get("n_heads_in_group"), 1, ABSURD)
        if self._heads() % each:
            raise InvalidInput("n_heads_in_group", f"a divisor of {self._heads()} heads", each)
        return [LayerGroup("full", 1, self._heads() // each, self._head_dim(), self._head_dim())]

    def _indexer(self) -> list[LayerGroup]:
        dim = self.config.number("index_head_dim")
        if not dim:
            return []
        types = self.config.list("indexer_types", self.layers)
        layers = sum(kind == "full" for kind in types) if types else self.layers
        return [LayerGroup("indexer", layers, 1, dim)]

    def _cross(self) -> list[LayerGroup]:
        if not self.config.flag("is_encoder_decoder"):
            return []
        dim, length = self._head_dim(), self.config.number("max_source_positions")
        if length is None:
            return [LayerGroup("unknown", self.layers, label="cross-attention to an encoder of unknown length")]
        return [LayerGroup("cross", self.layers, self._heads(), dim, dim, length)]
