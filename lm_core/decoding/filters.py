"""Filters: functions from logits to logits, as in transformers' logits processors. What a filter masks is -inf.

Arithmetic is float64. Top-k keeps ties with the k-th token, as transformers does; top-p and min-p compare with a
tolerance of 1e-9, because published cases pass in float32 and fail in float64 without it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lm_core.errors import InvalidInput, real_number, whole_number
from lm_core.logits import log_softmax, softmax

Logits = NDArray[np.float64]
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Context:
    """The ids so far; penalties treat the prompt and what was generated after it differently."""

    ids: Sequence[int] = ()
    prompt_length: int = 0

    @property
    def generated(self) -> Sequence[int]:
        return self.ids[self.prompt_length :]


class Filter(Protocol):
    """`apply` returns new logits of the same shape (vocab,) and never touches the ones it was given."""

    def apply(self, logits: Logits, context: Context) -> Logits: ...


def _seen(ids: Sequence[int], vocab_size: int) -> NDArray[np.int64]:
    """The different ids among these, checked: an unknown one has no logit to change."""
    seen = np.unique(np.asarray(ids, dtype=np.int64))
    if len(seen) and not (seen[0] >= 0 and seen[-1] < vocab_size):
        raise InvalidInput("context", f"ids from 0 to {vocab_size - 1}", int(seen[0] if seen[0] < 0 else seen[-1]))
    return seen


def _masked(logits: Logits, keep: NDArray[np.bool_]) -> Logits:
    return np.where(keep, logits, -np.inf)


def _likeliest_first(probabilities: Logits, mass: float) -> NDArray[np.intp]:
    """Ids by falling probability, the lower first among equals, at least until they hold `mass`.

    A few hundred tokens usually do; sorting the whole vocabulary would take ten times as long.
    """
    possible = np.flatnonzero(probabilities)
    pool = probabilities[possible]
    for size in (512, 8192):
        if size < len(pool):
            candidates = possible[pool >= np.partition(pool, -size)[-size]]
            if probabilities[candidates].sum() >= mass:
                return candidates[np.argsort(-probabilities[candidates], kind="stable")]
    return possible[np.argsort(-pool, kind="stable")]


@dataclass(frozen=True)
class Temperature:
    """Divides logits by `value`; 0 is greedy: only the largest logit stays, the lowest id among equals.

    >>> Temperature(2.0).apply(np.array([2.0, 1.0]), Context()).tolist()
    [1.0, 0.5]
    """

    value: float

    def __post_init__(self) -> None:
        real_number("temperature", self.value, "a finite number >= 0", lambda v: 0 <= v < math.inf)

    def apply(self, logits: Logits, context: Context) -> Logits:
        if self.value == 0:
            return _masked(logits, np.arange(len(logits)) == int(np.argmax(logits)))
        # The largest logit is subtracted first: a tiny temperature must not overflow to +inf.
        with np.errstate(over="ignore"):
            return (logits - logits.max()) / self.value if self.value < 1e-3 else logits / self.value


@dataclass(frozen=True)
class TopK:
    """Keeps the k largest logits (Fan 2018), and any equal to the k-th.

    >>> TopK(2).apply(np.array([2.0, 1.0, 1.0, 0.0]), Context()).tolist()
    [2.0, 1.0, 1.0, -inf]
    """

    k: int

    def __post_init__(self) -> None:
        whole_number("top_k", self.k, 1)

    def apply(self, logits: Logits, context: Context) -> Logits:
        if self.k >= len(logits):
            return logits.copy()
        return _masked(logits, logits >= np.partition(logits, -self.k)[-self.k])


@dataclass(frozen=True)
class TopP:
    """Keeps the likeliest tokens until their probabilities reach p (nucleus, Holtzman 2020); never none.

    1 is off; 0 keeps the likeliest alone.

    >>> TopP(0.6).apply(np.log([0.1, 0.5, 0.4]), Context()).round(2).tolist()
    [-inf, -0.69, -0.92]
    """

    p: float

    def __post_init__(self) -> None:
        real_number("top_p", self.p, "a number from 0 to 1", lambda p: 0 <= p <= 1)

    def apply(self, logits: Logits, context: Context) -> Logits:
        if self.p == 1:
            return logits.copy()
        probabilities = softmax(logits)
        order = _likeliest_first(probabilities, self.p)
        sorted_probabilities = probabilities[order]
        before = np.cumsum(sorted_probabilities) - sorted_probabilities
        keep = np.zeros(len(logits), bool)
        keep[order[before < self.p - TOLERANCE]] = True
        keep[order[0]] = True
        return _masked(logits, keep)


@dataclass(frozen=True)
class MinP:
    """Keeps tokens at least `p` times as likely as the likeliest (Nguyen 2024); 0 is off.

    >>> MinP(0.5).apply(np.log([0.1, 0.2, 0.3, 0.4]), Context()).round(2).tolist()
    [-inf, -1.61, -1.2, -0.92]
    """

    p: float

    def __post_init__(self) -> None:
        real_number("min_p", self.p, "a number from 0 to 1", lambda p: 0 <= p <= 1)

    def apply(self, logits: Logits, context: Context) -> Logits:
        probabilities = softmax(logits)
        return _masked(logits, probabilities >= self.p * probabilities.max() * (1 - TOLERANCE))


@dataclass(frozen=True)
class Typical:
    """Keeps tokens whose surprise is nearest the entropy until they hold mass p (Meister 2023); ties stay.

    >>> Typical(0.5).apply(np.log([0.6, 0.2, 0.1, 0.1]), Context()).round(2).tolist()
    [-0.51, -1.61, -inf, -inf]
    """

    p: float

    def __post_init__(self) -> None:
        real_number("typical_p", self.p, "a number above 0 and below 1", lambda p: 0 < p < 1)

    def apply(self, logits: Logits, context: Context) -> Logits:
        surprise = -log_softmax(logits)
        probabilities = np.exp(-surprise)
        possible = probabilities > 0
        entropy = float((probabilities[possible] * surprise[possible]).sum())
        distance = np.abs(surprise - entropy)
        order = np.argsort(distance, kind="stable")
        below = int((np.cumsum(probabilities[order]) < self.p - TOLERANCE).sum())
        threshold = distance[order[min(below, len(order) - 1)]]
        return _masked(logits, distance <= threshold)


@dataclass(frozen=True)
class RepetitionPenalty:
    """Pushes down, once each, tokens seen anywhere so far (Keskar 2019): positive logits / value, negative * value.

    >>> RepetitionPenalty(2.0).apply(np.array([2.0, -2.0, 1.0]), Context([0, 1, 0])).tolist()
    [1.0, -4.0, 1.0]
    """

    value: float

    def __post_init__(self) -> None:
        real_number("repetition_penalty", self.value, "a finite number above 0", lambda v: 0 < v < math.inf)

    def apply(self, logits: Logits, context: Context) -> Logits:
        seen = _seen(context.ids, len(logits))
        pushed = logits.copy()
        pushed[seen] = np.where(logits[seen] > 0, logits[seen] / self.value, logits[seen] * self.value)
        return pushed


@dataclass(frozen=True)
class FrequencyPenalty:
    """Subtracts value x (times generated so far); the prompt does not count (as OpenAI's API and vLLM do).

    >>> FrequencyPenalty(0.5).apply(np.array([2.0, 2.0]), Context([0, 1, 1], prompt_length=1)).tolist()
    [2.0, 1.0]
    """

    value: float

    def __post_init__(self) -> None:
        real_number("frequency_penalty", self.value, "a finite number", math.isfinite)

    def apply(self, logits: Logits, context: Context) -> Logits:
        pushed = logits.copy()
        counts = Counter(context.generated)
        for token_id in _seen(context.generated, len(logits)):
            pushed[token_id] -= self.value * counts[token_id]
        return pushed


@dataclass(frozen=True)
class PresencePenalty:
    """Subtracts value once from each token generated so far; the prompt does not count.

    >>> PresencePenalty(0.5).apply(np.array([2.0, 2.0]), Context([0, 1, 1], prompt_length=1)).tolist()
    [2.0, 1.5]
    """

    value: float

    def __post_init__(self) -> None:
        real_number("presence_penalty", self.value, "a finite number", math.isfinite)

    def apply(self, logits: Logits, context: Context) -> Logits:
        pushed = logits.copy()
        pushed[_seen(context.generated, len(logits))] -= self.value
        return pushed


@dataclass(frozen=True)
class NoRepeatNgram:
    """Rules out tokens that would complete an n-gram already in the context (Paulus 2017).

    >>> NoRepeatNgram(2).apply(np.zeros(3), Context([0, 1, 2, 0])).tolist()
    [0.0, -inf, 0.0]
    """

    n: int

    def __post_init__(self) -> None:
        whole_number("no_repeat_ngram", self.n, 1)

    def apply(self, logits: Logits, context: Context) -> Logits:
        ids, head = list(context.ids), self.n - 1
        tail = ids[len(ids) - head :]
        banned = [ids[i + head] for i in range(len(ids) - head) if len(tail) == head and ids[i : i + head] == tail]
        filtered = logits.copy()
        filtered[_seen(banned, len(logits))] = -np.inf
        return filtered


@dataclass(frozen=True)
class LogitBias:
    """Adds a number to the logits of chosen tokens; -inf rules one out.

    >>> LogitBias({1: 3.0}).apply(np.array([2.0, 2.0]), Context()).tolist()
    [2.0, 5.0]
    """

    bias: Mapping[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for token_id, value in self.bias.items():
            whole_number("logit_bias token", token_id, 0)
            real_number("logit_bias", value, "a number below +inf", lambda v: v < math.inf)

    def apply(self, logits: Logits, context: Context) -> Logits:
        biased = logits.copy()
        for token_id, value in self.bias.items():
            biased[whole_number("logit_bias token", token_id, 0, len(logits) - 1)] += value
        return biased
