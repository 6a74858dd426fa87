"""A Sizing, or what is known instead of one, as JSON and CSV; every amount in bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lm_core.csv_table import csv_table
from lm_core.kv_sizing.doubts import effects
from lm_core.kv_sizing.geometry import Geometry
from lm_core.kv_sizing.report.curve import Curve
from lm_core.kv_sizing.sizing import Sizing


def as_json(sizing: Sizing) -> dict[str, Any]:
    """The whole answer as plain data; every amount in bytes. `total_otherwise`: if that assumption does not hold."""
    load, engine = sizing.load, sizing.engine
    return {
        "complete": True,
        "reading": sizing.geometry.reading,
        "assumptions": [
            {"says": each.says, "total_otherwise": each.otherwise.total if each.otherwise else None}
            for each in effects(sizing)
        ],
        "remarks": [*sizing.remarks],
        "notes": [*sizing.geometry.notes],
        "model": sizing.geometry.to_json(),
        "context": load.context,
        "sequences": load.sequences,
        "dtype_k": load.dtype_k.name,
        "dtype_v": load.dtype_v.name,
        "tensor_parallel": load.tensor_parallel,
        "engine": {"name": engine.name, "version": engine.version, "options": vars(engine)},
        "bytes": {
            "total": sizing.total,
            "per_gpu": sizing.per_gpu,
            "per_sequence": sizing.per_sequence,
            "per_added_token": sizing.per_added_token,
            "fixed_state": sizing.fixed,
            "payload": sizing.payload,
            "replication": sizing.replication,
            "padding": sizing.padding,
        },
        "per_gpu": [{"part": line.label, "bytes": line.bytes, "formula": line.formula} for line in sizing.lines],
    }


def not_known_json(model: Geometry, known: Sizing | None) -> dict[str, Any]:
    """The same for a model without a total: what was not understood, and the size of the part that is known.

    >>> from lm_core.kv_sizing import from_config
    >>> odd = from_config({"n_layer": 2, "n_head": 2, "n_embd": 64, "kv_share_every": 2})
    >>> not_known_json(odd, None)["not_understood"]
    ['kv_share_every']
    """
    return {
        "complete": False,
        "reading": model.reading,
        "not_understood": [*model.not_understood],
        "unassigned": [{"type": group.label or "unknown", "layers": group.layers} for group in model.unassigned],
        "model": model.to_json(),
        "known_part": as_json(known)["bytes"] if known else None,
    }


def as_csv(sizing: Sizing) -> str:
    """The parts on one GPU, a line each.

    >>> from lm_core.kv_sizing import preset, size
    >>> print(as_csv(size(preset("llama-3.1-8b"), 8192)))
    part,bytes,formula
    "32 full layers, 8 x (128+128)",1073741824,"32 layers x 8,192 tokens x 2 x 8 KV heads x 128 x 2 B"
    <BLANKLINE>
    """
    return csv_table(["part", "bytes", "formula"], ((line.label, line.bytes, line.formula) for line in sizing.lines))


def curves_csv(curves: Sequence[Curve]) -> str:
    """Every point of a plot: sequences, tokens in each, bytes."""
    points = [(c.sequences, n, total) for c in curves for n, total in zip(c.contexts, c.totals)]
    return csv_table(["sequences", "tokens", "bytes"], points)
