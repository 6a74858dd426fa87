"""Token ids of sentences to batches: rows of inputs and the targets each position should predict.

Rows are drawn with the caller's generator, so that a run can be repeated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lm_core.errors import InvalidInput, real_number, whole_number
from lm_core.training.loss import IGNORED


@dataclass(frozen=True)
class Batch:
    """Rows for one pass; where a row is shorter than the others, its targets are IGNORED."""

    inputs: Tensor
    """(batch, time) token ids, filled up on the right with 0."""
    targets: Tensor
    """(batch, time) the ids to be predicted."""
    lengths: list[int]

    @property
    def tokens(self) -> int:
        """Targets that are scored."""
        return int((self.targets != IGNORED).sum())


class Examples:
    """Sentences as rows for next-token prediction: <bos> a b c -> a b c <eos>.

    A sentence longer than `context_length` is cut into rows that overlap by one token, so that each token is a target
    once. With `unscored`, the first targets of a row are ignored: an n-gram without padding has no context there.

    >>> rows = Examples([[5, 6], [7]], context_length=8, bos=0, eos=1)
    >>> rows.all().inputs.tolist(), rows.all().targets.tolist()
    ([[0, 5, 6], [0, 7, 0]], [[5, 6, 1], [7, 1, -100]])
    """

    def __init__(self, sentences: Sequence[Sequence[int]], context_length: int, bos: int | None = 0,
                 eos: int | None = 1, unscored: int = 0) -> None:  # fmt: skip
        self.context_length = whole_number("context_length", context_length, 1)
        text: list[int] = []
        rows: list[tuple[int, int, int]] = []
        for sentence in sentences:
            begin = len(text)
            text += [*([] if bos is None else [bos]), *sentence, *([] if eos is None else [eos])]
            for start in range(begin, len(text) - 1, context_length):
                rows.append((start, min(context_length, len(text) - 1 - start), max(0, begin + unscored - start)))
        if all(length <= skipped for _, length, skipped in rows):
            raise InvalidInput("sentences", "text with at least one token to predict", f"{len(sentences)} sentences")
        self._text = np.array(text)
        if self._text.dtype != np.int64 or self._text.min() < 0:
            raise InvalidInput("sentences", "lists of token ids, whole numbers >= 0", self._text.dtype.name)
        self._starts, self._lengths, self._skipped = np.array(rows, np.int64).T

    def __len__(self) -> int:
        return len(self._starts)

    def all(self) -> Batch:
        """Every row, in order."""
        return self._batch(range(len(self)))

    def chunks(self, size: int) -> Iterator[Batch]:
        """Every row once, in order, `size` at a time."""
        for start in range(0, len(self), whole_number("size", size, 1)):
            yield self._batch(range(start, min(len(self), start + size)))

    def draw(self, size: int | None, generator: np.random.Generator) -> Batch:
        """`size` rows, each drawn from all; None takes every row and draws nothing."""
        if size is None:
            return self.all()
        while True:  # a row without a scored target can be drawn, a whole batch of them is drawn again
            batch = self._batch(generator.integers(len(self), size=whole_number("batch", size, 1)))
            if batch.tokens:
                return batch

    def _batch(self, numbers: Sequence[int] | NDArray[np.int64]) -> Batch:
        lengths = self._lengths[numbers][:, None]
        place = np.arange(lengths.max())  # (time,)
        at = np.minimum(self._starts[numbers][:, None] + place, len(self._text) - 2)  # (batch, time)
        real = place < lengths
        inputs = np.where(real, self._text[at], 0)
        targets = np.where(real & (place >= self._skipped[numbers][:, None]), self._text[at + 1], IGNORED)
        return Batch(torch.from_numpy(inputs), torch.from_numpy(targets), lengths[:, 0].tolist())


class BlankedExamples(Examples):
    """Sentences with some tokens hidden behind <mask>, to be filled in from both sides (Devlin 2019).

    Each token is hidden with probability `rate`, at least one in a row; the target of what is hidden is the token
    itself, all other targets are ignored. A longer sentence is cut into rows that stand alone.

    >>> rows = BlankedExamples([[5, 6, 7]], context_length=8, mask=2, rate=0.03)
    >>> batch = rows.draw(1, np.random.Generator(np.random.PCG64(0)))
    >>> batch.inputs.tolist(), batch.targets.tolist()
    ([[0, 5, 6, 2, 1]], [[-100, -100, -100, 7, -100]])
    """

    def __init__(self, sentences: Sequence[Sequence[int]], context_length: int, mask: int, rate: float = 0.15,
                 bos: int = 0, eos: int = 1) -> None:  # fmt: skip
        room = whole_number("context_length", context_length, 3) - 2  # beside <bos> and <eos>
        pieces = [sentence[i : i + room] for sentence in sentences for i in range(0, len(sentence), room)]
        super().__init__(pieces, context_length, bos, eos)
        self.rate = real_number("rate", rate, "a number above 0 and at most 1", lambda r: 0 < r <= 1)
        self._mask, self._eos = whole_number("mask", mask, 0), eos

    def draw(self, size: int | None, generator: np.random.Generator) -> Batch:
        """As Examples.draw, and draws which tokens are hidden."""
        return self._hide(super().draw(size, generator), generator)

    def chunks(self, size: int) -> Iterator[Batch]:
        """As Examples.chunks, hiding the same tokens each time."""
        generator = np.random.Generator(np.random.PCG64(0))
        for whole in super().chunks(size):
            yield self._hide(whole, generator)

    def _hide(self, whole: Batch, generator: np.random.Generator) -> Batch:
        lengths = np.array(whole.lengths)[:, None] + 1  # <eos> is read too, so that the right side is complete
        text = np.pad(whole.inputs.numpy(), ((0, 0), (0, 1)))
        place = np.arange(text.shape[1])
        text[place == lengths - 1] = self._eos
        words = (place > 0) & (place < lengths - 1)  # <bos> and <eos> always show
        luck = np.where(words, generator.random(text.shape), 2.0)
        hidden = words & ((luck < self.rate) | (luck == luck.min(axis=1, keepdims=True)))
        inputs, targets = np.where(hidden, self._mask, text), np.where(hidden, text, IGNORED)
        return Batch(torch.from_numpy(inputs), torch.from_numpy(targets), lengths[:, 0].tolist())
