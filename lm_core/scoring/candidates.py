"""Scores whole answers: the probability of each of many candidates after one prompt, by the chain rule.

A model that gives the first token of the right answer the most probability may still mean another answer: " 1" also
begins " 12.". So each candidate is scored to its end, and candidates that begin alike share forward passes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lm_core.errors import InvalidInput
from lm_core.logits import log_softmax
from lm_core.models import LanguageModel

if TYPE_CHECKING:
    from lm_core.models.kv_cache import KVCache

Ids = tuple[int, ...]


def score_candidates(
    model: LanguageModel, context: Sequence[int], candidates: Sequence[Sequence[int]]
) -> tuple[float, ...]:
    """ln P(candidate | context) of each, nats. Neither may be empty.

    >>> from lm_core.text.corpus import SIX_MESSAGES
    >>> from lm_core.models.ngrams.model import NgramModel
    >>> words = SIX_MESSAGES.tokenizer("word")
    >>> model = NgramModel.fit(SIX_MESSAGES.encode(words), order=2, tokenizer=words)
    >>> given = [words.encode(text) for text in ("left hub", "left warehouse")]
    >>> [round(math.exp(p), 3) for p in score_candidates(model, words.encode("parcel"), given)]
    [0.333, 0.5]
    """
    if not context or not candidates or not all(candidates):
        raise InvalidInput("context and candidates", "at least one token each", (len(context), len(candidates)))
    rows = _rows(model, tuple(context), {tuple(c[:i]) for c in candidates for i in range(len(c))})
    return tuple(math.fsum(float(rows[tuple(c[:i])][c[i]]) for i in range(len(c))) for c in candidates)


def _rows(model: LanguageModel, context: Ids, beginnings: set[Ids]) -> dict[Ids, np.ndarray]:
    """Log-probabilities of the next token after the context and each beginning; as many passes as these are long."""
    cache = model.new_cache()
    if cache is None:
        ordered = sorted(beginnings)
        return dict(zip(ordered, map(log_softmax, model.next_logits([[*context, *ids] for ids in ordered]))))
    rows: dict[Ids, np.ndarray] = {(): log_softmax(model.next_logits([context], [cache])[0])}
    caches: dict[Ids, KVCache] = {(): cache}
    for length in range(1, 1 + max(map(len, beginnings))):
        level = sorted(ids for ids in beginnings if len(ids) == length)
        forks = [caches[ids[:-1]].fork(len(context) + length - 1) for ids in level]
        answers = model.next_logits([ids[-1:] for ids in level], forks)
        rows |= dict(zip(level, map(log_softmax, answers)))
        caches = dict(zip(level, forks))
    return rows


@dataclass(frozen=True)
class CandidateScores:
    """What a model makes of one question with a right answer and a tempting one; numbers are places in the list of
    candidates."""

    log_probabilities: tuple[float, ...]
    """Of each candidate, nats."""
    right: int
    tempting: int

    @property
    def given(self) -> int:
        """The likeliest candidate, the first among equals."""
        return int(np.argmax(self.log_probabilities))

    @property
    def rest(self) -> float:
        """The probability of everything that is no candidate."""
        return max(0.0, 1 - math.fsum(map(math.exp, self.log_probabilities)))


@dataclass(frozen=True)
class Tally:
    """Many answers, counted.

    >>> said = [CandidateScores((-1.0, -2.0, -3.0), right=right, tempting=1) for right in (0, 2)]
    >>> tally = Tally.of(said)
    >>> tally.right, tally.tempting, tally.prefers_right, tally.commonest
    (1, 0, 1, 2)
    """

    n: int
    right: int
    """Answers given that are right."""
    tempting: int
    """Answers given that are the tempting ones."""
    prefers_right: int
    """Cases in which the right answer is likelier than the tempting one."""
    commonest: int
    """How often the commonest answer was given: all of them, for a model that says one thing whatever it is asked."""
    best_constant: int
    """How many would be right if one and the same answer, the best of those, were given to all."""
    mean_right: float
    """Mean probability of the right answer."""

    @classmethod
    def of(cls, answers: Sequence[CandidateScores]) -> Tally:
        """Raises InvalidInput for no answers."""
        if not answers:
            raise InvalidInput("answers", "at least one", 0)
        given, right = [answer.given for answer in answers], [answer.right for answer in answers]
        ahead = [a for a in answers if a.log_probabilities[a.right] > a.log_probabilities[a.tempting]]
        return cls(
            len(answers),
            sum(a.given == a.right for a in answers),
            sum(a.given == a.tempting for a in answers),
            len(ahead),
            max(map(given.count, given)),
            max(map(right.count, right)),
            math.fsum(math.exp(a.log_probabilities[a.right]) for a in answers) / len(answers),
        )

    @property
    def beats_shortcuts(self) -> bool:
        """Whether more answers are right than are tempting, and more than one answer to everything would get right."""
        return self.right > max(self.tempting, self.best_constant)


def ask_question(
    model: LanguageModel, context: Sequence[int], candidates: Sequence[Ids], right: int, tempting: int
) -> CandidateScores:
    """Scores every candidate after the context."""
    return CandidateScores(score_candidates(model, context, candidates), right, tempting)
