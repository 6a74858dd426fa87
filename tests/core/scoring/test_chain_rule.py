"""A text as factors: by hand, against transformers' loss, and the same sums however it is cut into windows."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_core import Transformer
from lm_core.models.ngrams.model import NgramModel
from lm_core.scoring.chain_rule import running_products, token_scores
from lm_core.scoring.perplexity import score
from lm_core.text.corpus import SIX_MESSAGES
from tests.authority import Authority

TEXTS = [
    "The capital of France is Paris.",
    "a",
    "Order shipped from the warehouse.",
    "def add(a, b):\n    return a + b\n",
    "Zürich, 東京 and 😀",
    "1 + 1 = 3",
    "SELECT name FROM orders WHERE id = 7;",
    "the the the the the the the the",
    "<html><body>Hello</body></html>",
    "Once upon a time there was a small parcel that nobody had ordered, and it went round and round.",
]


def test_six_messages_by_hand() -> None:
    """package 2/6, left 2/2, hub 2/6."""
    words = SIX_MESSAGES.tokenizer("word")
    model = NgramModel.fit(SIX_MESSAGES.encode(words), order=2, tokenizer=words)
    (found,) = token_scores(model, [0, *words.encode("package left hub")])
    assert [round(math.exp(factor.log_probability), 4) for factor in found] == [0.3333, 1.0, 0.3333]
    assert [factor.rank for factor in found][1:] == [1, 2]
    assert words.decode([found[2].top]) == "warehouse"


@pytest.mark.parametrize("text", TEXTS)
def test_the_sum_is_transformers_loss_times_tokens(model: Transformer, authority: Authority, text: str) -> None:
    ids = model.tokenizer.encode(text)
    found = [factor for window in token_scores(model, ids) for factor in window]
    if len(ids) == 1:
        assert found == []
        return
    loss = authority.loss(ids)
    total = math.fsum(factor.log_probability for factor in found)
    assert -total == pytest.approx(loss * (len(ids) - 1), abs=1e-3)
    assert total == pytest.approx(score(model, ids).log_probability, abs=1e-9)


@given(st.lists(st.integers(0, 30), min_size=2, max_size=60), st.integers(2, 70))
def test_each_token_is_a_factor_once(make_tiny: Callable[..., Transformer], ids: list[int], length: int) -> None:
    model = make_tiny()
    found = [factor for window in token_scores(model, ids, length) for factor in window]
    assert [(factor.position, factor.token) for factor in found] == [*enumerate(ids)][1:]
    assert all(factor.log_probability <= factor.top_log_probability for factor in found)
    assert all((factor.rank == 1) == (factor.token == factor.top) for factor in found)
    if length >= len(ids):
        row = model.logits(ids[:-1])[-1]
        assert found[-1].rank == 1 + int(np.count_nonzero(row > row[ids[-1]]))


def test_impossible_tokens_are_minus_infinity() -> None:
    words = SIX_MESSAGES.tokenizer("word")
    model = NgramModel.fit(SIX_MESSAGES.encode(words), order=2, tokenizer=words)
    (found,) = token_scores(model, [0, *words.encode("package hub")])
    assert found[-1].log_probability == -math.inf
    assert running_products([factor.log_probability for factor in found])[-1].product64 == 0


@given(st.lists(st.floats(-800, 0), max_size=50))
def test_logarithms_outlive_the_product(log_probabilities: list[float]) -> None:
    steps = running_products(log_probabilities)
    assert len(steps) == len(log_probabilities)
    for step, n in zip(steps, range(1, len(steps) + 1)):
        assert step.log_sum == pytest.approx(math.fsum(log_probabilities[:n]))
        if step.log_sum > -80:
            assert step.product64 == pytest.approx(math.exp(step.log_sum))
            assert step.product32 == pytest.approx(step.product64, rel=1e-4)
        if step.log_sum < -110:
            assert step.product32 == 0
