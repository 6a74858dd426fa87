"""Held-out evaluation of n-gram smoothing: a sentence token by token, perplexity, the best k.

The same numbers as `perplexity`, over many events at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from lm_core.errors import InvalidInput
from lm_core.models.ngrams.count_table import CountedCorpus, Ids, unpacked
from lm_core.models.ngrams.counts import NgramCounts
from lm_core.models.ngrams.events import add_k, probabilities_of
from lm_core.models.ngrams.model import NgramModel
from lm_core.scoring.perplexity import require_distribution


@dataclass(frozen=True)
class HeldOut:
    """What a model makes of text that it was not counted from."""

    events: int
    """Tokens and ends of sentences scored."""
    impossible: int
    """Those of probability 0: one of them makes the perplexity infinite."""
    log_probability: float
    """Sum over the possible ones, nats."""

    @classmethod
    def of(cls, probabilities: ArrayLike) -> HeldOut:
        """From the probability of each event.

        >>> HeldOut.of([0.5, 0.0, 0.5]).perplexity, HeldOut.of([0.5, 0.0, 0.5]).perplexity_of_possible
        (inf, 2.0)
        """
        given = np.asarray(probabilities, np.float64)
        possible = given[given > 0]
        joint = float(np.log(possible).sum(dtype=np.longdouble))
        return cls(len(given), len(given) - len(possible), joint)

    @property
    def perplexity(self) -> float:
        """exp of the mean surprise; infinite as soon as one event is impossible."""
        return math.inf if self.impossible else self.perplexity_of_possible

    @property
    def perplexity_of_possible(self) -> float:
        """The same over the possible events alone; nan if there are none."""
        possible = self.events - self.impossible
        return math.exp(min(709.0, -self.log_probability / possible)) if possible else math.nan


def held_out(model: NgramModel, sentences: Sequence[Sequence[int]]) -> HeldOut:
    """Scores sentences under a model; the perplexity is that of `scoring.score_sentences`.

    Raises InvalidInput for a model whose rows do not sum to 1, which has none: see `backoff_score`.

    >>> from lm_core.text.corpus import SIX_MESSAGES
    >>> words = SIX_MESSAGES.tokenizer("word")
    >>> six = SIX_MESSAGES.encode(words)
    >>> round(held_out(NgramModel.fit(six, order=2, tokenizer=words), six).perplexity, 4)
    1.6947
    """
    require_distribution(model)
    return HeldOut.of(probabilities_of(model, sentences))


@dataclass(frozen=True)
class BackoffScore:
    """What a model whose rows do not sum to 1 makes of text: a mean log score, which is no cross-entropy.

    Stupid backoff (Brants 2007) gives such scores: they rank continuations, and there is no perplexity to them.
    """

    events: int
    """Tokens and ends of sentences scored."""
    impossible: int
    """Those of score 0."""
    mean_log_score: float
    """Mean of ln S over the possible ones, nats; nan if there are none."""
    largest_row_sum: float
    """Of the contexts of the text the one whose scores sum to most; a distribution sums to 1."""


def backoff_score(model: NgramModel, sentences: Sequence[Sequence[int]]) -> BackoffScore:
    """Scores sentences under stupid backoff.

    >>> from lm_core.models.ngrams.model import StupidBackoff
    >>> from lm_core.text.corpus import SIX_MESSAGES
    >>> words = SIX_MESSAGES.tokenizer("word")
    >>> six = SIX_MESSAGES.encode(words)
    >>> found = backoff_score(NgramModel.fit(six, order=2, tokenizer=words, smoothing=StupidBackoff()), six)
    >>> round(found.mean_log_score, 4), round(found.largest_row_sum, 2)
    (-0.5275, 1.3)
    """
    scores = probabilities_of(model, sentences)
    possible = scores[scores > 0]
    mean = float(np.log(possible).mean()) if len(possible) else math.nan
    bos, eos, back = model.counts[0].bos, model.counts[0].eos, model.order - 1
    texts = [[*[bos] * back, *sentence, eos] for sentence in sentences]
    contexts = {tuple(text[at - back : at]) for text in texts for at in range(back, len(text))}
    largest = max((float(model.probabilities(context).sum()) for context in contexts), default=math.nan)
    return BackoffScore(len(scores), len(scores) - len(possible), mean, largest)


def over_k(counts: NgramCounts, sentences: Sequence[Sequence[int]], ks: Sequence[float]) -> tuple[HeldOut, ...]:
    """The same under add-k smoothing, for each k."""
    keys = counts.pack(sentences)
    return tuple(HeldOut.of(add_k(counts, keys, k)) for k in ks)


def best_k(curve: Sequence[HeldOut], ks: Sequence[float]) -> float:
    """The k of the lowest held-out perplexity, the smallest among equals."""
    if not ks or len(curve) != len(ks):
        raise InvalidInput("ks", "one for each point of the curve, at least one", len(ks))
    return ks[min(range(len(ks)), key=lambda i: (curve[i].perplexity, ks[i]))]


@dataclass(frozen=True)
class ScoredToken:
    """One token of a sentence, with the count it is predicted from."""

    context: Ids
    id: int
    count: int
    total: int
    """Of its context."""
    probability: float

    @property
    def log_probability(self) -> float:
        """Natural logarithm, nats; -inf for an impossible token."""
        return math.log(self.probability) if self.probability else -math.inf


def score_sentence(counted: CountedCorpus, order: int, ids: Sequence[int], k: float) -> tuple[ScoredToken, ...]:
    """Every token of a sentence and its end under add-k smoothing; the corpus must know all of its tokens."""
    counts = counted.counts(order)
    keys = counts.pack([ids])
    events = zip(keys.tolist(), counts.count_of(keys).tolist(), counts.contexts_of(keys)[0].tolist())
    probabilities = add_k(counts, keys, k).tolist()
    size = counts.vocab_size
    return tuple(
        ScoredToken(unpacked(key // size, size, order - 1), key % size, count, total, p)
        for (key, count, total), p in zip(events, probabilities)
    )
