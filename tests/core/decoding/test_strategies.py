"""Strategies: the article's seeded draws, the orders of three engines, stages, errors."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_core import InvalidInput
from lm_core.decoding.filters import LogitBias, MinP, Temperature, TopK, TopP
from lm_core.decoding.strategies import Greedy, Sample, Strategy, draw, strategy

ARTICLE = [2.4, 1.7, 0.2]  # warehouse, hub, carrier


def test_the_articles_eight_seeded_draws() -> None:
    plan = Strategy((Temperature(1.4),), Sample(4))
    generator = plan.generator()
    decisions = [plan.decide(ARTICLE, generator=generator) for _ in range(8)]
    assert [decision.id for decision in decisions] == [2, 0, 2, 0, 1, 0, 1, 0]
    assert decisions[0].u == 0.9430561055723676
    assert decisions[0].final.probabilities.round(3).tolist() == [0.551, 0.334, 0.115]
    assert Strategy((Temperature(1.4),), Greedy()).decide(ARTICLE).id == 0


@pytest.mark.parametrize(
    ("order", "settings", "logits", "kept"),
    [
        ("transformers", {"temperature": 0.5, "top_p": 0.8}, [3.0, 2.0, 1.0], [0]),
        ("llama.cpp", {"temperature": 0.5, "top_p": 0.8}, [3.0, 2.0, 1.0], [0, 1]),
        ("transformers", {"top_p": 0.82, "min_p": 0.25}, np.log([0.5, 0.2, 0.15, 0.1, 0.05]), [0, 1, 2]),
        ("vllm", {"top_p": 0.82, "min_p": 0.25}, np.log([0.5, 0.2, 0.15, 0.1, 0.05]), [0, 1]),
    ],
)
def test_the_order_of_filters_decides_what_is_left(
    order: str, settings: dict[str, float], logits: list[float], kept: list[int]
) -> None:
    decision = strategy(order, **settings).decide(logits)
    assert np.flatnonzero(decision.final.probabilities).tolist() == kept


def test_stages_are_on_record_in_order() -> None:
    decision = Strategy((Temperature(0.5), TopK(2))).decide([1.0, 3.0, 2.0])
    assert [name for name, _ in decision.stages] == ["logits", "Temperature", "TopK"]
    assert decision.raw.logits.tolist() == [1.0, 3.0, 2.0]
    assert decision.final.probabilities[0] == 0
    assert (decision.id, decision.u) == (1, None)


def test_temperature_zero_is_greedy_whatever_the_chooser() -> None:
    plan = Strategy((Temperature(0),), Sample(1))
    generator = plan.generator()
    assert {plan.decide([1.0, 4.0, 4.0], generator=generator).id for _ in range(50)} == {1}


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.floats(0, 1, exclude_max=True))
def test_an_impossible_token_is_never_drawn(weights: list[float], u: float) -> None:
    if sum(weights) > 0:
        assert weights[draw(weights, u)] > 0


def test_draws_follow_the_distribution() -> None:
    """100,000 draws: each count within five standard deviations of its expectation."""
    probabilities = np.array([0.5, 0.3, 0.0, 0.15, 0.05])
    generator = np.random.Generator(np.random.PCG64(11))
    counts = np.bincount([draw(probabilities, u) for u in generator.random(100_000)], minlength=5)
    assert counts[2] == 0
    assert (np.abs(counts - 1e5 * probabilities) <= 5 * np.sqrt(1e5 * probabilities * (1 - probabilities)) + 1e-9).all()


def test_the_same_seed_gives_the_same_draws_and_no_global_state_moves() -> None:
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    plan = strategy(seed=3, temperature=2.0)
    runs = [[plan.decide(ARTICLE, generator=g).id for _ in range(20)] for g in (plan.generator(), plan.generator())]
    assert runs[0] == runs[1]
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


def test_refusals() -> None:
    with pytest.raises(InvalidInput, match=r"`order` must be one of transformers, vllm, llama\.cpp, but is 'mlx'"):
        strategy("mlx")
    with pytest.raises(InvalidInput, match=r"`setting` must be one of .*temperature.*, but is 'heat'"):
        strategy(heat=1.0)
    with pytest.raises(InvalidInput, match="`seed` must be a whole number >= 0"):
        strategy(seed=-1)
    with pytest.raises(InvalidInput, match="`u` must be a number from 0 up to"):
        draw([1.0], 1.0)
    with pytest.raises(InvalidInput, match="`LogitBias` must be a filter that leaves at least one token"):
        Strategy((LogitBias({0: -math.inf, 1: -math.inf}),)).decide([0.0, 0.0])
    with pytest.raises(InvalidInput, match="`top_p` must be"):
        strategy(top_p=1.4)
    assert strategy(top_p=0.9, min_p=None).filters == (TopP(0.9),)
    assert strategy("vllm", min_p=0.1, top_k=3).filters == (MinP(0.1), TopK(3))


def test_the_defaults_of_engines_switch_their_filters_off() -> None:
    """vLLM's SamplingParams: temperature 1, top_p 1, top_k 0 (once -1), min_p 0; llama.cpp's top_k 0 is off too."""
    defaults = {"temperature": 1.0, "top_p": 1.0, "min_p": 0.0}
    for off in (0, -1):
        made = strategy("vllm", seed=1, top_k=off, **defaults)
        assert made.filters == (Temperature(1.0), TopP(1.0))
        assert made.decide([1.0, 0.5, -2.0]).final.logits.tolist() == [1.0, 0.5, -2.0]
    with pytest.raises(InvalidInput, match="`top_k` must be"):
        strategy("vllm", top_k=False)
