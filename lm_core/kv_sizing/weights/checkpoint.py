"""A model's weights as sizing knows them: parameters, and the bytes of each format, published or estimated."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lm_core.errors import InvalidInput, whole_number
from lm_core.kv_sizing.weights.formats import EXPERTS, FORMATS, weight_format
from lm_core.kv_sizing.weights.parameters import Parameters

_GIB = 2**30
_NOT_KNOWN = Parameters()
_LOADED_MXFP4 = (1.05, 1.065, 1.09)
"""What vLLM loads of an MXFP4 file, whose experts its kernels pad: 64.4 and 66.0 of 60.8 GiB, 13.5 and 13.7 of 12.8."""


@dataclass(frozen=True)
class StoredWeights:
    """Bytes of all weights in one format: `likely`, and between what the truth should lie. `says`: where from."""

    format: str
    least: int
    likely: int
    most: int
    says: str


@dataclass(frozen=True)
class Checkpoint:
    """`published`: bytes of a published file by format. `format`: the one that its makers publish.

    `format` "" is not known: a file whose parts are quantised in ways of their own.
    """

    parameters: Parameters = _NOT_KNOWN
    vocabulary: int = 0
    format: str = "bf16"
    published: tuple[tuple[str, int], ...] = ()

    def __post_init__(self) -> None:
        whole_number("vocabulary", self.vocabulary, 0, 1 << 30)
        for name, count in (*self.published, *(((self.format, 0),) if self.format else ())):
            weight_format(name)
            whole_number(f"bytes as {name}", count, 0, 1 << 60)

    @property
    def formats(self) -> tuple[str, ...]:
        """Formats in which the weights can be sized, the makers' own first."""
        known = [name for name, _ in self.published]
        found = [*known, *FORMATS] if self.parameters.total else known
        return tuple(dict.fromkeys([*([self.format] if self.format in found else []), *found]))

    def stored(self, name: str = "") -> StoredWeights | None:
        """In the format of that name, "" being the makers' own; None where neither bytes nor parameters are known.

        >>> from lm_core.kv_sizing import preset
        >>> preset("llama-3.1-8b").checkpoint.stored("fp8").likely
        9081280648
        """
        name = name or self.format
        if name not in self.formats:
            return None
        kind, count = weight_format(name), dict(self.published).get(name, 0)
        low = high = 0.0
        if not count:
            count, low, high = kind.bytes(self.parameters), kind.spread, kind.spread
            says = f"estimated: {self.parameters.total:,} parameters, {kind.bits:.4g} bits each{_where(kind.covers)}"
        else:
            says = "the published file"
        low, likely, high = _LOADED_MXFP4 if name == "mxfp4" else (1 - low, 1.0, 1 + high)
        return StoredWeights(name, round(low * count), round(likely * count), round(high * count), says)

    def read(self, tokens: int, name: str = "") -> int:
        """Bytes of weights that a step of so many tokens reads, expected; 0 where nobody knows.

        The parameters read, in proportion to all bytes of the format.
        """
        stored = self.stored(name)
        if stored is None:
            return 0
        if not self.parameters.total:
            return stored.likely
        kind = weight_format(stored.format)
        return round(stored.likely * kind.read(self.parameters, tokens) / max(1, kind.bytes(self.parameters)))

    def to_json(self) -> dict[str, Any]:
        """Plain data; what has its default is left out."""
        facts = {k: v for k, v in {**vars(self.parameters), "vocabulary": self.vocabulary}.items() if v}
        own = {} if self.format == "bf16" else {"format": self.format}
        return {**facts, **own, **({"published": dict(self.published)} if self.published else {})}

    @classmethod
    def from_json(cls, data: object) -> Checkpoint:
        """Reads what `to_json` wrote."""
        numbers = {"vocabulary", *vars(Parameters())}
        if not isinstance(data, Mapping) or (extra := set(data) - numbers - {"format", "published"}):
            raise InvalidInput("checkpoint", f"an object of {', '.join(sorted(numbers))}, format, published", data)
        del extra
        published = data.get("published", {})
        if not isinstance(published, Mapping) or not isinstance(data.get("format", ""), str):
            raise InvalidInput("published", "bytes by format", published)
        count = Parameters(**{name: data[name] for name in vars(Parameters()) if name in data})
        return cls(count, data.get("vocabulary", 0), data.get("format", "bf16"), tuple(published.items()))


def _where(covers: str) -> str:
    return {EXPERTS: " in the experts, 16 elsewhere", "matrices": ", embeddings and output layer 16"}.get(covers, "")


@cache
def _models() -> dict[str, dict[str, Any]]:
    return tomllib.loads(Path(__file__).with_name("models.toml").read_text(encoding="utf-8"))


def of_preset(name: str, hidden: int, total: int) -> Checkpoint:
    """Of a preset by its name; `total` parameters unless the table counts them more exactly."""
    row = _models().get(name, {})
    total, vocabulary = row.get("total", total), row.get("vocabulary", 0)
    table = vocabulary * hidden
    experts, chosen = row.get("experts", 0), row.get("chosen", 0)
    routed = row.get("sparse", 0) * experts * 3 * hidden * row.get("expert_width", 0)
    parameters = Parameters(
        total, total - routed * (experts - chosen) // experts if routed and total else 0, experts, chosen,
        0 if row.get("tied") or table >= total else table, min(total, table * (1 if row.get("tied") else 2)),
    )  # fmt: skip
    published = {k: v if isinstance(v, int) else round(v * _GIB) for k, v in row.get("published", {}).items()}
    return Checkpoint(parameters, vocabulary, row.get("as", "bf16"), tuple(published.items()))
