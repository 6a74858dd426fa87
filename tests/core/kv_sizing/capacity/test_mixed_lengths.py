"""Users of different lengths: the sum of their caches beside draws, beside the same length for all, and by hand."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from lm_core.errors import InvalidInput
from lm_core.kv_sizing import Scenario, Split, engine, gpu, preset, served
from lm_core.kv_sizing.capacity.lengths import Lengths, from_mean, read_histogram
from lm_core.kv_sizing.capacity.mixed_lengths import users_within

GIB = 2**30
PLAN = Scenario(preset("llama-3.1-8b"), 8192, 1, pool=10 * GIB)
"""128 KiB a token: a user of 8,192 tokens takes 1 GiB, and ten fit."""


def test_two_lengths_by_hand() -> None:
    """Of n users each takes 1 or 6 GiB with equal chance: 10.5 GiB hold five of them unless two are long."""
    plan = replace(PLAN, context=49_152, pool=21 * GIB // 2)
    spread = Lengths((8192, 49_152), (0.5, 0.5))
    two = 0.75  # two long ones take 12 GiB
    three = 4 / 8  # at most one long of three
    five = 6 / 32  # at most one long of five
    assert users_within(plan, spread, [two - 0.01, two + 0.01, three - 0.01, five - 0.01])[0] == [2, 1, 3, 5]


def test_one_length_for_all_is_the_plain_answer() -> None:
    for split, at_once in ((Split(), 10), (Split(tensor=2), 20), (Split(data=4), 40)):
        plan = replace(PLAN, split=split)
        assert plan.most_sequences.value == at_once
        assert users_within(plan, Lengths((8192,), (1.0,)), [0.999])[0] == [at_once]


def test_as_often_as_draws_do() -> None:
    """80 GB of H100, lengths of 4,000 tokens on average: that many users overflow in one of a hundred draws."""
    plan = Scenario(
        preset("llama-3.1-8b"), 131_072, 1, engine=engine("vLLM"), gpu=gpu("H100 80 GB"), weight_format="bf16"
    )
    spread = from_mean(4000, 12_000, 131_072)
    ((users,),) = users_within(plan, spread, [0.99], [plan.budget.for_cache.likely])
    random = np.random.default_rng(1)
    each = random.choice([plan.need(length, 2) - plan.need(length, 1) for length in spread.tokens],
                         size=(20_000, users), p=spread.shares)  # fmt: skip
    fits = (each.sum(axis=1) <= plan.budget.for_cache.likely).mean()
    assert fits == pytest.approx(0.99, abs=0.003)


def test_more_certainty_is_fewer_users() -> None:
    spread = read_histogram("500 80\n2000 15\n8192 5", 8192)
    found = users_within(PLAN, spread, [0.5, 0.9, 0.99, 0.999])[0]
    assert all(more >= fewer for more, fewer in pairwise(found))
    assert found[0] == pytest.approx(80 * 1024 / spread.mean, rel=0.05)


def test_what_all_share_is_kept_once() -> None:
    plan = replace(PLAN, shared=4096)
    assert users_within(plan, Lengths((8192,), (1.0,)), [0.99])[0] == [plan.most_sequences.value] == [19]


def test_an_engine_that_reserves_is_refused() -> None:
    with pytest.raises(InvalidInput, match="which give out blocks"):
        users_within(replace(PLAN, engine=engine("llama.cpp")), Lengths((8192,), (1.0,)), [0.9])


@pytest.mark.parametrize(("mean", "percentile"), [(1000, 3000), (4000, 4000), (500, 1500)])
def test_mean_and_percentile_come_back(mean: int, percentile: int) -> None:
    found = from_mean(mean, percentile, 1 << 20)
    assert found.mean == pytest.approx(mean, rel=0.002)
    assert found.percentile(94) <= percentile <= found.percentile(96)


@pytest.mark.parametrize(
    ("text", "tokens", "shares"),
    [
        ("1000,3\n2000,1", (1000, 2000), (0.75, 0.25)),
        ("length;count\n2000;1\n1000;2\n1000;1\n", (1000, 2000), (0.75, 0.25)),
        ("5\n5\n7", (5, 7), (2 / 3, 1 / 3)),
        ("5\t0\n7\t4", (7,), (1.0,)),
    ],
)
def test_histograms(text: str, tokens: tuple[int, ...], shares: tuple[float, ...]) -> None:
    found = read_histogram(text, 8192)
    assert found.tokens == tokens
    assert found.shares == pytest.approx(shares)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "from 1 to 2,000 lines"),
        ("1000, many", "lines of a length in tokens, a comma and how often"),
        ("9000,1", "must be a whole number from 1 to 8192"),
        ("0,1", "must be a whole number from 1 to 8192"),
        ("5,0", "at least one length that occurs"),
    ],
)
def test_what_is_no_histogram_is_said(text: str, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        read_histogram(text, 8192)


def test_a_percentile_that_no_such_spread_has() -> None:
    with pytest.raises(InvalidInput, match="at most 3,868"):
        from_mean(1000, 5000, 8192)


def test_what_a_prefix_cache_saves_of_the_wait() -> None:
    """Nine tenths of a prompt found: a tenth of the products with the weights is left, and a fifth of attention's."""
    plan = Scenario(preset("llama-3.1-8b"), 8000, 1)
    anew, less, last = (served(plan, cached).first for cached in (0.0, 0.9, 1.0))
    assert anew
    assert less
    assert last
    weights = 2 * plan.geometry.checkpoint.parameters.read(1)
    pairs = (anew.compute or 0) - weights * 8000 / 989e12
    assert less.compute == pytest.approx(weights * 800 / 989e12 + pairs * (1 - 0.9**2), rel=1e-3)
    assert (last.compute or 1) < less.compute
    with pytest.raises(InvalidInput, match="cached"):
        served(plan, 1.1)
