"""The logit lens (nostalgebraist 2020): what each layer would predict if it were the last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from lm_core.distribution import Distribution
from lm_core.errors import whole_number
from lm_core.inspection.forward_pass import Inspection
from lm_core.models.transformer import Transformer


@dataclass(frozen=True)
class LensRow:
    """What one layer would say at a position: its likeliest token, and where the final one stands by then."""

    layer: int
    """0: the embeddings alone."""
    token: int
    probability: float
    final_rank: int
    final_probability: float


@torch.inference_mode()
def lens(model: Transformer, inspection: Inspection, position: int) -> tuple[LensRow, ...]:
    """Reads the residual stream behind each layer as if it were the last: final norm, then the head."""
    whole_number("position", position, 0, len(inspection.ids) - 1)
    streams = torch.from_numpy(inspection.residual[:, position])  # (layers + 1, hidden)
    logits = model.head(model.norm(streams)).numpy()  # (layers + 1, vocab_size)
    final = int(inspection.logits[position].argmax())
    rows = []
    for layer, row in enumerate(logits):
        belief = Distribution(row)
        top, meant = belief.top(1).rows[0], belief.row(final)
        rows.append(LensRow(layer, top.id, top.probability, meant.rank, meant.probability))
    return tuple(rows)


def leads_from(rows: Sequence[LensRow]) -> int:
    """The first layer from which on the final token stays the likeliest.

    >>> rows = [LensRow(layer, 7, 0.5, rank, 0.5) for layer, rank in enumerate((9, 1, 2, 1, 1))]
    >>> leads_from(rows)
    3
    """
    behind = [row.layer for row in rows if row.final_rank != 1]
    return behind[-1] + 1 if behind else rows[0].layer
