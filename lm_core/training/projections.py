"""Token vectors of a model in two dimensions (PCA), and its probabilities beside those that were counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from lm_core.errors import InvalidInput
from lm_core.training.examples import Examples
from lm_core.training.loss import IGNORED
from lm_core.training.trainer import Trainer

_LINES = 300


def project_to_plane(vectors: NDArray[np.floating]) -> tuple[NDArray[np.float64], float]:
    """The two directions of largest spread (Pearson 1901): (n, d) -> (n, 2), and the share of all spread in them.

    The sign of each direction is chosen so that its largest value is positive: pictures of neighbouring steps agree.

    >>> points, share = project_to_plane(np.array([[1.0, 0, 0], [-1, 0, 0], [0, 0.5, 0], [0, -0.5, 0]]))
    >>> np.abs(points).round(2).tolist(), round(share, 3)
    ([[1.0, 0.0], [1.0, 0.0], [0.0, 0.5], [0.0, 0.5]], 1.0)
    """
    if vectors.ndim != 2 or min(vectors.shape) < 1:
        raise InvalidInput("vectors", "a matrix with one row a token", vectors.shape)
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    points = np.zeros((len(vectors), 2))
    for axis in range(min(2, len(sizes))):
        points[:, axis] = left[:, axis] * sizes[axis]
        if points[np.abs(points[:, axis]).argmax(), axis] < 0:
            points[:, axis] *= -1
    total = float((sizes**2).sum())
    return points + 0.0, float((sizes[:2] ** 2).sum()) / total if total else 1.0


def token_vectors(trainer: Trainer) -> NDArray[np.float32]:
    """(vocab_size, embedding) of the model as it is now."""
    table: torch.Tensor = trainer.model.get_submodule("embed_tokens").weight  # type: ignore[assignment]
    return table.detach().numpy().copy()


@dataclass(frozen=True)
class CountComparison:
    """What follows a token: as counted, and as the model expects it on average over the same places."""

    before: tuple[int, ...]
    after: tuple[int, ...]
    counted: tuple[tuple[float, ...], ...]
    """p(after | before) by counting, one row for each of `before`."""
    learned: tuple[tuple[float, ...], ...]
    places: int
    """Predictions compared."""


@torch.no_grad()
def compare_with_counts(trainer: Trainer, size: int = 8) -> CountComparison:
    """The `size` most frequent tokens of the first lines, and what comes after them."""
    rows: Examples = trainer.examples
    batch = next(rows.chunks(_LINES))
    scored = batch.targets != IGNORED
    p = trainer.model(batch.inputs, batch.lengths).double().softmax(-1)[scored].numpy()  # (places, vocabulary)
    inputs, targets = batch.inputs[scored].numpy(), batch.targets[scored].numpy()
    before = tuple(token for token, _ in Counter(inputs.tolist()).most_common(size))
    after = tuple(token for token, _ in Counter(targets.tolist()).most_common(size))
    counted, learned = [], []
    for token in before:
        here = inputs == token
        counted.append(tuple(float((targets[here] == follower).mean()) for follower in after))
        learned.append(tuple(p[here][:, list(after)].mean(axis=0).tolist()))
    return CountComparison(before, after, tuple(counted), tuple(learned), len(targets))
