"""One forward pass with attention weights and residual stream on record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from lm_core.errors import InvalidInput, whole_number
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
