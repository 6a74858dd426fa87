"""Decoding strategies: filters in a stated order, then greedy choice or a seeded draw, with every stage recorded.

The order changes the result, so it is always named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from lm_core.decoding.filters import (
    Context,
    Filter,
    FrequencyPenalty,
    LogitBias,
    MinP,
    NoRepeatNgram,
    PresencePenalty,
    RepetitionPenalty,
    Temperature,
    TopK,
    TopP,
    Typical,
)
from lm_core.distribution import Distribution
from lm_core.errors import InvalidInput, whole_number


@dataclass(frozen=True)
class Greedy:
    """Takes the likeliest token, the lowest id among equals."""


@dataclass(frozen=True)
class Sample:
    """Draws from the filtered distribution with numpy's PCG64, one uniform a token."""

    seed: int

    def __post_init__(self) -> None:
        whole_number("seed", self.seed, 0)


def draw(probabilities: ArrayLike, u: float) -> int:
    """The id whose stretch of the cumulative distribution, in id order, holds u; impossible ids have no stretch.

    >>> [draw([0.5, 0.0, 0.5], u) for u in (0.0, 0.49, 0.5, 0.99)]
    [0, 0, 2, 2]
    """
    weights = np.asarray(probabilities, dtype=np.float64)
    if weights.ndim != 1 or not weights.size or not weights.min() >= 0 or not 0 < weights.max() < np.inf:
        raise InvalidInput("probabilities", "a vector of numbers >= 0, not all of them 0", probabilities)
    cumulative = np.cumsum(weights)
    if not 0 <= u < 1:
        raise InvalidInput("u", "a number from 0 up to, but not including, 1", u)
    index = int(np.searchsorted(cumulative / cumulative[-1], u, side="right"))
    return min(index, int(np.flatnonzero(np.diff(cumulative, prepend=0.0))[-1]))


def uniforms(seed: int, count: int) -> list[float]:
    """The numbers that a run with this seed draws, one a token.

    >>> [round(u, 4) for u in uniforms(4, 3)]
    [0.9431, 0.5113, 0.9762]
    """
    generator = np.random.Generator(np.random.PCG64(whole_number("seed", seed, 0)))
    return [float(u) for u in generator.random(whole_number("count", count, 0))]


@dataclass(frozen=True)
class Decision:
    """How one token was chosen: the distribution before, after each filter, and the pick."""

    id: int
    u: float | None
    """The uniform number that was drawn; None when greedy."""
    stages: tuple[tuple[str, Distribution], ...]
    """("logits", unfiltered), then (name of the filter, what it left), in order."""

    @property
    def raw(self) -> Distribution:
        """What the model said."""
        return self.stages[0][1]

    @property
    def final(self) -> Distribution:
        """What was drawn from."""
        return self.stages[-1][1]


@dataclass(frozen=True)
class Strategy:
    """Filters in order, and a chooser.

    >>> strategy = Strategy((Temperature(0.5), TopK(2)), Greedy())
    >>> strategy.decide([1.0, 3.0, 2.0]).id
    1
    """

    filters: tuple[Filter, ...] = ()
    chooser: Greedy | Sample = Greedy()

    def generator(self, skip: int = 0) -> np.random.Generator | None:
        """The source of randomness of one run; a new one repeats the same draws, `skip` leaves out the first ones.

        >>> Strategy(chooser=Sample(4)).generator(skip=2).random() == uniforms(4, 3)[2]
        True
        """
        if not isinstance(self.chooser, Sample):
            return None
        return np.random.Generator(np.random.PCG64(self.chooser.seed).advance(skip))

    def decide(
        self, logits: ArrayLike, context: Context | None = None, generator: np.random.Generator | None = None
    ) -> Decision:
        """Applies the filters and chooses. A sampling strategy without a generator starts from its seed."""
        stages = [("logits", Distribution(logits))]
        for step in self.filters:
            filtered = step.apply(stages[-1][1].logits, context or Context())
            if np.isneginf(filtered).all():
                raise InvalidInput(type(step).__name__, "a filter that leaves at least one token", step)
            stages.append((type(step).__name__, Distribution(filtered)))
        final = stages[-1][1]
        generator = generator or self.generator()
        if generator is None:
            return Decision(int(np.argmax(final.logits)), None, tuple(stages))
        u = float(generator.random())
        return Decision(draw(final.probabilities, u), u, tuple(stages))


_KINDS = {
    "logit_bias": LogitBias,
    "repetition_penalty": RepetitionPenalty,
    "frequency_penalty": FrequencyPenalty,
    "presence_penalty": PresencePenalty,
    "no_repeat_ngram": NoRepeatNgram,
    "temperature": Temperature,
    "top_k": TopK,
    "top_p": TopP,
    "min_p": MinP,
    "typical_p": Typical,
}
_PENALTIES = ("logit_bias", "repetition_penalty", "frequency_penalty", "presence_penalty", "no_repeat_ngram")
ORDERS = {
    "transformers": (*_PENALTIES, "temperature", "top_k", "top_p", "min_p", "typical_p"),
    "vllm": (*_PENALTIES, "temperature", "min_p", "top_k", "top_p", "typical_p"),
    "llama.cpp": (*_PENALTIES, "top_k", "typical_p", "top_p", "min_p", "temperature"),
}
"""In which order well-known engines apply their filters; one that an engine lacks stands where its like stand."""

_OFF = {"top_k": (0, -1), "min_p": (0, 0.0)}
"""Values by which vLLM, transformers and llama.cpp switch a filter off."""

SETTINGS = tuple(_KINDS)
"""Names of the settings that `strategy` takes."""


def _is_off(name: str, value: object) -> bool:
    return value is None or (not isinstance(value, bool) and value in _OFF.get(name, ()))


def strategy(order: str | Sequence[str] = "transformers", seed: int | None = None, **settings: object) -> Strategy:
    """The given settings as filters in an engine's order, or in one given by name; with a seed sampling, else greedy.

    None is off, and so are the values by which engines switch a filter off: top_k 0 or -1, min_p 0.

    >>> [type(step).__name__ for step in strategy("llama.cpp", temperature=0.8, top_k=40).filters]
    ['TopK', 'Temperature']
    """
    if isinstance(order, str):
        if order not in ORDERS:
            raise InvalidInput("order", "one of " + ", ".join(ORDERS), order)
        order = ORDERS[order]
    for name in (*settings, *order):
        if name not in _KINDS:
            raise InvalidInput("setting", "one of " + ", ".join(_KINDS), name)
    wanted = {name: value for name, value in settings.items() if not _is_off(name, value)}
    if len(set(order)) < len(order) or not wanted.keys() <= set(order):
        raise InvalidInput("order", "each setting once: " + ", ".join(wanted), tuple(order))
    filters = tuple(_KINDS[name](wanted[name]) for name in order if name in wanted)
    return Strategy(filters, Greedy() if seed is None else Sample(seed))
