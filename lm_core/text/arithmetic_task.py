"""Subtractions told in words, each with its right answer and the one that a shortcut over nearby numbers would give.

A seed splits the pairs of numbers into training and held-out pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lm_core.errors import whole_number

HIGHEST = 20
"""The largest total; answers run from 0 to it."""
WORDINGS = (
    "An order contains {total} items. After a return of {taken} items, the retained item count is",
    "A shelf holds {total} parcels. When {taken} parcels leave, the parcels that stay number",
    "There are {total} letters in the bag, and {taken} letters are taken out. Now the bag holds",
)
HELD_OUT = 0.2


def in_words(number: int) -> str:
    """A number as an answer is written, to its full stop: without it, 1 would be the beginning of 12.

    >>> in_words(12)
    ' 12.'
    """
    return f" {number}."


ANSWERS = tuple(in_words(number) for number in range(HIGHEST + 1))


@dataclass(frozen=True)
class Sum:
    """One case.

    >>> five = Sum(5, 2)
    >>> five.prompt[-26:], five.right, five.shortcut, five.parts_ways
    ('the retained item count is', 3, 3, False)
    >>> Sum(9, 2).parts_ways
    True
    """

    total: int
    taken: int
    wording: int = 0

    def __post_init__(self) -> None:
        whole_number("total", self.total, 1, HIGHEST)
        whole_number("taken", self.taken, 0, self.total)
        whole_number("wording", self.wording, 0, len(WORDINGS) - 1)

    @property
    def prompt(self) -> str:
        return WORDINGS[self.wording].format(total=self.total, taken=self.taken)

    @property
    def right(self) -> int:
        """What is left."""
        return self.total - self.taken

    @property
    def shortcut(self) -> int:
        """What a habit of counting on would say: the number after the last one, as in "2, 3"."""
        return self.taken + 1

    @property
    def parts_ways(self) -> bool:
        """Whether shortcut and arithmetic differ, so that an answer tells which of them it could come from."""
        return self.right != self.shortcut

    @property
    def text(self) -> str:
        """The whole sentence, as a model learns it."""
        return self.prompt + in_words(self.right)


Pairs = tuple[tuple[int, int], ...]


def split_pairs(seed: int = 0) -> tuple[Pairs, Pairs]:
    """(to learn from, held out): every pair of total and taken, shuffled by seed.

    >>> learned, held_out = split_pairs()
    >>> len(learned), len(held_out), set(learned) & set(held_out)
    (184, 46, set())
    """
    pairs = [(total, taken) for total in range(1, HIGHEST + 1) for taken in range(total + 1)]
    order = np.random.Generator(np.random.PCG64(whole_number("seed", seed, 0))).permutation(len(pairs))
    cut = int(HELD_OUT * len(pairs))
    held, learned = sorted(order[:cut].tolist()), sorted(order[cut:].tolist())
    return tuple(pairs[i] for i in learned), tuple(pairs[i] for i in held)


def sentences(pairs: Pairs) -> tuple[str, ...]:
    """Each pair in each wording."""
    return tuple(Sum(total, taken, w).text for total, taken in pairs for w in range(len(WORDINGS)))


def cases(wording: int = 0, seed: int = 0) -> tuple[Sum, ...]:
    """The held-out cases of one wording in which shortcut and arithmetic part ways.

    >>> all(case.parts_ways for case in cases()), len(cases())
    (True, 42)
    """
    return tuple(case for pair in split_pairs(seed)[1] if (case := Sum(*pair, wording)).parts_ways)
