"""Counts become a language model: how often each token followed the last n - 1, with or without smoothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lm_core.errors import InvalidInput, real_number, whole_number
from lm_core.models.lookup_model import LookupModel
from lm_core.models.ngrams.counts import NgramCounts
from lm_core.text.tokenizers import Tokenizer


@dataclass(frozen=True)
class AddK:
    """Adds k to every count (Lidstone; k = 1 is Laplace, k = 0 the bare counts)."""

    k: float = 1.0

    def __post_init__(self) -> None:
        real_number("k", self.k, "a finite number >= 0", lambda k: 0 <= k < math.inf)


@dataclass(frozen=True)
class AbsoluteDiscounting:
    """Takes d from every seen count and gives it to the lower order (Ney 1994), down to bare unigrams."""

    d: float = 0.75

    def __post_init__(self) -> None:
        real_number("d", self.d, "a number above 0 and at most 1", lambda d: 0 < d <= 1)


@dataclass(frozen=True)
class KneserNey(AbsoluteDiscounting):
    """The same, but lower orders count contexts instead of occurrences (Kneser and Ney 1995, interpolated)."""


@dataclass(frozen=True)
class StupidBackoff:
    """Bare counts where there are any, else alpha times the lower order (Brants 2007). Not a distribution."""

    alpha: float = 0.4

    def __post_init__(self) -> None:
        real_number("alpha", self.alpha, "a number above 0 and at most 1", lambda a: 0 < a <= 1)


Smoothing = AddK | AbsoluteDiscounting | StupidBackoff
SMOOTHINGS = {kind.__name__: kind for kind in (AddK, AbsoluteDiscounting, KneserNey, StupidBackoff)}


class NgramModel(LookupModel):
    """A `LanguageModel` over counts of all orders up to n.

    >>> from lm_core.text.tokenizers import WordTokenizer
    >>> words = WordTokenizer(["package", "left", "hub"], special=["<bos>", "<eos>"])
    >>> model = NgramModel.fit([words.encode("package left hub")], order=2, tokenizer=words)
    >>> model.probabilities([words.encode("left")[0]]).tolist()
    [0.0, 0.0, 0.0, 0.0, 1.0]
    """

    def __init__(self, counts: Sequence[NgramCounts], tokenizer: Tokenizer, smoothing: Smoothing) -> None:
        self.counts = tuple(counts)
        """By order, unigrams first."""
        self.order = len(counts)
        self.tokenizer = tokenizer
        self.vocab_size = counts[0].vocab_size
        self.end_ids = frozenset({counts[0].eos})
        self.smoothing = smoothing
        self.is_distribution = not isinstance(smoothing, StupidBackoff)
        """False: its rows are scores that need not sum to 1."""
        self.used_counts = self.counts
        if isinstance(smoothing, KneserNey):
            self.used_counts = (*(higher.continuations() for higher in self.counts[1:]), self.counts[-1])

    @classmethod
    def fit(
        cls,
        sentences: Sequence[Sequence[int]],
        order: int,
        tokenizer: Tokenizer,
        smoothing: Smoothing = AddK(0),
        bos: int = 0,
        eos: int = 1,
    ) -> NgramModel:
        """Counts all orders from 1 to `order`."""
        counts = [NgramCounts(n, tokenizer.vocab_size, bos, eos) for n in range(1, whole_number("order", order, 1) + 1)]
        for each in counts:
            each.add(sentences)
        return cls(counts, tokenizer, smoothing)

    def probabilities(self, ids: Sequence[int]) -> NDArray[np.float64]:
        """Scores of every next token after `ids`, shape (vocab_size,); they sum to 1 if `is_distribution`.

        Raises InvalidInput for a context that was never seen, where bare counts have nothing to say.
        """
        bos = self.counts[0].bos
        context = [*[bos] * (self.order - 1), *ids][len(ids) :] if self.order > 1 else []
        if isinstance(self.smoothing, AddK):
            return self._add_k(context, self.smoothing.k)
        if isinstance(self.smoothing, StupidBackoff):
            return self._back_off(context, self.smoothing.alpha)
        return self._discounted(context, self.smoothing.d)

    def _add_k(self, context: list[int], k: float) -> NDArray[np.float64]:
        row = self.counts[len(context)].row(context) + k
        if row.sum() == 0:
            text = self.tokenizer.decode(context)
            raise InvalidInput("context", "one seen in the corpus, or choose a smoothing such as add-k", text)
        return np.asarray(row / row.sum())

    def _discounted(self, context: list[int], d: float) -> NDArray[np.float64]:
        row = self.used_counts[len(context)].row(context)
        if not context:
            return np.asarray(row / row.sum())
        lower = self._discounted(context[1:], d)
        if row.sum() == 0:
            return lower
        return np.asarray(np.maximum(row - d, 0) / row.sum() + d * np.count_nonzero(row) / row.sum() * lower)

    def _back_off(self, context: list[int], alpha: float) -> NDArray[np.float64]:
        row = self.counts[len(context)].row(context)
        if not context:
            return np.asarray(row / row.sum())
        lower = alpha * self._back_off(context[1:], alpha)
        return lower if row.sum() == 0 else np.where(row > 0, row / row.sum(), lower)

    def row(self, ids: Sequence[int]) -> NDArray[np.float64]:
        """See LookupModel.row. An empty sequence asks for the first token of a sentence."""
        with np.errstate(divide="ignore"):
            return np.log(self.probabilities(ids))
