"""Heads, widths and windows of a config's attention layers, and of cross-attention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lm_core.errors import InvalidInput, whole_number
from lm_core.kv_sizing.layer_group import LayerGroup
from lm_core.kv_sizing.model_import.reader import ABSURD, Reader
from lm_core.kv_sizing.model_import.windows import WINDOW

HEADS = ("num_attention_heads", "n_head", "num_heads", "n_heads", "num_query_heads", "attention_heads")
DECODER_HEADS = ("decoder_attention_heads", "decoder_num_attention_heads", "num_decoder_attention_heads")
HIDDEN = ("hidden_size", "n_embd", "d_model", "dim", "n_embed", "emb_dim")
KV_HEADS = (
    "num_key_value_heads", "n_head_kv", "n_kv_heads", "num_kv_heads", "n_kv_head", "kv_heads", "num_heads_kv",
    "num_query_groups", "num_attention_groups", "num_key_value_heads_per_layer",
)  # fmt: skip
WIDTH = (
    "head_dim", "attention_head_dim", "kv_channels", "d_kv", "hidden_size_per_head", "attention_head_size", "d_head",
    "head_size", "decoder_head_dim",
)  # fmt: skip


class Attention:
    """What the attention layers of one config keep. `decodes`: its decoder has keys of its own, as in Whisper."""

    def __init__(self, config: Reader, family: str, layers: int, decodes: bool = False) -> None:
        self.config, self.family, self.layers = config, family, layers
        self._head_names = (*DECODER_HEADS, *HEADS) if decodes else HEADS
        self._kv_names = ("decoder_num_key_value_heads", *KV_HEADS) if decodes else KV_HEADS
        self.stated = config.get(*self._head_names) is not None
        self.latent = config.peek("use_mla") is not False
        if not self.latent:
            config.explain("use_mla", "kv_lora_rank", "q_lora_rank")
        self.not_understood: list[str] = []

    def full(self, index: int) -> LayerGroup:
        """A layer that keeps every token: keys and values, or a latent."""
        rank = (self._own("kv_lora_rank", index) or self.config.number("kv_lora_rank")) if self.latent else None
        if rank:
            self.config.explain(
                "use_mla", "q_lora_rank", "qk_nope_head_dim", "v_head_dim", "qk_head_dim", *WIDTH, *self._kv_names
            )
            return LayerGroup("latent", 1, 1, rank, self.config.needed("qk_rope_head_dim", low=0))
        dim, heads = self._own("head_dim", index), self._own("num_key_value_heads", index)
        if dim is None and (dim := self.config.number("global_head_dim")):
            apart = self.config.flag("attention_k_eq_v") is not False  # Gemma 4: else its own heads are not used
            heads = heads or (self.config.number("num_global_key_value_heads") if apart else None)
            self.config.explain("num_global_key_value_heads", *WIDTH)
        value = dim or self.config.number("v_head_dim", low=0)
        dim = dim or self.head_dim()
        return LayerGroup("full", 1, heads or self._kv_heads(index), dim, value or dim)

    def windowed(self, kind: str, index: int) -> LayerGroup:
        """A layer that keeps the last tokens only."""
        names = ("attention_chunk_size",) if kind == "chunked" else WINDOW
        every = self.config.peek("sliding_window")
        if kind != "chunked" and isinstance(every, list):
            window = whole_number("sliding_window", every[index], 1, ABSURD)
        else:
            window = self.config.needed(*names)
        other = self.config.part("attention_other_setting")  # Step 3.5: heads of the layers with a window
        if other:
            other.explain("attention_type", "num_attention_heads", "head_dim", "true_head_dim")
        heads = self.config.number("swa_num_key_value_heads") or (other and other.number("num_attention_groups"))
        if not heads:  # MiMo V2's class doubles them
            heads = self._kv_heads(index) * (2 if self.family.startswith("mimo_v2") else 1)
        dim = self.config.number("swa_head_dim") or self.head_dim()
        value = self.config.one_of("swa_v_head_dim") or self.config.number("v_head_dim", low=0) or dim
        return LayerGroup(kind, 1, heads, dim, value, window)

    def unknown(self, name: str, index: int) -> LayerGroup:
        """A row to be assigned, with the heads, widths and window that the file states for its attention layers."""
        row = LayerGroup("unknown", 1, label=name[:200])
        if not self.stated:
            return row
        like, window = self.full(index), self.config.get(*WINDOW)
        return LayerGroup(
            "unknown", 1, like.kv_heads, like.k_dim, like.v_dim, window if type(window) is int and window > 0 else 0,
            label=name[:200],
        )  # fmt: skip

    def cross(self, index: int, positions: int) -> LayerGroup:
        """A layer that keeps the keys and values of an encoder or an image."""
        dim = self.config.number("cross_head_dim") or self.head_dim()
        heads = self.config.number("cross_num_key_value_heads") or self._kv_heads(index)
        return LayerGroup("cross", 1, heads, dim, dim, positions)

    def block(self, block: object) -> list[LayerGroup]:
        """A layer of a network found by search: its own number of query heads per KV head, or none at all."""
        attention = block.get("attention") if isinstance(block, Mapping) else None
        if not isinstance(attention, Mapping) or not isinstance(block, Mapping):
            raise InvalidInput("block_configs", "objects with `attention`", block)
        self.config.explain(*self._kv_names)
        known = ("no_op", "replace_with_linear", "n_heads_in_group", "window_length", "num_sink_tokens", "sparsify")
        odd = [f"block_configs.attention.{key}" for key, value in attention.items() if value and key not in known
               and "sink" not in key]  # fmt: skip
        odd += [f"block_configs.{key}" for key, value in block.items() if value and key not in ("attention", "ffn")]
        self.not_understood += [key for key in odd if key not in self.not_understood]
        if attention.get("no_op") or attention.get("replace_with_linear"):
            return []
        each = whole_number("n_heads_in_group", attention.get("n_heads_in_group"), 1, ABSURD)
        if self.heads() % each:
            raise InvalidInput("n_heads_in_group", f"a divisor of {self.heads()} heads", each)
        window = attention.get("window_length") or 0
        kind = "sliding" if window else "full"
        return [LayerGroup(kind, 1, self.heads() // each, self.head_dim(), self.head_dim(), window)]

    def heads(self, index: int = 0) -> int:
        """Query heads of a layer."""
        value = self.config.get(*self._head_names)
        if isinstance(value, list):
            value = (self.config.list(self.config.name(*self._head_names), self.layers) or [])[index]
            return whole_number("num_attention_heads", value, 1, ABSURD)
        return self.config.needed(*self._head_names)

    def head_dim(self) -> int:
        """The width of a key: stated, or the hidden size shared out over the heads."""
        if found := self.config.number("attention_head_dim"):  # Zamba 2's, twice the others'
            self.config.explain(*WIDTH)
            return found
        if found := self.config.number(*WIDTH):
            return found
        nope, rope = self.config.number("qk_nope_head_dim", low=0), self.config.number("qk_rope_head_dim", low=0)
        if nope and rope is not None:
            return nope + rope
        hidden, heads = self.config.needed(*HIDDEN), self.heads()
        if hidden % heads:
            raise InvalidInput("head_dim", f"given where {heads} heads do not divide hidden_size {hidden}", "absent")
        return hidden // heads

    def _own(self, key: str, index: int) -> int | None:
        """What one layer overrides, where a file has `per_layer_config`."""
        every = self.config.part("per_layer_config")
        own = every and (every.part(f"{index:02d}") or every.part(str(index)))
        if not own:
            return None
        own.explain("num_attention_heads", "qk_nope_head_dim", "v_head_dim", "q_lora_rank")
        return own.number(key)

    def _kv_heads(self, index: int) -> int:
        config = self.config
        inner = config.part("attn_config")
        if inner:
            one = inner.get("attn_type") == "multiquery_attention"
            inner.explain("attn_impl", "attn_pdrop", "clip_qkv", "qk_ln", "alibi", "alibi_bias_max")
            inner.explain("chunk_size_feed_forward", "model_type", "kv_n_heads")
        value = config.one_of(*self._kv_names)
        if isinstance(value, list):
            value = (config.list(config.name(*self._kv_names), self.layers) or [])[index]
        if self.family == "falcon":
            value = self._falcon(value)
        if value is None and inner:
            value = 1 if one else inner.get("kv_n_heads")
        if value is None and config.flag("multi_query_attention"):
            value = config.get("multi_query_group_num")
        if value is None and config.flag("multi_query"):
            value = 1
        return self.heads(index) if value is None else whole_number("num_key_value_heads", value, 1, ABSURD)

    def _falcon(self, value: Any) -> Any:
        """Falcon's files state a number of KV heads that only the new architecture uses."""
        if self.config.flag("new_decoder_architecture"):
            return value
        return 1 if self.config.flag("multi_query") is not False else None
