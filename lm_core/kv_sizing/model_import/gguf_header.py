"""The header of a GGUF file to a Geometry: the shape of a model without its weights.

Reads at most one MiB of untrusted bytes: metadata only, no tensor, no offset followed. Source: the GGUF specification
(versions 2 and 3), ggml-org/ggml docs/gguf.md.
"""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import replace
from typing import Any

from lm_core.errors import InvalidInput, whole_number
from lm_core.kv_sizing.geometry import Assumption, Geometry
from lm_core.kv_sizing.layer_group import LayerGroup
from lm_core.kv_sizing.model_import.key_review import review_gguf
from lm_core.kv_sizing.model_import.reader import ABSURD, MOST_LAYERS, Reader

MOST_BYTES = 1 << 20
_MOST_KEYS = 4096
_MOST_KEY_BYTES = 512
_MOST_KEPT = MOST_LAYERS  # entries of an array worth keeping; vocabularies are longer and skipped
_STRING, _ARRAY = 8, 9
_SCALARS = {
    0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d",
}  # fmt: skip
# llama.cpp keeps these patterns in its code, not in the file: one full layer in so many.
_PERIODS = {"gemma2": 2, "gemma3": 6, "gpt-oss": 2, "cohere2": 4, "afmoe": 4, "exaone4": 4, "llama4": 4}
_FIRST_IS_FULL = {"smallthinker": 4}  # the same, the full layer being the first of each period
_EVERY_LAYER = ("llama", "phi3", "qwen2", "starcoder2")  # whose window, if any, is that of all layers
_LLAMA_4_CHUNK = 8192
_NO_CACHE = ("bert", "nomic-bert", "nomic-bert-moe", "jina-bert-v2", "modern-bert", "neo-bert", "eurobert", "t5encoder",
             "dream", "llada", "llada-moe", "wavtokenizer-dec", "gemma-embedding")  # fmt: skip


class _Cut(Exception):
    """The piece ends here; what came before is whole."""


def from_gguf(data: bytes, name: str = "GGUF file") -> Geometry:
    """A Geometry from a file's beginning; one MiB is enough unless a vocabulary stands before the shape."""
    metadata = read(data)
    architecture = metadata.get("general.architecture")
    if not isinstance(architecture, str) or not architecture:
        raise InvalidInput("gguf", "a model file that states general.architecture in its first MiB", architecture)
    if architecture in _NO_CACHE or metadata.get(f"{architecture}.attention.causal") is False:
        raise InvalidInput("gguf", "a model that generates token by token; this one keeps no KV cache", architecture)
    prefix = f"{architecture}."
    shape = {key.removeprefix(prefix): value for key, value in metadata.items() if key.startswith(prefix)}
    title = metadata.get("general.name")
    found = _Shape(Reader(shape), architecture)
    groups, reader = found.groups(), found.reader
    context, hidden = reader.number("context_length", high=1 << 40), reader.number("embedding_length")
    if found.unplaced_window:
        window = reader.needed("attention.sliding_window")
        other = tuple(replace(g, kind="sliding", window=window) if g.kind == "full" else g for g in groups)
        says = f"The file states a window of {window:,} and not which layers have it: counted in full."
        found.assumptions.append(Assumption(says, other))
    unread, not_understood = review_gguf(reader.leftover(), found.layers)
    return Geometry(
        str(title or name)[:200], groups, context or 0, found.heads, hidden or 0, found.layers, "GGUF metadata",
        architecture[:80], unread, not_understood, tuple(found.assumptions), tuple(found.notes),
    )  # fmt: skip


def read(data: bytes) -> dict[str, Any]:
    """The metadata in this piece of a file; arrays longer than a model has layers are left out.

    >>> read(b"GGUF" + struct.pack("<IQQ", 3, 0, 0))
    {}
    """
    if len(data) > MOST_BYTES:
        raise InvalidInput("gguf", f"the first {MOST_BYTES:,} bytes of a file", f"{len(data):,} bytes")
    if data[:4] != b"GGUF":
        raise InvalidInput("gguf", "a file that begins with GGUF", data[:4])
    if len(data) < 24:
        raise InvalidInput("gguf", "a file of at least 24 bytes", f"{len(data)} bytes")
    version, _, count = struct.unpack_from("<IQQ", data, 4)
    if version not in (2, 3):
        raise InvalidInput("gguf", "of version 2 or 3, little-endian", version)
    whole_number("metadata_kv_count", count, 0, _MOST_KEYS)
    found: dict[str, Any] = {}
    cursor = _Cursor(data, 24)
    try:
        for _ in range(count):
            key = cursor.text(_MOST_KEY_BYTES)
            if key in found:
                raise InvalidInput("gguf", "a file in which no key occurs twice", key)
            found[key] = cursor.value(cursor.scalar("<I"))
    except _Cut:
        if len(data) < MOST_BYTES:  # this is no piece but the whole file
            raise InvalidInput("gguf", "a whole file", f"cut short behind {len(found)} of {count} keys") from None
    return {key: value for key, value in found.items() if value is not None}


class _Cursor:
    """Reads forward only, never past the end."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, at

    def scalar(self, form: str) -> Any:
        return struct.unpack(form, self._take(struct.calcsize(form)))[0]

    def text(self, longest: int = MOST_BYTES) -> str:
        length = self.scalar("<Q")
        if longest == _MOST_KEY_BYTES and length > longest:
            raise InvalidInput("gguf", f"a file whose keys have at most {longest} bytes", length)
        return self._take(length).decode("utf-8", "replace")

    def value(self, kind: int) -> Any:
        """A scalar, a text, or a list; None for an array too long to be about layers."""
        if kind in _SCALARS:
            return self.scalar(_SCALARS[kind])
        if kind == _STRING:
            return self.text()
        if kind != _ARRAY:
            raise InvalidInput("gguf", "a file whose values have one of the 13 types", kind)
        inner, length = self.scalar("<I"), self.scalar("<Q")
        if inner in _SCALARS and length > _MOST_KEPT:
            self._take(length * struct.calcsize(_SCALARS[inner]))
            return None
        if inner not in _SCALARS and inner != _STRING:
            raise InvalidInput("gguf", "a file whose arrays hold numbers or texts", inner)
        if length > _MOST_KEPT:
            for _ in range(length):
                self._take(self.scalar("<Q"))
            return None
        return [self.value(inner) for _ in range(length)]

    def _take(self, count: int) -> bytes:
        if count > len(self._data) - self._at:
            raise _Cut
        self._at += count
        return self._data[self._at - count : self._at]


class _Shape:
    """Layer groups from the keys of one architecture."""

    def __init__(self, reader: Reader, architecture: str) -> None:
        self.reader, self.architecture = reader, architecture
        self.notes: list[str] = []
        self.assumptions: list[Assumption] = []
        self.unplaced_window = False
        self.layers = reader.needed("block_count", high=MOST_LAYERS)
        self.heads = self._each("attention.head_count", 0) or 0

    def groups(self) -> tuple[LayerGroup, ...]:
        kept = self.layers - (self.reader.number("attention.shared_kv_layers", low=0) or 0)
        if kept < 1:
            raise InvalidInput("attention.shared_kv_layers", f"below the {self.layers} layers", self.layers - kept)
        drafts = self.reader.number("nextn_predict_layers", low=0) or 0
        if 0 < drafts < kept:
            says = f"The last {drafts} of {kept} blocks are draft layers and not counted (nextn_predict_layers)."
            self.assumptions.append(Assumption(says, self._grouped(kept)))
            return self._grouped(kept - drafts)
        return self._grouped(kept)

    def _grouped(self, kept: int) -> tuple[LayerGroup, ...]:
        counts = Counter(group for index in range(kept) if (group := self._layer(index)))
        if not counts:
            raise InvalidInput("gguf", "a model with at least one layer that keeps something", "none")
        groups = [replace(group, layers=many) for group, many in counts.items()]
        if index_dim := self.reader.number("attention.indexer.key_length"):
            pool = self.reader.number("attention.indexer.kpool") or 1
            groups.append(LayerGroup("indexer", kept, 1, index_dim, tokens_per_row=pool))
        return tuple(groups)

    def _layer(self, index: int) -> LayerGroup | None:
        kv_heads = self._each("attention.head_count_kv", index)
        every = self.reader.number("full_attention_interval")
        if kv_heads == 0 and self._each("feed_forward_length", index):
            return None  # Nemotron-H: a feed-forward layer of its own
        recurrent = (every and (index + 1) % every) or kv_heads == 0 or not self.heads
        if recurrent and self.reader.get("ssm.state_size"):
            return self._state()
        if recurrent and (taps := self.reader.number("shortconv.l_cache")):
            return LayerGroup(
                "state", 1, conv_channels=self.reader.needed("embedding_length"), conv_kernel=max(2, taps)
            )
        if recurrent:
            return None if kv_heads == 0 else LayerGroup("unknown", 1, label=self.architecture)
        rank = self.reader.number("attention.kv_lora_rank")
        if rank and (kv_heads == 1 or self.reader.get("attention.key_length_mla")):  # older files: expanded into heads
            self.reader.explain("attention.key_length", "attention.value_length")
            return LayerGroup("latent", 1, 1, rank, self.reader.needed("rope.dimension_count"))
        return self._attention(index, kv_heads or self.heads)

    def _attention(self, index: int, kv_heads: int) -> LayerGroup:
        window = self.reader.number("attention.sliding_window", low=0) or 0
        chunk = self.reader.number("attention.chunk_size", low=0) or 0
        if self.architecture == "llama4" and not chunk and self.reader.peek("attention.sliding_window") is None:
            chunk = _LLAMA_4_CHUNK
        local = bool(window or chunk) and self._local(index)
        suffix = "_swa" if local and self.reader.get("attention.key_length_swa") else ""
        width = self.reader.number("embedding_length") or 0
        k_dim = self.reader.number(f"attention.key_length{suffix}") or width // self.heads
        v_dim = self.reader.number(f"attention.value_length{suffix}") or width // self.heads
        kind = "full" if not local else "chunked" if chunk else "sliding"
        return LayerGroup(kind, 1, kv_heads, k_dim, v_dim, (chunk or window) if local else 0)

    def _local(self, index: int) -> bool:
        """Whether a layer of a model with a window has it: by the file's pattern, or by llama.cpp's own.

        Whether an engine applies it is another question: see `as_stored`.
        """
        pattern = self.reader.get("attention.sliding_window_pattern")
        if isinstance(pattern, list):
            self.reader.list("attention.sliding_window_pattern", self.layers)
            return bool(pattern[index])
        if first := _FIRST_IS_FULL.get(self.architecture) if pattern is None else None:
            return bool(index % first)
        period = pattern or _PERIODS.get(self.architecture)
        if period is None:
            if self.architecture not in _EVERY_LAYER:
                self.unplaced_window = True  # counted in full
            return self.architecture in _EVERY_LAYER
        return bool((index + 1) % whole_number("attention.sliding_window_pattern", period, 1, ABSURD))

    def _state(self) -> LayerGroup:
        """llama.cpp: (d_conv - 1) x (d_inner + 2 x groups x d_state) and d_state x d_inner values."""
        inner, width = self.reader.needed("ssm.inner_size"), self.reader.needed("ssm.state_size")
        channels = inner + 2 * (self.reader.number("ssm.group_count", low=0) or 0) * width
        kernel = self.reader.needed("ssm.conv_kernel")
        return LayerGroup("state", 1, state_values=inner * width, conv_channels=channels, conv_kernel=kernel)

    def _each(self, key: str, index: int) -> int | None:
        """A number that files give once for all layers or once for each."""
        value = self.reader.get(key)
        if isinstance(value, list):
            self.reader.list(key, self.layers)
            value = value[index]
        return None if value is None else whole_number(key, value, 0, ABSURD)
