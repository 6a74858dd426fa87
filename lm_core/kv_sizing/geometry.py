"""What a model keeps per token, as a list of layer groups, and how sure of it we are; to JSON and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from lm_core.errors import InvalidInput, whole_number
from lm_core.kv_sizing.dtypes import CACHE_KEYS, CheckpointDtypes
from lm_core.kv_sizing.layer_group import ABSURD, LayerGroup
from lm_core.kv_sizing.weights.checkpoint import Checkpoint

_SIXTEEN_BITS = CheckpointDtypes()
_NO_WEIGHTS = Checkpoint()
WHOLE, ASSUMED, NOT_KNOWN = "read whole", "read with assumptions", "not known"


@dataclass(frozen=True)
class Assumption:
    """One sentence on what a size rests on; `otherwise`: the layer groups if it does not hold, () if nobody can say."""

    says: str
    otherwise: tuple[LayerGroup, ...] = ()


@dataclass(frozen=True)
class Geometry:
    """A model as sizing sees it: what it keeps, and its weights (`checkpoint`). `max_context` 0 means: not known.

    `family` is the `model_type` or GGUF architecture, by which engines decide what to do with a window; "" where the
    groups are to be stored as they stand. `query_heads`, `hidden` and `all_layers` take no part in any size; they
    explain common wrong answers. Of an imported file: `unread` are keys without a bearing on the cache,
    `not_understood` keys that may have one, `assumptions` what the groups rest on, `notes` what was found.

    >>> Geometry.by_hand(layers=32, heads=32, kv_heads=32, head_dim=128).groups[0].kv_heads
    32
    """

    name: str
    groups: tuple[LayerGroup, ...]
    max_context: int = 0
    query_heads: int = 0
    hidden: int = 0
    all_layers: int = 0
    source: str = ""
    family: str = ""
    unread: tuple[str, ...] = ()
    not_understood: tuple[str, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    notes: tuple[str, ...] = ()
    dtypes: CheckpointDtypes = _SIXTEEN_BITS
    checkpoint: Checkpoint = _NO_WEIGHTS

    def __post_init__(self) -> None:
        if not self.groups:
            raise InvalidInput("groups", "at least one layer group", self.groups)
        if len(self.groups) > 256:
            raise InvalidInput("groups", "at most 256 layer groups", len(self.groups))
        for name in ("query_heads", "hidden", "all_layers"):
            whole_number(name, getattr(self, name), 0, ABSURD)
        whole_number("max_context", self.max_context, 0, 1 << 40)

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

    @property
    def reading(self) -> str:
        """How well the model is known: WHOLE, ASSUMED, or NOT_KNOWN, for which there is no total.

        >>> Geometry.by_hand(2, 2, 2, 64).reading
        'read whole'
        """
        if self.unassigned or self.not_understood:
            return NOT_KNOWN
        return ASSUMED if self.assumptions else WHOLE

    def assuming_harmless(self, keys: tuple[str, ...] | None = None) -> Geometry:
        """The same with keys that were not understood taken to change nothing, and that said; None: all of them."""
        taken = self.not_understood if keys is None else keys
        if strange := [key for key in taken if key not in self.not_understood]:
            raise InvalidInput("key", f"one of those not understood: {', '.join(self.not_understood)}", strange[0])
        if not taken:
            return self
        says = Assumption(f"Taken to change nothing that is kept: {', '.join(taken)}.")
        rest = tuple(key for key in self.not_understood if key not in taken)
        return replace(self, not_understood=rest, assumptions=(*self.assumptions, says))

    def with_groups(self, rows: list[Mapping[str, Any]]) -> Geometry:
        """The same model with its layer groups replaced, as an editable table gives them."""
        return replace(self, groups=_groups([*rows]))

    def to_json(self) -> dict[str, Any]:
        """Plain data; what has its default is left out."""
        facts = {k: getattr(self, k) for k in _FACTS if getattr(self, k)}
        doubts: dict[str, Any] = {"not_understood": [*self.not_understood]} if self.not_understood else {}
        if self.assumptions:
            doubts["assumptions"] = [
                {"says": each.says, **({"otherwise": _rows(each.otherwise)} if each.otherwise else {})}
                for each in self.assumptions
            ]
        if self.dtypes != _SIXTEEN_BITS:
            doubts["dtypes"] = asdict(self.dtypes)
        if weights := self.checkpoint.to_json():
            doubts["checkpoint"] = weights
        return {"name": self.name, "groups": _rows(self.groups), **facts, **doubts}

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
        extra = set(data) - {"name", "groups", _BEFORE, *_FACTS, *_DOUBTS}
        if extra:
            raise InvalidInput(
                "geometry", f"an object of name, groups, {', '.join((*_FACTS, *_DOUBTS))}", sorted(map(str, extra))[0]
            )
        texts = {fact: data.get(fact, "") for fact in ("name", "source", "family")}
        for fact, text in texts.items():
            if not isinstance(text, str):
                raise InvalidInput(fact, "text", text)
        numbers = {fact: data.get(fact, 0) for fact in _FACTS if fact not in texts}
        keys = data.get("not_understood", [])
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            raise InvalidInput("not_understood", "a list of names", keys)
        return cls(
            texts["name"][:200] or "geometry file", _groups(data["groups"]), **numbers, source=texts["source"][:500],
            family=texts["family"][:80], not_understood=tuple(keys[:500]),
            assumptions=_assumptions(data.get("assumptions", [])), dtypes=_dtypes(data.get("dtypes", {})),
            checkpoint=Checkpoint.from_json(data.get("checkpoint", {"total": data.get(_BEFORE, 0)})),
        )  # fmt: skip


_FACTS = ("max_context", "query_heads", "hidden", "all_layers", "source", "family")
_DOUBTS = ("not_understood", "assumptions", "dtypes", "checkpoint")
_BEFORE = "parameters"  # how earlier links state the number of parameters
_DEFAULTS = {field.name: field.default for field in fields(LayerGroup)}


def _rows(groups: tuple[LayerGroup, ...]) -> list[dict[str, Any]]:
    return [{k: v for k, v in asdict(group).items() if v != _DEFAULTS[k]} for group in groups]


def _groups(rows: list[object]) -> tuple[LayerGroup, ...]:
    return tuple(_group(row, number) for number, row in enumerate(rows, start=1))


def _dtypes(found: object) -> CheckpointDtypes:
    allowed = {"cache": ("", "fp8"), "model": ("", "f32"), "by": ("", *CACHE_KEYS), "state": ("", "f32")}
    if not isinstance(found, Mapping) or not all(key in allowed and v in allowed[key] for key, v in found.items()):
        raise InvalidInput("dtypes", 'an object with `cache` ("fp8"), `model` and `state` ("f32")', found)
    return CheckpointDtypes(**found)


def _assumptions(found: object) -> tuple[Assumption, ...]:
    if not isinstance(found, list) or len(found) > 100:
        raise InvalidInput("assumptions", "a list of at most 100", found)
    read = []
    for each in found:
        says = each.get("says") if isinstance(each, Mapping) else None
        otherwise = each.get("otherwise", []) if isinstance(each, Mapping) else None
        if not isinstance(says, str) or not isinstance(otherwise, list) or set(each) - {"says", "otherwise"}:
            raise InvalidInput("assumptions", "objects with `says` and, where known, `otherwise`", each)
        read.append(Assumption(says[:500], _groups(otherwise)))
    return tuple(read)


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
