"""The sweep over temperatures, against softmax one by one; and why the largest logit is subtracted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_core import Distribution, InvalidInput, softmax
from lm_core.decoding.temperature_sweep import sweep, unshifted_softmax


@given(st.lists(st.floats(-20, 20), min_size=1, max_size=9), st.lists(st.floats(0.05, 5), min_size=1, max_size=9))
def test_equals_softmax_one_by_one(logits: list[float], temperatures: list[float]) -> None:
    swept = sweep(logits, [0.0, *temperatures], ids=[0])
    assert swept.probabilities[0] == tuple(softmax(logits, t)[0] for t in (0.0, *temperatures))
    assert swept.entropies[0] == 0
    scaled = Distribution(np.array(logits) / temperatures[0]).entropy("bits")
    assert swept.entropies[1] == pytest.approx(scaled, abs=1e-12)


def test_heat_never_lowers_entropy() -> None:
    entropies = sweep([3.0, 1.5, -1.0, -2.0, -3.0], [0.1 * step for step in range(51)], ids=[0]).entropies
    assert list(entropies) == sorted(entropies)


@given(st.lists(st.floats(-300, 300), min_size=1, max_size=9))
def test_without_subtraction_it_is_the_same_until_it_overflows(logits: list[float]) -> None:
    if max(logits) > -300:
        assert unshifted_softmax(logits) == pytest.approx(softmax(logits), abs=1e-12)
    assert np.isnan(unshifted_softmax(np.array(logits) + 1100)).any()


def test_refusals() -> None:
    with pytest.raises(InvalidInput, match="`temperatures` must be at least one number >= 0"):
        sweep([1.0], [], ids=[0])
    with pytest.raises(InvalidInput, match="`token_id` must be a whole number from 0 to 0, but is 3"):
        sweep([1.0], [1.0], ids=[3])
    with pytest.raises(InvalidInput, match="`temperature` must be a finite number >= 0, but is -1"):
        sweep([1.0], [-1.0], ids=[0])
