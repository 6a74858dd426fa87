"""Shannon's game: points by hand, a score like a model's, and a room's guesses."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_core.errors import InvalidInput
from lm_core.scoring.perplexity import Score
from lm_core.scoring.shannon_game import KEPT, POINTS, Guess, read, read_room

WORDS = {"hub": 2, "warehouse": 3, "carrier": 4, "new york": 5}


def find(word: str) -> int:
    if word not in WORDS:
        raise InvalidInput("guess", "a known word", word)
    return WORDS[word]


def test_points_by_hand() -> None:
    guess = read("hub 60, warehouse: 30", find)
    assert guess.points == {2: 60.0, 3: 30.0}
    assert guess.probability(2, 12) == 0.6
    assert guess.probability(9, 12) == pytest.approx(0.01)  # ten points over ten other words
    assert Score.of_probabilities([0.6, 0.01]).perplexity == pytest.approx(1 / math.sqrt(0.6 * 0.01))
    assert read("new york 50%\nhub", find).points == {5: 50.0, 2: 40.0}


@given(st.dictionaries(st.integers(0, 9), st.floats(0, 30), max_size=3), st.integers(11, 100))
def test_it_is_a_distribution_and_nobody_is_infinitely_wrong(points: dict[int, float], size: int) -> None:
    guess = Guess(points)
    given_ = [guess.probability(i, size) for i in range(size)]
    assert math.fsum(given_) == pytest.approx(1)
    assert all(p > 0 for i, p in enumerate(given_) if i not in points)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a word, with points or without"), (" , ,\n", "a word"), ("hub 70, warehouse 30", "at most 99 together"),
        ("hub, hub 3", "each word once"), ("rocket 9", "a known word"), ("hub 101", "from 0 to 100"),
    ],
)  # fmt: skip
def test_what_is_no_guess_is_said(text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read(text, find)


def test_a_room() -> None:
    guess, count, unknown = read_room("hub 2\nrocket\nwarehouse\n\n", find)
    assert (count, unknown) == (3, ["rocket"])
    assert guess.points == pytest.approx({2: 60, 3: 30})
    assert math.fsum(guess.points.values()) <= POINTS - KEPT
    with pytest.raises(InvalidInput, match="at least one known word"):
        read_room("rocket\nmoon", find)
