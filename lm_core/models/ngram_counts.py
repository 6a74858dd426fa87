"""Sentences become counts of n-grams, and each count leads back to the sentences it came from.

Sentences are padded with n - 1 <bos> on the left and one <eos> on the right; <bos> is only ever a condition, <eos>
is predicted and counted. Counting packs an n-gram into one 64-bit number, so vocab_size ** order must fit.
Knows ids only.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from lm_core.errors import InvalidInput, whole_number

Keys = NDArray[np.int64]
BUFFER = 4_000_000  # n-grams held unsorted: 32 MB, so that counting needs little beyond the result


class NgramCounts:
    """How often each n-gram of one order was seen. Streams, and merges with counts of other text.

    >>> counts = NgramCounts(order=2, vocab_size=5, bos=0, eos=1)
    >>> counts.add([[2, 3], [2, 4], [2, 3]])
    >>> counts.row([2]).tolist(), counts.total([2]), counts.events
    ([0, 0, 0, 2, 1], 3, 9)
    """

    def __init__(self, order: int, vocab_size: int, bos: int, eos: int) -> None:
        self.order = whole_number("order", order, 1)
        self.vocab_size = whole_number("vocab_size", vocab_size, 2)
        self.bos = whole_number("bos", bos, 0, vocab_size - 1)
        self.eos = whole_number("eos", eos, 0, vocab_size - 1)
        if vocab_size**order > 2**63:
            highest = int(63 / math.log2(vocab_size))
            raise InvalidInput("order", f"at most {highest} for a vocabulary of {vocab_size:,}", order)
        self._keys: Keys = np.empty(0, np.int64)
        self._counts: Keys = np.empty(0, np.int64)

    def add(self, sentences: Iterable[Sequence[int]]) -> None:
        """Counts sentences of token ids."""
        held: list[Keys] = []
        for sentence in sentences:
            held.append(self._pack(sentence))
            if sum(map(len, held)) >= BUFFER:
                self._absorb(*np.unique(np.concatenate(held), return_counts=True))
                held = []
        if held:
            self._absorb(*np.unique(np.concatenate(held), return_counts=True))

    def _pack(self, sentence: Sequence[int]) -> Keys:
        ids = np.concatenate([np.full(self.order - 1, self.bos), np.asarray(sentence, np.int64), [self.eos]])
        ids = ids.astype(np.int64)
        if len(sentence) and not (ids.min() >= 0 and ids.max() < self.vocab_size):
            raise InvalidInput("token id", f"a whole number from 0 to {self.vocab_size - 1}", int(ids.max()))
        keys = np.zeros(len(sentence) + 1, np.int64)
        for place in range(self.order):
            keys = keys * self.vocab_size + ids[place : place + len(keys)]
        return keys

    def _absorb(self, keys: Keys, counts: Keys) -> None:
        every = np.concatenate([self._keys, keys])
        self._keys, where = np.unique(every, return_inverse=True)
        merged = np.zeros(len(self._keys), np.int64)
        np.add.at(merged, where, np.concatenate([self._counts, counts]))
        self._counts = merged

    def merge(self, other: NgramCounts) -> None:
        """Takes in counts made elsewhere, of the same order and vocabulary."""
        mine, theirs = ((c.order, c.vocab_size, c.bos, c.eos) for c in (self, other))
        if mine != theirs:
            raise InvalidInput("other", f"counts of (order, vocabulary, bos, eos) {mine}", theirs)
        self._absorb(other._keys, other._counts)

    @property
    def events(self) -> int:
        """Predictions counted: all tokens and one <eos> a sentence."""
        return int(self._counts.sum())

    @property
    def distinct(self) -> int:
        """Different n-grams seen."""
        return len(self._keys)

    def _span(self, context: Sequence[int]) -> slice:
        if len(context) != self.order - 1:
            raise InvalidInput("context", f"{self.order - 1} token ids", list(context))
        prefix = 0
        for token_id in context:
            prefix = prefix * self.vocab_size + whole_number("token id", token_id, 0, self.vocab_size - 1)
        low = prefix * self.vocab_size
        return slice(*np.searchsorted(self._keys, [low, low + self.vocab_size]).tolist())

    def row(self, context: Sequence[int]) -> Keys:
        """Counts of every token after this context, shape (vocab_size,)."""
        span = self._span(context)
        row = np.zeros(self.vocab_size, np.int64)
        row[self._keys[span] % self.vocab_size] = self._counts[span]
        return row

    def total(self, context: Sequence[int]) -> int:
        """How often the context was seen with anything after it."""
        return int(self._counts[self._span(context)].sum())

    def continuations(self) -> NgramCounts:
        """One order lower: in how many different contexts each shorter n-gram was seen (Kneser-Ney's counts)."""
        lower = NgramCounts(self.order - 1, self.vocab_size, self.bos, self.eos)
        lower._keys, lower._counts = np.unique(self._keys % self.vocab_size ** (self.order - 1), return_counts=True)
        return lower


def occurrences(
    sentences: Iterable[Sequence[int]], context: Sequence[int], token: int, bos: int, eos: int
) -> Iterator[int]:
    """Numbers of the sentences in which `token` follows `context`, once for each time it does.

    >>> list(occurrences([[2, 3], [2, 4], [2, 3, 2, 3]], context=[2], token=3, bos=0, eos=1))
    [0, 2, 2]
    """
    wanted = [*context, token]
    for number, sentence in enumerate(sentences):
        padded = [*[bos] * len(context), *sentence, eos]
        for start in range(len(padded) - len(context)):
            if padded[start : start + len(wanted)] == wanted:
                yield number
