"""An answer as plain data, for files and other programs.

Turns a Sizing into what JSON can hold; every amount in bytes.
"""

from __future__ import annotations

from typing import Any

from lm_core.kv_sizing.sizing import Sizing


def as_json(sizing: Sizing) -> dict[str, Any]:
    """The whole answer as plain data; every amount in bytes."""
    load, engine = sizing.load, sizing.engine
    return {
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
