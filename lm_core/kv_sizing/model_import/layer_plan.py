"""What each layer of one config stores, put together to groups."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lm_core.errors import InvalidInput, whole_number
from lm_core.kv_sizing.geometry import Assumption
from lm_core.kv_sizing.layer_group import LayerGroup
from lm_core.kv_sizing.model_import import layer_names as kinds
from lm_core.kv_sizing.model_import import sparse_attention, states
from lm_core.kv_sizing.model_import.attention import DECODER_HEADS, HEADS, HIDDEN, KV_HEADS, Attention
from lm_core.kv_sizing.model_import.cross_attention import encoder_positions, image_positions
from lm_core.kv_sizing.model_import.patterns import layer_kinds
from lm_core.kv_sizing.model_import.reader import MOST_LAYERS, Reader
from lm_core.kv_sizing.model_import.windows import has_window, settings_explained

_LAYERS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers", "num_blocks", "num_transformer_layers")
_DECODER_LAYERS = ("decoder_layers", "num_decoder_layers", "decoder_num_hidden_layers", "n_decoder_layers")
_ENCODER = re.compile(r"^(num_)?encoder_|^num_encoder|^n_encoder")
_DRAFTS = re.compile(
    r"^(num|n)_(mtp|nextn)(_predict)?_?(layers|modules)?$|^mtp_(num_(hidden_)?layers|transformer_layers)$"
)
_PASSES = ("total_ut_steps",)


class Plan:
    """The layers of one config. `outer` is the whole file, which may describe an encoder or images beside it."""

    def __init__(self, config: Reader, family: str, outer: Mapping[str, Any]) -> None:
        self.config, self.family, self.outer = config, family, outer
        self.notes: list[str] = []
        self.assumptions: list[Assumption] = []
        self.not_understood: list[str] = []
        self.encoded = bool(config.flag("is_encoder_decoder") or outer.get("is_encoder_decoder"))
        self.drafts = self._draft_layers()
        self.layers = self._count()
        self.hidden = config.number(*HIDDEN) or 0
        self.attention = Attention(config, family, self.layers, self.encoded)
        names = (*DECODER_HEADS, *HEADS) if self.encoded else HEADS
        self.heads = 0 if isinstance(config.get(*names), list) else config.number(*names) or 0

    def _draft_layers(self) -> int:
        """Layers that only speculative decoding keeps."""
        found = 0
        for key in [key for key in self.config if _DRAFTS.match(key)]:
            found = max(found, self.config.number(key, low=0) or 0)
        if found:
            many, them = ("layer is", "it") if found == 1 else ("layers are", "them")
            self.config.explain("use_mtp")
            self.notes.append(f"{found} draft {many} not counted: only speculative decoding keeps {them}.")
        return found

    def _count(self) -> int:
        """How many layers there are: stated, or as many as a list names; of a decoder where there is an encoder."""
        config = self.config
        if self.encoded:
            config.explain(*[key for key in config if _ENCODER.match(key)])
            found = config.number(*_DECODER_LAYERS, high=MOST_LAYERS)
            if found is not None:
                config.explain(*_LAYERS)
                return found
        names = _LAYERS if self.encoded else (*_LAYERS, *_DECODER_LAYERS)
        found = config.number(*names, high=MOST_LAYERS)
        if found is None:
            lists = (config.list("layer_types"), config.list("layers_block_type"))
            found = next((len(each) for each in lists if each), None)
        found = found or config.needed(*names)
        if self.family.startswith("longcat_flash") and config.peek("num_hidden_layers") is None:
            self.notes.append(f"Each of the {found} layers holds two attentions.")
            return 2 * found
        return found

    def groups(self) -> tuple[LayerGroup, ...]:
        """One group for each distinct kind of layer, in the order they first occur."""
        if blocks := self.config.list("block_configs", self.layers):
            searched = _counted([self.attention.block(block) for block in blocks])
            self.not_understood += self.attention.not_understood
            return searched
        names = sparse_attention.compressed_kinds(self.config, self.layers, self.drafts)
        names = names or self._kinds()
        if kinds.ATTENTION in names or kinds.SLIDING in names:
            self._settle_windows(names)
        settings_explained(self.config)
        kept = self.layers - (self.config.number("num_kv_shared_layers", low=0) or 0)
        if kept < 1:
            raise InvalidInput("num_kv_shared_layers", f"below the {self.layers} layers", self.layers - kept)
        if kept < self.layers:
            self.notes.append(f"The last {self.layers - kept} of {self.layers} layers read the cache of others.")
        stored = self._sources(kept)
        groups = [*_counted([self._layer(name, index) for index, name in enumerate(names[:kept]) if stored[index]])]
        groups = self._passes(self._shared(groups))
        groups += [*sparse_attention.index_keys(self.config, names), *self._cross()]
        found = {group.kind for group in groups}
        if not found & {"state", "unknown"} and self.config.peek("layer_types") is not None:
            self.config.explain(*states.SIZES)
        if not found & {"full", "sliding", "chunked", "cross", "unknown"}:
            self.config.explain(*KV_HEADS)
        self.assumptions += sparse_attention.pooling_assumption(groups)
        if kinds.COMPRESSED in names or kinds.POOLED in names:
            self.assumptions.append(sparse_attention.unfinished_rows(self.config.needed("sliding_window")))
        return tuple(groups)

    def _kinds(self) -> list[str]:
        """The kind of each layer; unassigned for families that keep something else than attention does."""
        if self.family in ("retnet", "hyena", "stripedhyena", "stripedhyena2"):
            return [self.family] * self.layers
        return layer_kinds(self.config, self.family, self.layers, self.drafts)

    def _passes(self, groups: list[LayerGroup]) -> list[LayerGroup]:
        """A model that goes through its layers several times keeps each pass apart (Ouro)."""
        passes = self.config.number(*_PASSES) or 1
        if passes == 1:
            return groups
        self.notes.append(f"The layers are gone through {passes} times, and each pass is kept.")
        return [replace(group, layers=passes * group.layers) for group in groups]

    def _sources(self, kept: int) -> list[bool]:
        """Which layers keep a cache of their own, where a file names the layer that each reads (Mistral Large 4)."""
        sources = self.config.list("kv_source_layers", self.layers)
        if sources is None:
            return [True] * kept
        own = [whole_number("kv_source_layers", source, 0, self.layers - 1) == i for i, source in enumerate(sources)]
        if not all(own):
            self.notes.append(f"{own.count(False)} of {self.layers} layers read the cache of others.")
        return own[:kept]

    def _settle_windows(self, names: list[str]) -> None:
        """Layers that a file calls attention and no more have its window, where it states one."""
        windowed = kinds.SLIDING not in names and has_window(self.config)
        names[:] = [(kinds.SLIDING if windowed else kinds.FULL) if each == kinds.ATTENTION else each for each in names]

    def _shared(self, groups: list[LayerGroup]) -> list[LayerGroup]:
        """Neighbours that share one cache (CLA), where the file has not switched that off."""
        on, share = self.config.flag("use_cla"), self.config.number("cla_share_factor")
        if not share or share == 1 or on is False:
            return groups
        self.notes.append(f"{share} neighbouring layers share one cache.")
        shared = [replace(group, layers=-(-group.layers // share)) for group in groups]
        if on is None:
            says = "cla_share_factor is taken to be in force: its switch, use_cla, is not in the file."
            self.assumptions.append(Assumption(says, tuple(groups)))
        return shared

    def _layer(self, kind: str, index: int) -> list[LayerGroup]:
        attention, config = self.attention, self.config
        if kind == kinds.NOTHING:
            return []
        if kind == kinds.BESIDE:
            if not config.speaks_of("mamba", "ssm", "n_mamba"):
                return [attention.unknown("hybrid", index)]
            return [*self._layer(kinds.FULL, index), *self._layer(kinds.MAMBA, index)]
        if kind == kinds.CROSS:
            return [attention.cross(index, self._image())]
        if kind in (kinds.COMPRESSED, kinds.POOLED) or (kind == kinds.SLIDING and self._is_compressed()):
            return sparse_attention.compressed(config, kind, config.needed("sliding_window"), attention.head_dim())
        if kind in (kinds.FULL, kinds.SPARSE):
            config.explain("no_rope_layers", "attention_types")
            return [attention.full(index)]
        if kind in (kinds.SLIDING, kinds.CHUNKED):
            return [attention.windowed(kind, index)]
        return [self._sized(kind) or attention.unknown(kind, index)]

    def _sized(self, kind: str) -> LayerGroup | None:
        """A state, or None for one whose sizes the file does not give: a row to be assigned, no refusal."""
        try:
            return self._state(kind)
        except InvalidInput as fault:
            if fault.value == "absent":
                return None
            raise

    def _state(self, kind: str) -> LayerGroup | None:
        config = self.config
        if kind == kinds.KDA:
            part = config.part("linear_attn_config")
            return states.kimi_delta(part) if part else None
        config.explain("block_size") if kind in (kinds.LIGHTNING, kinds.LINEAR) else None
        if kind == kinds.LIGHTNING or (kind == kinds.LINEAR and self.family.startswith("minimax")):
            return states.lightning(self.attention.heads(), self.attention.head_dim())
        if kind == "rwkv":
            return states.rwkv(config, self.family, self.hidden)
        if kind == "xlstm":
            return states.xlstm(config, self.hidden)
        return states.of(kind, config, self.hidden)

    def _is_compressed(self) -> bool:
        return self.config.peek("compress_ratios") is not None or self.config.peek("compress_rates") is not None

    def _image(self) -> int:
        """How many positions of an image the cross-attention layers keep."""
        positions, says = image_positions(self.outer)
        self._assume(Assumption(says))
        return positions

    def _cross(self) -> list[LayerGroup]:
        """Beside every layer of a decoder that reads an encoder: the keys and values of that."""
        if not self.encoded:
            return []
        positions, says = encoder_positions(self.config, self.outer)
        if positions is None:
            return [LayerGroup("unknown", self.layers, label="cross-attention to an encoder of unknown length")]
        if says:
            self._assume(Assumption(says))
        return [replace(self.attention.cross(0, positions), layers=self.layers)]

    def _assume(self, assumption: Assumption) -> None:
        if assumption not in self.assumptions:
            self.assumptions.append(assumption)


def _counted(layers: list[list[LayerGroup]]) -> tuple[LayerGroup, ...]:
    counts = Counter(group for layer in layers for group in layer)
    if not counts:
        raise InvalidInput("config", "a model with at least one layer that keeps something", "none")
    return tuple(replace(group, layers=many) for group, many in counts.items())
