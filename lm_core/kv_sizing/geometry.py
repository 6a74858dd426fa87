"""What a model keeps per token, as a list of layer groups, checked; to JSON and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from lm_core.errors import InvalidInput, whole_number

KINDS = {
    "full": "every token keeps one key and one value per KV head",
    "sliding": "only the last `window` tokens keep theirs",
    "chunked": "attention stays inside chunks of `window` tokens",
    "latent": "multi-head latent attention: one compressed row per token, no values of its own",
    "indexer": "one small key per token by which sparse attention picks what it reads",
    "cross": "keys and values of the `window` positions of an encoder, kept while decoding",
    "state": "linear attention or Mamba: a state of fixed size, however long the text",
    "unknown": "a layer type nobody has assigned yet; there is no total before it is",
}
_ABSURD = 1 << 24  # no figure of a real model's shape comes near; products stay printable
_WINDOWED = ("sliding", "chunked", "cross")
_GROWING = ("full", "latent", "indexer")


@dataclass(frozen=True)
class LayerGroup:
    """Layers that keep the same. `layers` counts only those that store: a layer that reads another's cache has none.

    For "latent" `k_dim` is the rank of the latent and `v_dim` the rotary key beside it; both are stored once. For
    "state" a sequence keeps `state_values` numbers of `state_bytes` each, and the last inputs of a short convolution
    over `conv_channels` with `conv_kernel` taps.

    >>> LayerGroup("sliding", layers=22, kv_heads=1, k_dim=256, v_dim=256, window=512).held(2048)
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
    label: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.kind, str) or self.kind not in KINDS:
            raise InvalidInput("kind", f"one of {', '.join(KINDS)}", self.kind)
        if not isinstance(self.label, str) or len(self.label) > 200:
            raise InvalidInput("label", "text of up to 200 characters", self.label)
        for name in _NUMBERS:
            whole_number(name, getattr(self, name), 1 if name == "layers" else 0, _ABSURD)
        for name in self._needs():
            whole_number(name, getattr(self, name), 1, _ABSURD)
        if self.kind == "state" and not (self.state_values or self.conv_channels):
            raise InvalidInput("state_values", "at least 1 where there is no convolution either", 0)
        if self.conv_channels:
            whole_number("conv_kernel", self.conv_kernel, 2, _ABSURD)

    def _needs(self) -> tuple[str, ...]:
        """The numbers this kind cannot do without."""
        if self.kind == "state":
            return ("state_bytes",)
        if self.kind == "unknown":
            return ()
        window = ("window",) if self.kind in _WINDOWED else ()
        values = () if self.kind == "indexer" else ("v_dim",)
        return ("kv_heads", "k_dim", *values, *window)

    @property
    def shared_by_ranks(self) -> bool:
        """Whether every rank of a tensor-parallel group stores all of it, because there is but one row per token."""
        return self.kind in ("latent", "indexer")

    def held(self, tokens: int) -> int:
        """How many positions of a sequence of this length are kept; a state counts none."""
        if self.kind in _GROWING:
            return tokens
        if self.kind == "cross":
            return self.window
        return min(tokens, self.window) if self.kind in _WINDOWED else 0

    def says(self) -> str:
        """One line for people."""
        if self.kind == "unknown":
            return f"{self.layers} layers of unknown type {self.label!r}"
        if self.kind == "state":
            return f"{self.layers} state layers"
        window = f", window {self.window:,}" if self.kind in _WINDOWED else ""
        shape = (
            f"{self.k_dim}+{self.v_dim}" if self.kind == "latent" else f"{self.kv_heads} x ({self.k_dim}+{self.v_dim})"
        )
        return f"{self.layers} {self.kind} layers, {shape}{window}"


_NUMBERS = tuple(field.name for field in fields(LayerGroup) if field.name not in ("kind", "label"))


@dataclass(frozen=True)
class Geometry:
    """A model as sizing sees it. `weight_bytes` 0 and `max_context` 0 mean: not known.

    `query_heads`, `hidden` and `all_layers` take no part in any size; they explain common wrong answers.
    `unread` are the keys of an imported file that were not looked at, `notes` what was assumed.

    >>> Geometry.by_hand(layers=32, heads=32, kv_heads=32, head_dim=128).groups[0].kv_heads
    32
    """

    name: str
    groups: tuple[LayerGroup, ...]
    max_context: int = 0
    parameters: int = 0
    query_heads: int = 0
    hidden: int = 0
    all_layers: int = 0
    source: str = ""
    unread: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.groups:
            raise InvalidInput("groups", "at least one layer group", self.groups)
        if len(self.groups) > 256:
            raise InvalidInput("groups", "at most 256 layer groups", len(self.groups))
        for name in ("query_heads", "hidden", "all_layers"):
            whole_number(name, getattr(self, name), 0, _ABSURD)
        whole_number("max_context", self.max_context, 0, 1 << 40)
        whole_number("parameters", self.parameters, 0, 1 << 50)

    @classmethod
    def by_hand(
        cls, layers: int, heads: int, kv_heads: int, head_dim: int, name: str = "by hand", max_context: int = 0
    ) -> Geometry:
        """The textbook case: every layer the same, keys and values of one width."""
        group = LayerGroup("full", layers, kv_heads, head_dim, head_dim)
        return cls(name, (group,), max_context, query_heads=heads, hidden=heads * head_dim, all_layers=layers)

    @property
    def unassigned(self) -> tuple[LayerGroup, ...]:
        """Groups of a type nobody has assigned yet."""
        return tuple(group for group in self.groups if group.kind == "unknown")

    def with_groups(self, rows: list[Mapping[str, Any]]) -> Geometry:
        """The same model with its layer groups replaced, as an editable table gives them."""
        return replace(self, groups=tuple(_group(row, number) for number, row in enumerate(rows, start=1)))

    def to_json(self) -> dict[str, Any]:
        """Plain data; what has its default is left out."""
        default = {field.name: field.default for field in fields(LayerGroup)}
        groups = [{k: v for k, v in asdict(group).items() if v != default[k]} for group in self.groups]
        facts = {k: getattr(self, k) for k in _FACTS if getattr(self, k)}
        return {"name": self.name, "groups": groups, **facts}

    @classmethod
    def from_json(cls, data: object) -> Geometry:
        """Reads what `to_json` wrote, or a hand-written list of groups.

        >>> group = {"kind": "full", "layers": 2, "kv_heads": 1, "k_dim": 64, "v_dim": 64}
        >>> Geometry.from_json([group]).groups[0].layers
        2
        """
        if isinstance(data, list):
            data = {"groups": data}
        if not isinstance(data, Mapping) or not isinstance(data.get("groups"), list):
            raise InvalidInput("geometry", "a list of layer groups, or an object with `groups`", data)
        extra = set(data) - {"name", "groups", *_FACTS}
        if extra:
            raise InvalidInput(
                "geometry", f"an object of name, groups, {', '.join(_FACTS)}", sorted(map(str, extra))[0]
            )
        name, source = data.get("name", "geometry file"), data.get("source", "")
        if not isinstance(name, str) or not isinstance(source, str):
            raise InvalidInput("name", "text", name)
        numbers = {fact: data.get(fact, 0) for fact in _FACTS if fact != "source"}
        groups = tuple(_group(row, number) for number, row in enumerate(data["groups"], start=1))
        return cls(name[:200], groups, source=source[:500], **numbers)


_FACTS = ("max_context", "parameters", "query_heads", "hidden", "all_layers", "source")


def _group(row: object, number: int) -> LayerGroup:
    """Row `number` of a table; its faults are told with that number."""
    names = [field.name for field in fields(LayerGroup)]
    if not isinstance(row, Mapping):
        raise InvalidInput("groups", "a list of objects", row)
    for key in row:
        if key not in names:
            raise InvalidInput("groups", f"objects with {', '.join(names)}", key)
    for needed in ("kind", "layers"):
        if needed not in row:
            raise InvalidInput(f"{needed} in row {number}", "stated", "empty")
    try:
        return LayerGroup(**row)
    except InvalidInput as fault:
        raise InvalidInput(f"{fault.parameter} in row {number}", fault.allowed, fault.value) from None
