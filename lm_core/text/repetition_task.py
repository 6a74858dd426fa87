"""Words of random letters, each written twice: nothing helps to predict the second half but looking back at the first.

What a small Transformer needs for it is an induction head (Olsson et al. 2022, "In-context Learning and Induction
Heads").
"""

from __future__ import annotations

import string

import numpy as np

from lm_core.text.corpus import Corpus

SHORTEST, LONGEST = 6, 12
"""Letters of a word, all of them different."""


def corpus(lines: int = 4000, seed: int = 0) -> Corpus:
    """Lines such as "qwjkzmqwjkzm".

    >>> line = corpus(1).lines[0]
    >>> half = len(line) // 2
    >>> line[:half] == line[half:], len(set(line)) == half
    (True, True)
    """
    dice = np.random.default_rng(seed)
    letters = list(string.ascii_lowercase)

    def word() -> str:
        return "".join(dice.choice(letters, int(dice.integers(SHORTEST, LONGEST + 1)), replace=False))

    return Corpus("Words written twice", tuple(2 * word() for _ in range(lines)), "Generated here.")
