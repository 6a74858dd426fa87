"""What happens inside a Transformer on one text: attention weights, the logit lens, and the effect of an edit.

The logit lens (nostalgebraist 2020) reads each layer's residual stream with the final head. Only models of class
`Transformer` can be inspected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from lm_core.distribution import Distribution
from lm_core.errors import InvalidInput, whole_number
from lm_core.models import LanguageModel
from lm_core.models.attention import Activations
from lm_core.models.transformer import Transformer


@dataclass(frozen=True)
class Inspection:
    """One forward pass, looked into."""

    ids: tuple[int, ...]
    attention: NDArray[np.float32]
    """(layers, heads, query, key); every row over the keys sums to 1."""
    residual: NDArray[np.float32]
    """(layers + 1, time, hidden): the embeddings, then what stands behind every layer."""
    logits: NDArray[np.float32]
    """(time, vocab_size): row t scores the token that follows ids[t]."""


@torch.inference_mode()
def inspect(model: Transformer, ids: Sequence[int]) -> Inspection:
    """Runs the model once over `ids`, attention written out.

    Raises InvalidInput for no ids, or more than the model's context.
    """
    ids = tuple(ids)
    if not 1 <= len(ids) <= model.config.context_length:
        raise InvalidInput("ids", f"from 1 to {model.config.context_length:,} token ids", len(ids))
    for token_id in ids:
        whole_number("token id", token_id, 0, model.vocab_size - 1)
    recording = Activations([], [])
    states = model.hidden_states(torch.tensor([ids]), [len(ids)], recording=recording)
    return Inspection(
        ids, torch.stack(recording.attention).numpy(), torch.stack(recording.residual).numpy(),
        model.head(states)[0].numpy(),
    )  # fmt: skip


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


def without_mask(model: Transformer) -> Transformer:
    """The same weights, every position seeing the whole text: what the causal mask forbids."""
    open_to_all = Transformer(replace(model.config, causal=False), model.tokenizer, model.end_ids)
    open_to_all.load_state_dict(model.state_dict(), assign=True)
    return open_to_all


def effect_of_edit(model: LanguageModel, before: Sequence[int], after: Sequence[int]) -> tuple[float, ...]:
    """For each position, the largest change of any logit when `before` becomes `after`, a text of the same length.

    Exactly 0 before the first change, if the model is causal.
    """
    if len(before) != len(after) or not before:
        raise InvalidInput("after", f"a text of {len(before)} tokens, as before, and at least one", len(after))
    first, second = (np.asarray(model.logits(list(ids)), np.float64) for ids in (before, after))
    return tuple(float(change) for change in np.abs(first - second).max(axis=1))


@dataclass(frozen=True)
class Weight:
    """What a reader takes from one key, of all its attention 1."""

    key: int
    weight: float


def heaviest(row: NDArray[np.floating], count: int) -> tuple[Weight, ...]:
    """The keys a reader takes most from, the earlier first among equals.

    >>> heaviest(np.array([0.2, 0.7, 0.1]), 2)
    (Weight(key=1, weight=0.7), Weight(key=0, weight=0.2))
    """
    order = np.argsort(-row, kind="stable")[:count]
    return tuple(Weight(int(key), float(row[key])) for key in order)


def leads_from(rows: Sequence[LensRow]) -> int:
    """The first layer from which on the final token stays the likeliest.

    >>> rows = [LensRow(layer, 7, 0.5, rank, 0.5) for layer, rank in enumerate((9, 1, 2, 1, 1))]
    >>> leads_from(rows)
    3
    """
    behind = [row.layer for row in rows if row.final_rank != 1]
    return behind[-1] + 1 if behind else rows[0].layer
