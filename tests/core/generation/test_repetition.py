"""Going round in circles: by hand, the article's claim on the real model, and a property."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_core import Transformer
from lm_core.decoding.strategies import strategy
from lm_core.generation.loop import Limits, run
from lm_core.generation.repetition import RepeatedPhrase, repeated_phrase


def test_by_hand() -> None:
    assert repeated_phrase([5, 5, 5]) == RepeatedPhrase((5,), 3)
    assert repeated_phrase([9, 1, 2, 3, 1, 2, 3, 1, 2, 3]) == RepeatedPhrase((1, 2, 3), 3)
    assert repeated_phrase([1, 2, 3, 1, 2, 3, 1, 2, 4]) is None
    assert repeated_phrase([]) is None


@pytest.mark.long("the readable model writes two texts")
def test_a_real_greedy_loop_and_the_penalty_that_ends_it(model: Transformer) -> None:
    ids = model.tokenizer.encode("Order shipped from the")
    loop = run(model, ids, strategy(), Limits(48))
    found = repeated_phrase(loop.ids)
    assert found is not None
    assert found.times >= 3
    phrase = model.tokenizer.decode(found.ids)
    assert phrase * 3 in loop.text
    calm = run(model, ids, strategy(repetition_penalty=1.1), Limits(48))
    assert all(repeated_phrase(calm.ids[:end]) is None for end in range(1, len(calm.ids) + 1))
    assert phrase * 3 not in calm.text


@given(st.lists(st.integers(0, 3), max_size=12), st.lists(st.integers(0, 3), min_size=1, max_size=4), st.integers(3, 5))
def test_whatever_repeats_at_the_end_is_found(before: list[int], phrase: list[int], times: int) -> None:
    ids = [*before, *phrase * times]
    found = repeated_phrase(ids)
    assert found is not None
    assert len(found.ids) <= len(phrase)
    assert ids[len(ids) - len(found.ids) * found.times :] == [*found.ids] * found.times
