"""Probabilities of many n-gram events at once: what `NgramModel` says row by row, for a whole text in one pass.

The same numbers as `scoring`, a thousand times faster, so that held-out perplexity follows a slider. A context that
was never seen gives bare counts nothing to say: its events get probability 0 here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from lm_core.errors import real_number
from lm_core.models.ngrams.counts import Keys, NgramCounts
from lm_core.models.ngrams.model import AddK, NgramModel, StupidBackoff

Probabilities = NDArray[np.float64]


def probabilities_of(model: NgramModel, sentences: Iterable[Sequence[int]]) -> Probabilities:
    """Of every token in order, then of each sentence's end; shape (tokens + sentences,).

    >>> from lm_core.text.corpus import SIX_MESSAGES
    >>> words = SIX_MESSAGES.tokenizer("word")
    >>> six = SIX_MESSAGES.encode(words)
    >>> probabilities_of(NgramModel.fit(six, order=2, tokenizer=words), six[:1]).round(3).tolist()
    [0.333, 1.0, 0.5, 1.0]
    """
    keys = model.counts[-1].pack(sentences)
    if isinstance(model.smoothing, AddK):
        return add_k(model.counts[-1], keys, model.smoothing.k)
    if isinstance(model.smoothing, StupidBackoff):
        return _back_off(model.counts, keys, model.smoothing.alpha)
    return _discounted(model.used_counts, keys, model.smoothing.d)


def add_k(counts: NgramCounts, keys: Keys, k: float) -> Probabilities:
    """(count + k) / (total + k x vocabulary) of packed events; 0 where there is nothing to divide by."""
    real_number("k", k, "a finite number >= 0", lambda value: 0 <= value < np.inf)
    totals, _ = counts.contexts_of(keys)
    return _ratio(counts.count_of(keys) + k, totals + k * counts.vocab_size)


def _ratio(above: NDArray[np.floating], below: NDArray[np.floating]) -> Probabilities:
    return np.divide(above, below, out=np.zeros(len(above)), where=below > 0)


def _discounted(counts: Sequence[NgramCounts], keys: Keys, d: float) -> Probabilities:
    mine = counts[-1]
    seen = mine.count_of(keys).astype(np.float64)
    totals, different = mine.contexts_of(keys)
    if len(counts) == 1:
        return _ratio(seen, totals.astype(np.float64))
    lower = _discounted(counts[:-1], keys % mine.vocab_size ** (mine.order - 1), d)
    known = totals > 0
    below = np.where(known, totals, 1).astype(np.float64)
    return np.where(known, np.maximum(seen - d, 0) / below + d * different / below * lower, lower)


def _back_off(counts: Sequence[NgramCounts], keys: Keys, alpha: float) -> Probabilities:
    mine = counts[-1]
    seen = mine.count_of(keys).astype(np.float64)
    mle = _ratio(seen, mine.contexts_of(keys)[0].astype(np.float64))
    if len(counts) == 1:
        return mle
    return np.where(seen > 0, mle, alpha * _back_off(counts[:-1], keys % mine.vocab_size ** (mine.order - 1), alpha))
