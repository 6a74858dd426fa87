"""Common wrong answers to the same question, each computed, so that a figure from elsewhere can be recognised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from lm_core.errors import InvalidInput
from lm_core.kv_sizing.engines.profiles import Ideal
from lm_core.kv_sizing.geometry import Geometry
from lm_core.kv_sizing.layer_group import LayerGroup
from lm_core.kv_sizing.sizing import Sizing


@dataclass(frozen=True)
class Mistake:
    """What somebody forgot, and the bytes they would get; `factor` is against the payload."""

    name: str
    bytes: int
    factor: float


def mistakes(sizing: Sizing) -> tuple[Mistake, ...]:
    """Those that change this model's figure, largest first.

    >>> from lm_core.kv_sizing import preset, size
    >>> [(m.name, m.factor) for m in mistakes(size(preset("llama-3.1-70b"), 32768))][0]
    ('query heads counted instead of KV heads', 8.0)
    """
    model = sizing.geometry
    full = next((group for group in model.groups if group.kind == "full"), None)

    def queries(group: LayerGroup) -> LayerGroup:
        wide = group.kind in ("full", "sliding", "chunked") and model.query_heads > group.kv_heads
        return replace(group, kv_heads=model.query_heads) if wide else group

    def widths(group: LayerGroup) -> LayerGroup:
        whole = model.query_heads and model.hidden and not model.hidden % model.query_heads
        if not whole or group.kind not in ("full", "sliding", "chunked"):
            return group
        width = model.hidden // model.query_heads
        return replace(group, k_dim=width, v_dim=width)

    def charged(group: LayerGroup) -> LayerGroup:
        return replace(group, kind="full", window=0) if group.kind in ("sliding", "chunked") else group

    def attending(group: LayerGroup) -> LayerGroup:
        return replace(full, layers=group.layers) if group.kind == "state" and full else group

    def doubled(group: LayerGroup) -> LayerGroup:
        return replace(group, k_dim=2 * group.k_dim, v_dim=2 * group.v_dim) if group.kind == "latent" else group

    changes: dict[str, Callable[[LayerGroup], LayerGroup]] = {
        "query heads counted instead of KV heads": queries,
        "head width taken as hidden size / heads": widths,
        "sliding and chunked layers charged in full": charged,
        "linear and Mamba layers charged as attention": attending,
        "a latent counted twice, as K and as V": doubled,
    }
    found = [_mistake(name, sizing, tuple(map(change, model.groups))) for name, change in changes.items()]
    return tuple(sorted((m for m in found if m and m.bytes != sizing.payload), key=lambda m: -m.bytes))


def _mistake(name: str, sizing: Sizing, groups: tuple[LayerGroup, ...]) -> Mistake | None:
    if groups == sizing.geometry.groups or sizing.load.dtype_k.name == "fp8_ds_mla":
        return None
    load = replace(sizing.load, tensor_parallel=1)
    try:
        total = sum(line.bytes for line in Ideal().lines(Geometry(name, groups), load))
    except InvalidInput:  # a width that this dtype's blocks do not divide: nobody gets that wrong answer
        return None
    return Mistake(name, total, total / sizing.payload)
