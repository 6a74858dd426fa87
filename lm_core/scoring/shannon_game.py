"""Shannon's guessing game: a player spreads 100 points over what may come next, and is scored as a model is.

Shannon 1951 let people guess English letter by letter; here players say how sure they are, so that -ln p of what came,
and a perplexity, can be computed.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lm_core.errors import InvalidInput, whole_number

POINTS = 100
KEPT = 1
"""Points that stay with everything not named, so that no guess can be infinitely wrong."""
SHARED = 90
"""Points that words named without a number share."""
_PIECE = re.compile(r"^(.*?)[\s:=]*(\d+(?:\.\d+)?)\s*%?$")


@dataclass(frozen=True)
class Guess:
    """Points by token id; what is left of 100 goes to all other tokens alike.

    >>> guess = Guess({2: 60.0, 3: 30.0})
    >>> guess.probability(2, 12), guess.probability(7, 12)
    (0.6, 0.01)
    """

    points: dict[int, float]

    def __post_init__(self) -> None:
        if any(not 0 <= p <= POINTS for p in self.points.values()):
            raise InvalidInput("points", f"numbers from 0 to {POINTS}", sorted(self.points.values()))
        if math.fsum(self.points.values()) > POINTS - KEPT + 1e-9:
            total = math.fsum(self.points.values())
            raise InvalidInput(
                "points", f"at most {POINTS - KEPT} together; {KEPT} stays with all you have not named", f"{total:g}"
            )

    def probability(self, token_id: int, vocab_size: int) -> float:
        """Of one token among all."""
        if token_id in self.points:
            return self.points[token_id] / POINTS
        others = whole_number("vocab_size", vocab_size, 1) - len(self.points)
        return (POINTS - math.fsum(self.points.values())) / POINTS / others


def read(text: str, find: Callable[[str], int]) -> Guess:
    """One player's guess: words with points, separated by commas or lines; words without a number share 90.

    `find` gives a word's token id; it raises InvalidInput for a word that is none.

    >>> words = {"hub": 2, "warehouse": 3}
    >>> read("hub 60, warehouse 30", words.__getitem__).points, read("hub", words.__getitem__).points
    ({2: 60.0, 3: 30.0}, {2: 90.0})
    """
    named: dict[int, float | None] = {}
    for piece in _pieces(text):
        matched = _PIECE.match(piece)
        word, number = (matched[1].strip(), float(matched[2])) if matched and matched[1].strip() else (piece, None)
        token = find(word)
        if token in named:
            raise InvalidInput("guess", "each word once", word)
        named[token] = number
    bare = [token for token, number in named.items() if number is None]
    given = math.fsum(number for number in named.values() if number is not None)
    share = max(0.0, SHARED - given) / len(bare) if bare else 0.0
    return Guess({token: share if number is None else number for token, number in named.items()})


def read_room(text: str, find: Callable[[str], int]) -> tuple[Guess, int, list[str]]:
    """A room's guesses, one a line, or a word and how many named it: points by how many did.

    Also returned: how many guesses count, and what was no word.

    >>> words = {"hub": 2, "warehouse": 3}
    >>> def find(word):
    ...     if word not in words: raise InvalidInput("word", "a known one", word)
    ...     return words[word]
    >>> read_room("hub\\nhub 1\\nwarehouse\\nrocket", find)
    (Guess(points={2: 60.0, 3: 30.0}), 3, ['rocket'])
    """
    counts: Counter[int] = Counter()
    unknown: list[str] = []
    for piece in _pieces(text):
        matched = _PIECE.match(piece)
        word, times = (matched[1].strip(), int(float(matched[2]))) if matched and matched[1].strip() else (piece, 1)
        try:
            counts[find(word)] += times
        except InvalidInput:
            unknown.append(piece)
    if not counts.total():
        raise InvalidInput("guesses", "at least one known word", text)
    total = counts.total()
    return Guess({token: SHARED * n / total for token, n in counts.items()}), total, unknown


def _pieces(text: str) -> Sequence[str]:
    pieces = [piece.strip() for piece in re.split(r"[,;\n]", text)]
    found = [piece for piece in pieces if piece]
    if not found:
        raise InvalidInput("guess", 'a word, with points or without, such as "hub 60, warehouse 30"', text)
    return found
