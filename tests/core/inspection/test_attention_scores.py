"""A weight worked out is the weight that the pass recorded, for each style, grouped heads and a cut arrow."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_core import InvalidInput, Transformer
from lm_core.inspection import inspect
from lm_core.inspection.attention_scores import attention_score
from lm_core.inspection.interventions import Knockout, Unmask

Make = Callable[..., Transformer]
IDS = [3, 1, 4, 1, 5, 9, 2, 6]


@given(
    st.sampled_from([{}, {"qk_norm": True}, {"style": "gpt2", "kv_heads": 4}, {"kv_heads": 1}]),
    st.integers(1, 2), st.integers(1, 4), st.integers(0, 7), st.data(),
)  # fmt: skip
def test_it_is_the_recorded_weight(
    make_tiny: Make, shape: dict[str, int], layer: int, head: int, reader: int, data: st.DataObject
) -> None:
    tiny, key = make_tiny(**shape), data.draw(st.integers(0, reader))
    cuts = [Knockout(1, 0, 5, 2)] if data.draw(st.booleans()) else []
    found = inspect(tiny, IDS, cuts)
    score = attention_score(tiny, found, layer, head, reader, key)
    recorded = found.attention[layer - 1, head - 1, reader, : reader + 1]
    assert score.weights == pytest.approx(recorded, abs=1e-5)
    assert score.weight == pytest.approx(recorded[key], abs=1e-5)
    if np.isfinite(score.products[key]):
        product = float(score.query.astype(np.float64) @ score.key.astype(np.float64))
        assert score.products[key] == pytest.approx(product, abs=1e-4)
    assert score.scores == pytest.approx(score.products / np.sqrt(8))


def test_what_all_keys_bring_is_what_the_head_brings(make_tiny: Make) -> None:
    """By hand: weights times values, summed over the keys, are the head's slice before the output projection."""
    tiny = make_tiny()
    found = inspect(tiny, IDS)
    scores = [attention_score(tiny, found, 2, 3, 6, key) for key in range(7)]
    assert scores[0].kv_head == 2  # four heads, two keys and values: heads 3 and 4 share the second
    assert sum(score.brought for score in scores) == pytest.approx(found.heads[1, 6, 16:24], abs=1e-5)


def test_keys_and_values_are_those_of_the_cache(make_tiny: Make) -> None:
    tiny = make_tiny()
    found = inspect(tiny, IDS)
    assert found.cache is not None
    held = found.cache.held().numpy()  # (layers, 2, kv_heads, positions, head_dim)
    score = attention_score(tiny, found, 2, 3, 6, 4)
    assert score.key == pytest.approx(held[1, 0, 1, 4], abs=1e-5)
    assert score.value == pytest.approx(held[1, 1, 1, 4], abs=1e-5)


def test_without_the_mask_later_keys_count(make_tiny: Make) -> None:
    tiny = make_tiny()
    found = inspect(tiny, IDS, [Unmask()])
    score = attention_score(tiny, found, 1, 1, 0, 7)
    assert score.weights == pytest.approx(found.attention[0, 0, 0], abs=1e-5)


def test_refusals(make_tiny: Make) -> None:
    tiny = make_tiny()
    found = inspect(tiny, IDS)
    for wrong, sentence in (
        ((3, 1, 1, 1), "layer"),
        ((1, 5, 1, 1), "head"),
        ((1, 1, 8, 1), "reader"),
        ((1, 1, 3, 4), "key"),
    ):
        with pytest.raises(InvalidInput, match=f"`{sentence}`"):
            attention_score(tiny, found, *wrong)
