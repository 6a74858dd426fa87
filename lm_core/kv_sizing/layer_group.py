"""A group of layers that keep the same per token: its kind, its shape, and how many positions it holds."""

from __future__ import annotations

from dataclasses import dataclass, fields

from lm_core.errors import InvalidInput, whole_number

KINDS = {
    "full": "every token keeps one key and one value per KV head",
    "sliding": "only the last `window` tokens keep theirs",
    "chunked": "attention stays inside chunks of `window` tokens",
    "latent": "multi-head latent attention: one compressed row per token, no values of its own",
    "indexer": "one small key per token by which sparse attention picks what it reads",
    "cross": "keys and values of the `window` positions of an encoder or image, kept while decoding",
    "state": "linear attention or Mamba: a state of fixed size, however long the text",
    "unknown": "a layer type nobody has assigned yet; there is no total before it is",
}
ABSURD = 1 << 24  # no figure of a real model's shape comes near; products stay printable
_WINDOWED = ("sliding", "chunked", "cross")
_GROWING = ("full", "latent", "indexer")


@dataclass(frozen=True)
class LayerGroup:
    """Layers that keep the same. `layers` counts only those that store: a layer that reads another's cache has none.

    For "latent" `k_dim` is the rank of the latent and `v_dim` the rotary key beside it (0: none); both are stored
    once. `window` is needed by the windowed kinds and may limit a latent. `tokens_per_row` above 1 pools: so many
    tokens make one row. `value_bytes` above 0 fixes the bytes of a value whatever the cache's dtype. For "state" a
    sequence keeps `state_values` numbers of `state_bytes` each, and the last inputs of a short convolution over
    `conv_channels` with `conv_kernel` taps.

    >>> LayerGroup("sliding", layers=22, kv_heads=1, k_dim=256, v_dim=256, window=512).held(2048)
    512
    >>> LayerGroup("indexer", layers=11, kv_heads=1, k_dim=128, tokens_per_row=4).held(2048)
    512
    """

    kind: str
    layers: int
    kv_heads: int = 0
    k_dim: int = 0
    v_dim: int = 0
    window: int = 0
    state_values: int = 0
    state_bytes: int = 4
    conv_channels: int = 0
    conv_kernel: int = 0
    tokens_per_row: int = 1
    value_bytes: int = 0
    label: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.kind, str) or self.kind not in KINDS:
            raise InvalidInput("kind", f"one of {', '.join(KINDS)}", self.kind)
        if not isinstance(self.label, str) or len(self.label) > 200:
            raise InvalidInput("label", "text of up to 200 characters", self.label)
        for name in NUMBERS:
            whole_number(name, getattr(self, name), 1 if name in ("layers", "tokens_per_row") else 0, ABSURD)
        for name in self._needs():
            whole_number(name, getattr(self, name), 1, ABSURD)
        if self.kind == "state" and not (self.state_values or self.conv_channels):
            raise InvalidInput("state_values", "at least 1 where there is no convolution either", 0)
        if self.conv_channels:
            whole_number("conv_kernel", self.conv_kernel, 2, ABSURD)

    def _needs(self) -> tuple[str, ...]:
        """The numbers this kind cannot do without."""
        if self.kind == "state":
            return ("state_bytes",)
        if self.kind == "unknown":
            return ()
        window = ("window",) if self.kind in _WINDOWED else ()
        values = () if self.kind in ("indexer", "latent") else ("v_dim",)
        return ("kv_heads", "k_dim", *values, *window)

    @property
    def shared_by_ranks(self) -> bool:
        """Whether every rank of a tensor-parallel group stores all of it, because there is but one row per token."""
        return self.kind in ("latent", "indexer")

    def held(self, tokens: int) -> int:
        """How many rows of a sequence of this length are kept; a state counts none."""
        if self.kind == "cross":
            return self.window
        if self.kind not in (*_GROWING, *_WINDOWED):
            return 0
        return (min(tokens, self.window) if self.window else tokens) // self.tokens_per_row

    def says(self) -> str:
        """One line for people.

        >>> LayerGroup("latent", 2, 1, 512, 64).says()
        '2 latent layers, 512+64'
        """
        if self.kind == "unknown":
            return f"{self.layers} layers of unknown type {self.label!r}"
        if self.kind == "state":
            return f"{self.layers} state layers"
        if self.kind == "indexer":
            return f"index keys of {self.layers} layers, {self._heads()}{self.k_dim}{self._pooled()}"
        window = f", window {self.window:,}" if self.window else ""
        shape = (
            f"{self.k_dim}+{self.v_dim}" if self.kind == "latent" else f"{self.kv_heads} x ({self.k_dim}+{self.v_dim})"
        )
        return f"{self.layers} {self.kind} layers, {shape}{window}{self._pooled()}"

    def _heads(self) -> str:
        return f"{self.kv_heads} x " if self.kv_heads > 1 else ""

    def _pooled(self) -> str:
        return f", one row for {self.tokens_per_row} tokens" if self.tokens_per_row > 1 else ""


NUMBERS = tuple(field.name for field in fields(LayerGroup) if field.name not in ("kind", "label"))
