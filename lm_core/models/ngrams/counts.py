"""Counts n-grams of sentences.

Sentences are padded with n - 1 <bos> on the left and one <eos> on the right; <bos> is only ever a condition, <eos>
is predicted and counted. An n-gram is packed into one 64-bit number, so vocab_size ** order must fit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from lm_core.errors import InvalidInput, whole_number

Keys = NDArray[np.int64]
CHUNK = 4_000_000
"""Tokens counted at a time: whatever the corpus, counting needs some 150 MB beside the ids and the result."""


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
        """Counts sentences of token ids, some millions of tokens at a time."""
        held: list[int] = []
        lengths: list[int] = []
        for sentence in sentences:
            held.extend(sentence)
            lengths.append(len(sentence))
            if len(held) >= CHUNK:
                self.add_array(_whole(held), np.array(lengths))
                held, lengths = [], []
        if lengths:
            self.add_array(_whole(held), np.array(lengths))

    def add_array(self, ids: NDArray[np.integer], lengths: NDArray[np.integer]) -> None:
        """Counts sentences that stand one after the other in `ids`; `lengths` says where each ends."""
        if ids.ndim != 1 or lengths.ndim != 1 or ids.dtype.kind not in "iu" or lengths.sum() != len(ids):
            given = f"{ids.dtype} of shape {ids.shape}, lengths that sum to {lengths.sum()}"
            raise InvalidInput("ids", "a vector of whole numbers, as long as the lengths together", given)
        if len(ids) and not (int(ids.min()) >= 0 and int(ids.max()) < self.vocab_size):
            wrong = ids[(ids < 0) | (ids >= self.vocab_size)][0]
            raise InvalidInput("token id", f"a whole number from 0 to {self.vocab_size - 1}", int(wrong))
        ends = np.cumsum(lengths)
        first = 0
        while first < len(lengths):  # in chunks of whole sentences, so that memory stays bounded
            begin = int(ends[first - 1]) if first else 0
            last = max(first + 1, int(np.searchsorted(ends, begin + CHUNK, side="right")))
            self._count(ids[begin : ends[last - 1]], lengths[first:last])
            first = last

    def _count(self, ids: NDArray[np.integer], lengths: NDArray[np.integer]) -> None:
        self._absorb(*_counted(self._packed_events(ids, lengths), self.vocab_size**self.order))

    def pack(self, sentences: Iterable[Sequence[int]]) -> Keys:
        """Every event of these sentences as one number (see `packed`): all tokens in order, then each <eos>."""
        rows = list(sentences)
        lengths = np.array([len(row) for row in rows], np.int64)
        ids = _whole([token for row in rows for token in row])
        if len(ids) and not (int(ids.min()) >= 0 and int(ids.max()) < self.vocab_size):
            raise InvalidInput("token id", f"a whole number from 0 to {self.vocab_size - 1}", int(ids.max()))
        return self._packed_events(ids, lengths)

    def _packed_events(self, ids: NDArray[np.integer], lengths: NDArray[np.integer]) -> Keys:
        """Packs every token, and every <eos>, with the n - 1 before it into one number."""
        ends = np.cumsum(lengths)
        starts = ends - lengths
        keys = np.zeros(len(ids) + len(lengths), np.int64)
        tokens, closings = keys[: len(ids)], keys[len(ids) :]
        for back in range(self.order - 1, 0, -1):
            pad = np.full(min(back, len(ids)), self.bos, ids.dtype)
            before = np.concatenate([pad, ids[: len(ids) - len(pad)]])  # the token `back` places earlier
            for place in range(back):  # it is <bos>, not a token of the sentence before
                before[(starts + place)[lengths > place]] = self.bos
            tokens *= self.vocab_size
            tokens += before
            reaches = lengths >= back
            last = np.full(len(lengths), self.bos, np.int64)
            last[reaches] = ids[ends[reaches] - back]
            closings *= self.vocab_size
            closings += last
        keys *= self.vocab_size
        tokens += ids
        closings += self.eos
        return keys

    def _absorb(self, keys: Keys, counts: Keys) -> None:
        """Merges sorted distinct keys and their counts into those held."""
        if not len(self._keys):
            self._keys, self._counts = keys, counts
            return
        every = np.concatenate([self._keys, keys])
        order = np.argsort(every, kind="stable")  # two sorted runs: a merge, not a sort
        every, counts = every[order], np.concatenate([self._counts, counts])[order]
        first = np.flatnonzero(np.diff(every, prepend=-1))
        self._keys, self._counts = every[first], np.add.reduceat(counts, first)

    @property
    def packed(self) -> tuple[Keys, Keys]:
        """The n-grams seen, each packed into one number (token ids as digits to the base vocab_size), and counts."""
        return self._keys, self._counts

    @packed.setter
    def packed(self, keys_and_counts: tuple[Keys, Keys]) -> None:
        self._keys, self._counts = keys_and_counts

    def merge(self, other: NgramCounts) -> None:
        """Takes in counts made elsewhere, of the same order and vocabulary."""
        mine, theirs = ((c.order, c.vocab_size, c.bos, c.eos) for c in (self, other))
        if mine != theirs:
            raise InvalidInput("other", f"counts of (order, vocabulary, bos, eos) {mine}", theirs)
        self._absorb(other._keys, other._counts)

    def widened(self, vocab_size: int) -> NgramCounts:
        """The same counts over a vocabulary with more tokens behind the old ones, none of them seen yet."""
        whole_number("vocab_size", vocab_size, self.vocab_size)
        wider = NgramCounts(self.order, vocab_size, self.bos, self.eos)
        left, place = self._keys, 1
        wider._keys, wider._counts = np.zeros_like(left), self._counts
        for _ in range(self.order):  # digit by digit, the last token first; the order stays
            left, digit = np.divmod(left, self.vocab_size)
            wider._keys += digit * place
            place *= vocab_size
        return wider

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

    def count_of(self, keys: Keys) -> Keys:
        """How often each packed n-gram was seen; 0 for a new one."""
        if not len(self._keys):
            return np.zeros(len(keys), np.int64)
        at = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        return np.where(self._keys[at] == keys, self._counts[at], 0)

    def contexts_of(self, keys: Keys) -> tuple[Keys, Keys]:
        """For the context of each packed n-gram: how often it was seen, and with how many different next tokens."""
        low = keys - keys % self.vocab_size
        first, end = np.searchsorted(self._keys, low), np.searchsorted(self._keys, low + self.vocab_size)
        running = np.concatenate([[0], np.cumsum(self._counts)])
        return running[end] - running[first], end - first

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


def _whole(ids: list[int]) -> NDArray[np.integer]:
    return np.array(ids) if ids else np.empty(0, np.int64)


def _counted(keys: Keys, possible: int) -> tuple[Keys, Keys]:
    """Distinct keys, sorted, and how often each occurs; sorts `keys` in place."""
    if possible <= 2 * len(keys):  # a slot for each possible key is cheaper than sorting
        table = np.bincount(keys, minlength=1)
        seen = np.flatnonzero(table)
        return seen, table[seen]
    keys.sort()
    first = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    return keys[first], np.diff(first, append=len(keys))
