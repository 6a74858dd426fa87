"""The logit lens (nostalgebraist 2020): what each layer would predict if it were the last.

`lens` looks at one position with float64 probabilities, `lens_grid` at all positions at once in float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lm_core.distribution import Distribution
from lm_core.errors import whole_number
from lm_core.inspection.forward_pass import Inspection
from lm_core.models.transformer import Transformer

_TOGETHER = 8  # positions whose logits are computed at once: 8 x 31 x 49,152 x 4 B = 49 MB


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


@dataclass(frozen=True)
class LensGrid:
    """What every layer would predict at every position. All arrays are (layers + 1, time); row 0 is the embeddings."""

    tokens: NDArray[np.int64]
    """The likeliest token."""
    probability: NDArray[np.float32]
    """Of the likeliest token."""
    final_rank: NDArray[np.int64]
    """Where the token stands that the whole model finds likeliest at this position; 1 is first."""
    final_probability: NDArray[np.float32]
    entropy: NDArray[np.float32]
    """Nats."""
    divergence: NDArray[np.float32]
    """KL(what the whole model predicts || what this layer does), nats; Belrose et al. 2023, "tuned lens"."""


@torch.inference_mode()
def lens_grid(model: Transformer, inspection: Inspection, first: int = 0) -> LensGrid:
    """The lens on every layer, at the positions from `first` on.

    >>> from lm_core import pretrained
    >>> from lm_core.inspection import inspect
    >>> model = pretrained.load()
    >>> grid = lens_grid(model, inspect(model, model.tokenizer.encode("The capital of France is")))
    >>> grid.tokens.shape, model.tokenizer.decode([int(grid.tokens[30, 4])]), round(float(grid.probability[30, 4]), 3)
    ((31, 5), ' Paris', 0.773)
    """
    whole_number("first", first, 0, len(inspection.ids) - 1)
    streams = torch.from_numpy(inspection.residual[:, first:])  # (layers + 1, time, hidden)
    final = torch.from_numpy(inspection.logits[first:]).log_softmax(-1)  # (time, vocab_size)
    columns: list[tuple[Tensor, ...]] = []
    for block in torch.split(streams, _TOGETHER, dim=1):
        logits = model.head(model.norm(block))  # (layers + 1, block, vocab_size)
        columns += [_column(logits[:, t], final[len(columns) + t]) for t in range(block.shape[1])]
    return LensGrid(*(torch.stack(parts, 1).numpy() for parts in zip(*columns, strict=True)))


def _column(logits: Tensor, final: Tensor) -> tuple[Tensor, ...]:
    """All layers at one position: fields of LensGrid, (layers + 1) each. `final`: log-probabilities (vocab_size)."""
    log_p = logits.log_softmax(-1)  # (layers + 1, vocab_size)
    highest, tokens = log_p.max(-1)
    meant = log_p[:, final.argmax()]
    rank = (log_p > meant[:, None]).sum(-1) + 1
    share = final.exp()
    divergence = torch.dot(share, final) - log_p @ share
    entropy = -torch.linalg.vecdot(log_p.exp(), log_p)
    return tokens, highest.exp(), rank, meant.exp(), entropy, divergence.clamp(min=0)


@torch.inference_mode()
def lens_cell(model: Transformer, inspection: Inspection, layer: int, position: int) -> Distribution:
    """All that one layer would predict at one position; layer 0 is the embeddings."""
    whole_number("layer", layer, 0, len(inspection.residual) - 1)
    whole_number("position", position, 0, len(inspection.ids) - 1)
    stream = torch.from_numpy(inspection.residual[layer, position])[None]  # (1, hidden)
    return Distribution(model.head(model.norm(stream))[0].numpy())


def leads_from(ranks: Sequence[int] | NDArray[np.int64]) -> int:
    """The first layer from which on the final token stays the likeliest, by its rank in each, the embeddings first.

    >>> leads_from([9, 1, 2, 1, 1])
    3
    """
    behind = [layer for layer, rank in enumerate(ranks) if rank != 1]
    return behind[-1] + 1 if behind else 0
