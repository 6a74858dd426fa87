"""What a visitor has switched off or put in place: as a link writes it, as a person reads it, as `lm_core` takes it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lm_core.inspection import Inspection
    from lm_core.inspection.interventions import Intervention

MOST = 12
"""At once."""
WAYS = {"zero": "zeros", "mean": "the mean over the text"}
MASK = "mask"
_FORM = re.compile(
    r"(?P<mask>mask)|(?P<patched>\d{1,3})@(?P<at>\d{1,4})|"
    r"(?P<layer>\d{1,3})\.(?:(?P<part>attention|mlp)|(?P<head>\d{1,3})(?:\.(?P<reader>\d{1,4})-(?P<key>\d{1,4}))?)"
    r"(?P<mean>\.mean)?"
)


@dataclass(frozen=True)
class Switch:
    """One of them; layers, heads and tokens count from 1."""

    kind: str
    """"head", "attention", "mlp", "arrow" (this reader may not read that key), "cell" (of the second text), "mask"."""
    layer: int = 0
    head: int = 0
    reader: int = 0
    """Of an arrow; of a cell, its token."""
    key: int = 0
    by: str = "zero"

    def written(self) -> str:
        """As a link has it."""
        mean = ".mean" if self.by == "mean" else ""
        return {
            "head": f"{self.layer}.{self.head}{mean}", "attention": f"{self.layer}.attention{mean}",
            "mlp": f"{self.layer}.mlp{mean}", "arrow": f"{self.layer}.{self.head}.{self.reader}-{self.key}",
            "cell": f"{self.layer}@{self.reader}", "mask": MASK,
        }[self.kind]  # fmt: skip

    def named(self, labels: list[str]) -> str:
        """What it is, in words; `labels` are the text's tokens."""
        way = ", by its mean" if self.by == "mean" else ""
        if self.kind == "mask":
            return "the causal mask"
        if self.kind == "cell":
            where = f"layer {self.layer}" if self.layer else "the embeddings"
            return f"{where} at token {self.reader} ({labels[self.reader - 1]}), from the second text"
        if self.kind == "arrow":
            who = f"head {self.head}" if self.head else "all heads"
            return f"layer {self.layer}, {who}: {labels[self.reader - 1]} reading {labels[self.key - 1]}"
        part = {"head": f"head {self.head}", "attention": "all attention", "mlp": "MLP"}[self.kind]
        return f"layer {self.layer}, {part}{way}"

    def button(self, labels: list[str]) -> str:
        """What a button that does it says."""
        return {
            "head": f"Switch off head {self.head} of layer {self.layer}",
            "attention": f"Switch off layer {self.layer}’s attention", "mlp": f"Switch off layer {self.layer}’s MLP",
            "arrow": f"Cut the arrow to {labels[self.key - 1]}", "cell": "Take this cell from the second text",
            "mask": "Lift the causal mask",
        }[self.kind]  # fmt: skip

    def misses(self, layers: int, heads: int, tokens: int, second: bool) -> str:
        """Why it cannot be done on this model and text; empty if it can."""
        if self.kind != "mask" and not (0 if self.kind == "cell" else 1) <= self.layer <= layers:
            return f"the model has {layers} layers"
        if self.head > heads or (self.kind == "head" and not self.head):
            return f"a layer has {heads} heads"
        if max(self.reader, self.key) > tokens or (self.kind in ("arrow", "cell") and not self.reader):
            return f"the text has {tokens} tokens"
        if self.kind == "arrow" and (not self.key or self.reader == self.key == 1):
            return "the first token has nothing else to read"
        return "there is no second text" if self.kind == "cell" and not second else ""

    def intervention(self, second: Inspection | None) -> Intervention:
        """For `lm_core.inspection`; a cell needs the second text's pass."""
        from lm_core.inspection import interventions as core

        if self.kind == "mask":
            return core.Unmask()
        if self.kind == "arrow":
            return core.Knockout(self.layer, self.head, self.reader - 1, self.key - 1)
        if self.kind == "cell":
            assert second is not None
            return core.Patch(self.layer, self.reader - 1, second.residual[self.layer, self.reader - 1])
        return core.Ablation(self.layer, self.head, core.MLP if self.kind == "mlp" else core.ATTENTION, self.by)


def parsed(text: str) -> Switch | None:
    """One, from a link; None for what means nothing."""
    found = _FORM.fullmatch(text) if text.isascii() else None
    if found is None:
        return None
    part = found.groupdict()
    if part["mask"]:
        return Switch("mask")
    if part["patched"]:
        return Switch("cell", int(part["patched"]), reader=int(part["at"]))
    by = "mean" if part["mean"] else "zero"
    layer = int(part["layer"])
    if part["part"]:
        return Switch(part["part"], layer, by=by)
    if part["reader"]:
        return Switch("arrow", layer, int(part["head"]), int(part["reader"]), int(part["key"]))
    return Switch("head", layer, int(part["head"]), by=by)
