"""The logit lens (nostalgebraist 2020): what each layer would predict if it were the last.

`lens` looks at one position with float64 probabilities, `lens_grid` at all positions at once in float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lm_core.distribution import Distribution
from lm_core.errors import InvalidInput, whole_number
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
    first: int = field(default=0, kw_only=True)
    """Position of the first column."""

    def arrays(self) -> tuple[NDArray[Any], ...]:
        """All figures, in the order of the fields."""
        return (
            self.tokens, self.probability, self.final_rank, self.final_probability, self.entropy, self.divergence
        )  # fmt: skip

    def columns(self, start: int, end: int) -> LensGrid:
        """Those of the positions from `start` to before `end`."""
        wanted = slice(start - self.first, end - self.first)
        return LensGrid(*(each[:, wanted] for each in self.arrays()), first=start)


@torch.inference_mode()
def lens_grid(model: Transformer, inspection: Inspection, first: int = 0, end: int | None = None) -> LensGrid:
    """The lens on every layer, at the positions from `first` on, before `end` if that is given.

    >>> from lm_core import pretrained
    >>> from lm_core.inspection import inspect
    >>> model = pretrained.load()
    >>> grid = lens_grid(model, inspect(model, model.tokenizer.encode("The capital of France is")))
    >>> grid.tokens.shape, model.tokenizer.decode([int(grid.tokens[30, 4])]), round(float(grid.probability[30, 4]), 3)
    ((31, 5), ' Paris', 0.773)
    """
    end = len(inspection.ids) if end is None else whole_number("end", end, 1, len(inspection.ids))
    whole_number("first", first, 0, end - 1)
    streams = torch.from_numpy(inspection.residual[:, first:end]).transpose(0, 1)  # (time, layers + 1, hidden)
    columns: list[tuple[Tensor, ...]] = []
    for block in torch.split(streams, _TOGETHER):
        for logits in model.head(model.norm(block)):  # of (block, layers + 1, vocab_size), a position at a time
            final = torch.from_numpy(inspection.logits[first + len(columns)]).log_softmax(-1)  # (vocab_size)
            columns.append(_column(logits, final))
    found = [torch.stack(parts, 1).numpy() for parts in zip(*columns, strict=True)]
    return LensGrid(*found, first=first)


def joined(left: LensGrid, right: LensGrid) -> LensGrid:
    """Two grids of which the second begins where the first ends.

    >>> grid = LensGrid(*(np.arange(6).reshape(2, 3) for _ in range(6)))
    >>> joined(grid.columns(0, 1), grid.columns(1, 3)).tokens.tolist()
    [[0, 1, 2], [3, 4, 5]]
    """
    if left.first + left.tokens.shape[1] != right.first:
        raise InvalidInput("right", f"a grid from position {left.first + left.tokens.shape[1]} on", right.first)
    both = (np.concatenate(pair, axis=1) for pair in zip(left.arrays(), right.arrays(), strict=True))
    return LensGrid(*both, first=left.first)


@torch.inference_mode()
def lens_grid_under(model: Transformer, whole: Inspection, grid: LensGrid, changed: Inspection) -> LensGrid:
    """The lens on a pass under interventions, beside `whole` without them and its grid.

    Ranks, probabilities and divergences are against what the whole model predicts there. Only cells whose stream has
    changed are computed; in the others nothing can differ.

    >>> from lm_core import pretrained
    >>> from lm_core.inspection import inspect
    >>> from lm_core.inspection.interventions import Ablation
    >>> model = pretrained.load()
    >>> ids = model.tokenizer.encode("The capital of France is")
    >>> whole, off = inspect(model, ids), inspect(model, ids, [Ablation(24, head=5)])
    >>> under = lens_grid_under(model, whole, lens_grid(model, whole), off)
    >>> int(under.final_rank[30, 4]), round(float(under.final_probability[30, 4]), 3)  # of Paris
    (1, 0.141)
    """
    first, shown = grid.first, slice(grid.first, grid.first + grid.tokens.shape[1])
    moved = (whole.residual[:, shown] != changed.residual[:, shown]).any(axis=-1)  # (layers + 1, time)
    arrays = tuple(each.copy() for each in grid.arrays())
    columns = np.flatnonzero(moved.any(axis=0))
    for begin in range(0, len(columns), _TOGETHER):
        block = columns[begin : begin + _TOGETHER]
        layers = [np.flatnonzero(moved[:, t]) for t in block]
        streams = np.concatenate([changed.residual[rows, first + t] for rows, t in zip(layers, block)])
        logits = model.head(model.norm(torch.from_numpy(streams)))  # (cells that changed, vocab_size)
        for rows, t, part in zip(layers, block, torch.split(logits, [len(rows) for rows in layers])):
            final = torch.from_numpy(whole.logits[first + t]).log_softmax(-1)  # (vocab_size)
            for array, new in zip(arrays, _column(part, final), strict=True):
                array[rows, t] = new.numpy()
    return LensGrid(*arrays, first=first)


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
