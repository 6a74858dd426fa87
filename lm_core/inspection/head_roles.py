"""What each attention head was measured to look at on one text, by four patterns that the literature names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ROLES = ("previous", "first", "same", "followed")
"""The token before; the first token (attention sink, Xiao et al. 2023); the same token earlier (duplicate-token head,
Wang et al. 2022); what followed the same token earlier (induction head, Olsson et al. 2022)."""


@dataclass(frozen=True)
class HeadRoles:
    """Mean attention that a head gives to the places of each role, over the readers for which there are such places."""

    scores: NDArray[np.float64]
    """(roles, layers, heads), from 0 to 1; nan where no reader has such a place."""
    readers: tuple[int, ...]
    """How many readers each role was measured over."""

    def strongest(self, layer: int, head: int) -> tuple[str, float]:
        """The role with the highest score, and the score; layer and head count from 0."""
        scores = self.scores[:, layer, head]
        best = int(np.nanargmax(scores)) if not np.isnan(scores).all() else 0
        return ROLES[best], float(scores[best])


def head_roles(ids: Sequence[int], attention: NDArray[np.float32]) -> HeadRoles:
    """Scores of all heads, from their `attention` (layers, heads, query, key) over the text `ids`.

    A score is the mean over readers t of the sum of A[t, s] over the places s of the role, A being the attention of one
    head. Places of a reader that has read ids[0..t]: previous s = t - 1; first s = 0; same s < t with ids[s] = ids[t];
    followed s = s' + 1 <= t for such an s'. The first token reads itself alone and is no reader.

    >>> attention = np.zeros((1, 1, 3, 3), np.float32)
    >>> attention[0, 0] = [[1, 0, 0], [1, 0, 0], [0, 1, 0]]  # of "a b a": each reads the token before
    >>> found = head_roles((5, 6, 5), attention)
    >>> found.strongest(0, 0), found.scores[:, 0, 0].tolist(), found.readers
    (('previous', 1.0), [1.0, 0.5, 0.0, 1.0], (2, 2, 1, 1))
    """
    places = _places(tuple(ids))  # (roles, reader, key)
    readers = places.any(axis=2)  # (roles, reader)
    given = np.einsum("rqk,lhqk->rlhq", places, attention.astype(np.float64))
    counts = readers.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        scores = given.sum(axis=3) / counts[:, None, None]  # a reader without places gives 0 to the sum
    return HeadRoles(scores, tuple(int(count) for count in counts))


def _places(ids: tuple[int, ...]) -> NDArray[np.bool_]:
    time = len(ids)
    reader, key = np.arange(time)[:, None], np.arange(time)[None]
    text = np.asarray(ids)
    same = (text[:, None] == text[None]) & (key < reader)
    followed = np.zeros_like(same)
    followed[:, 1:] = same[:, :-1]
    reads = np.broadcast_to(reader > 0, same.shape)
    return np.stack([(key == reader - 1) & reads, (key == 0) & reads, same, followed])
