"""The cache of a speculative draft: layers beside the model's own (MTP, EAGLE), each shaped like its main layers."""

from __future__ import annotations

from dataclasses import replace

from lm_core.errors import InvalidInput
from lm_core.kv_sizing.geometry import Geometry

_LIKE = ("latent", "full", "sliding", "chunked")  # the first kind that a model has
_INDEXED = "indexer"


def with_draft(geometry: Geometry, layers: int) -> Geometry:
    """The model with so many draft layers, which keep every token as its main layers do, and index keys with them.

    >>> with_draft(Geometry.by_hand(32, 8, 8, 64), 1).groups[0].layers
    33
    """
    if not layers:
        return geometry
    kind = next((kind for kind in _LIKE if any(group.kind == kind for group in geometry.groups)), None)
    if kind is None:
        raise InvalidInput("draft_layers", "0: this model has no layer that a draft's could be like", layers)
    first = next(number for number, group in enumerate(geometry.groups) if group.kind == kind)
    groups = list(geometry.groups)
    for number, group in enumerate(groups):
        if number == first or (kind == "latent" and group.kind == _INDEXED):
            groups[number] = replace(group, layers=group.layers + layers)
    return replace(geometry, groups=tuple(groups))
