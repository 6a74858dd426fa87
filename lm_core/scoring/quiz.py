"""Questions with one right answer each, of four kinds: checked, drawn by seed, and counted.

What a question shows and its answer are kept apart, so that a page cannot show the answer by mistake: it is given the
`shown` part until there is an answer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np

from lm_core.errors import InvalidInput, whole_number

Kind = Literal["choose", "number", "order", "bar"]
QUESTIONS = 10
MIX: dict[Kind, int] = {"choose": 5, "number": 3, "order": 1, "bar": 1}
"""How many of each kind are drawn."""
PASSING = 0.75
"""More than this share must be right."""
BAR_TOLERANCE = 0.1
"""A predicted bar may be off by so much: ten points of a hundred."""
NUMBER_TOLERANCE = 0.02
"""A number may be off by two in a hundred: it may have been rounded."""

T = TypeVar("T")


@dataclass(frozen=True)
class Shown:
    """What can be seen of a question before it is answered."""

    kind: Kind
    text: str
    options: tuple[str, ...] = ()
    """To choose from, or to put into order; for "order" and "choose" shuffled."""
    unit: str = ""
    """Of the number asked for."""


@dataclass(frozen=True)
class Question:
    """A question and its answer: the place of the right option, the number, the options in order, or the bar.

    >>> question = Question("k", Shown("number", "2 + 2?"), 4.0, "It is 4.")
    >>> question.accepts(4.05), question.accepts(4.5)
    (True, False)
    """

    key: str
    shown: Shown
    answer: int | float | tuple[str, ...]
    because: str
    """What is said once it has been answered."""
    page: str = ""
    """Where it can be seen: an address the caller understands."""

    def accepts(self, given: object) -> bool:
        """Whether an answer is right. Raises InvalidInput for what is no answer to this kind of question."""
        kind = self.shown.kind
        if kind == "choose":
            return whole_number("answer", given, 0, len(self.shown.options) - 1) == self.answer
        if kind == "order":
            if not isinstance(given, list | tuple) or sorted(given) != sorted(self.shown.options):
                raise InvalidInput("answer", f"all {len(self.shown.options)}, each once", given)
            return tuple(given) == self.answer
        if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
            raise InvalidInput("answer", "a number", given)
        assert isinstance(self.answer, int | float)
        if kind == "bar":
            return abs(given - self.answer) <= BAR_TOLERANCE
        return math.isclose(given, self.answer, rel_tol=NUMBER_TOLERANCE)


def generator(seed: int) -> np.random.Generator:
    """The one source of chance of a test."""
    return np.random.Generator(np.random.PCG64(whole_number("seed", seed, 0)))


def choose(keys: Mapping[Kind, Sequence[T]], draw: np.random.Generator, mix: Mapping[Kind, int] = MIX) -> list[T]:
    """Draws as many of each kind as the mix says, none twice, in an order drawn too.

    >>> bank = {"choose": "abc", "number": "123", "order": "x", "bar": "u"}
    >>> sorted(choose(bank, generator(0), {"choose": 2, "order": 1}))[0] in "abc"
    True
    """
    picked: list[T] = []
    for kind, count in mix.items():
        if count > len(keys[kind]):
            raise InvalidInput(kind, f"at least {count} questions", len(keys[kind]))
        picked += [keys[kind][i] for i in draw.permutation(len(keys[kind]))[:count].tolist()]
    return [picked[i] for i in draw.permutation(len(picked)).tolist()]


def shuffled(options: Sequence[str], draw: np.random.Generator) -> tuple[str, ...]:
    """The same options in an order drawn."""
    return tuple(options[i] for i in draw.permutation(len(options)).tolist())


def passed(right: int, of: int = QUESTIONS) -> bool:
    """Whether so many right answers complete the lesson: more than 75 %, so 8 of 10.

    >>> passed(7), passed(8)
    (False, True)
    """
    return right > PASSING * whole_number("of", of, 1)


def read_number(text: str) -> float:
    """A number as people write it: with a comma for thousands, a per cent sign or a unit behind it.

    >>> read_number("1,024"), read_number("77.3 %"), read_number("2^30"), read_number("1/6") == 1 / 6
    (1024.0, 77.3, 1073741824.0, True)
    """
    cleaned = text.strip().replace("−", "-").replace(",", "").removesuffix("%").strip()
    try:
        for sign, act in (("^", math.pow), ("/", lambda a, b: a / b)):
            left, found, right = cleaned.partition(sign)
            if found:
                value = float(act(float(left), float(right)))
                break
        else:
            value = float(cleaned.split()[0] if cleaned else "")
    except (ValueError, OverflowError, ZeroDivisionError):
        value = math.nan
    if not math.isfinite(value):
        raise InvalidInput("answer", "a number, for example 0.25, 25 % or 1/4", text)
    return value
