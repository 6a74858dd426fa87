"""Each filter by hand at its ties and edges, against transformers' processors, and as properties."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import generation as hf

from lm_core import InvalidInput
from lm_core.decoding import filters
from lm_core.decoding.filters import Context

Make = Callable[[], filters.Filter]
IDS = [3, 5, 3, 8, 1, 3, 5]


def theirs(processor: object, logits: np.ndarray, ids: list[int] = IDS) -> np.ndarray:
    """What a transformers processor makes of the same logits, float64."""
    scores = processor(torch.tensor([ids]), torch.tensor(logits[None].copy()))  # type: ignore[operator]
    return np.asarray(scores[0], dtype=np.float64)


PEERS = {
    "temperature 0.5": (filters.Temperature(0.5), hf.TemperatureLogitsWarper(0.5)),
    "temperature 3": (filters.Temperature(3.0), hf.TemperatureLogitsWarper(3.0)),
    "top-k 1": (filters.TopK(1), hf.TopKLogitsWarper(1)),
    "top-k 7": (filters.TopK(7), hf.TopKLogitsWarper(7)),
    "top-k beyond": (filters.TopK(500), hf.TopKLogitsWarper(500)),
    "top-p 0.3": (filters.TopP(0.3), hf.TopPLogitsWarper(0.3)),
    "top-p 0.9": (filters.TopP(0.9), hf.TopPLogitsWarper(0.9)),
    "min-p 0.1": (filters.MinP(0.1), hf.MinPLogitsWarper(0.1)),
    "typical 0.4": (filters.Typical(0.4), hf.TypicalLogitsWarper(0.4)),
    "typical 0.95": (filters.Typical(0.95), hf.TypicalLogitsWarper(0.95)),
    "repetition 1.3": (filters.RepetitionPenalty(1.3), hf.RepetitionPenaltyLogitsProcessor(1.3)),
    "no repeat 2": (filters.NoRepeatNgram(2), hf.NoRepeatNGramLogitsProcessor(2)),
    "no repeat 3": (filters.NoRepeatNgram(3), hf.NoRepeatNGramLogitsProcessor(3)),
    "bias": (filters.LogitBias({4: 2.5, 9: -1.0}), hf.SequenceBiasLogitsProcessor([[[4], 2.5], [[9], -1.0]])),
}


@pytest.mark.parametrize("name", PEERS)
@pytest.mark.parametrize("seed", range(20))
def test_equals_transformers(name: str, seed: int) -> None:
    """Random logits have no ties and miss every threshold by far more than the tolerance."""
    ours, peer = PEERS[name]
    logits = np.random.Generator(np.random.PCG64(seed)).normal(0, 3, size=40)
    result = ours.apply(logits, Context(IDS))
    assert result == pytest.approx(theirs(peer, logits), rel=1e-12)


def test_a_chain_in_transformers_order_equals_their_chain() -> None:
    logits = np.random.Generator(np.random.PCG64(5)).normal(0, 3, size=200)
    expected = logits
    result = logits
    for name in ("repetition 1.3", "no repeat 2", "temperature 0.5", "top-k 7", "top-p 0.9", "min-p 0.1"):
        ours, peer = PEERS[name]
        result, expected = ours.apply(result, Context(IDS)), theirs(peer, expected)
    assert result == pytest.approx(expected, rel=1e-12)


def kept(step: filters.Filter, probabilities: list[float]) -> list[int]:
    with np.errstate(divide="ignore"):
        logits = np.log(np.array(probabilities))
    return np.flatnonzero(np.isfinite(step.apply(logits, Context()))).tolist()


@pytest.mark.parametrize(
    ("step", "probabilities", "ids"),
    [
        (filters.TopK(2), [0.4, 0.2, 0.2, 0.2], [0, 1, 2, 3]),  # ties with the k-th stay
        (filters.TopK(3), [0.4, 0.3, 0.2, 0.1], [0, 1, 2]),
        (filters.TopP(0.8), [0.3, 0.1, 0.1, 0.5], [0, 3]),  # exactly on the edge: 0.5 + 0.3
        (filters.TopP(0.5), [0.25] * 4, [0, 1]),  # equal probabilities: lower ids first
        (filters.TopP(1e-6), [0.25] * 4, [0]),  # never none
        (filters.TopP(1.0), [0.5, 0.5, 0.0], [0, 1]),
        (filters.MinP(0.5), [0.1, 0.2, 0.3, 0.4], [1, 2, 3]),  # exactly half the maximum stays
        (filters.MinP(1.0), [0.4, 0.4, 0.2], [0, 1]),
        (filters.Temperature(0), [0.3, 0.35, 0.35], [1]),
    ],
)
def test_ties_and_edges(step: filters.Filter, probabilities: list[float], ids: list[int]) -> None:
    assert kept(step, probabilities) == ids


def test_penalties_by_hand() -> None:
    """vLLM's documented rule: frequency counts, presence once, both on generated tokens only."""
    logits, context = np.zeros(10), Context(IDS, prompt_length=2)  # generated: 3 8 1 3 5
    frequency = filters.FrequencyPenalty(0.5).apply(logits, context)
    presence = filters.PresencePenalty(0.5).apply(logits, context)
    assert {i: v for i, v in enumerate(frequency) if v} == {1: -0.5, 3: -1.0, 5: -0.5, 8: -0.5}
    assert {i: v for i, v in enumerate(presence) if v} == {1: -0.5, 3: -0.5, 5: -0.5, 8: -0.5}


def test_a_tiny_temperature_does_not_overflow() -> None:
    result = filters.Temperature(1e-305).apply(np.array([1e5, 1.0]), Context())
    assert result[0] == 0
    assert result[1] == -math.inf


def all_filters() -> list[filters.Filter]:
    named = [ours for ours, _ in PEERS.values()]
    return [*named, filters.FrequencyPenalty(0.7), filters.PresencePenalty(-0.4), filters.Temperature(0)]


@given(st.lists(st.floats(-50, 50), min_size=10, max_size=40), st.sets(st.integers(0, 9), max_size=5))
def test_no_filter_mutates_its_input_or_brings_a_token_back(values: list[float], dead: set[int]) -> None:
    logits = np.array(values)
    logits[list(dead)] = -np.inf
    for step in all_filters():
        given_logits = logits.copy()
        given_logits.flags.writeable = False
        result = step.apply(given_logits, Context(IDS, 2))
        assert result is not given_logits
        assert not np.shares_memory(result, given_logits)
        assert np.isneginf(result[list(dead)]).all()


@given(st.lists(st.floats(-50, 50), min_size=2, max_size=40), st.floats(0, 100))
def test_temperature_never_changes_the_argmax(values: list[float], temperature: float) -> None:
    logits = np.array(values)
    result = filters.Temperature(temperature).apply(logits, Context())
    assert result[np.argmax(logits)] == result.max()


REFUSED: dict[str, list[tuple[Callable[[object], filters.Filter], list[object]]]] = {
    "temperature": [(filters.Temperature, [-1, math.nan, math.inf, "1", True])],
    "top_k": [(filters.TopK, [0, -1, 1.5, "3", True])],
    "top_p": [(filters.TopP, [-0.1, 1.1, math.nan, "a"])],
    "min_p": [(filters.MinP, [-0.1, 1.1, math.nan])],
    "typical_p": [(filters.Typical, [0, 1, math.nan])],
    "repetition_penalty": [(filters.RepetitionPenalty, [0, -1, math.inf, math.nan])],
    "frequency_penalty": [(filters.FrequencyPenalty, [math.inf, math.nan])],
    "presence_penalty": [(filters.PresencePenalty, [math.inf, math.nan])],
    "no_repeat_ngram": [(filters.NoRepeatNgram, [0, 1.5])],
    "logit_bias": [(filters.LogitBias, [{1: math.nan}, {1: math.inf}, {-1: 0.0}])],  # type: ignore[list-item]
}


def test_the_ends_of_a_range_are_what_the_field_means_by_them() -> None:
    """Min-p 0 is off, as in transformers; top-p 0 leaves the likeliest alone, as llama.cpp and vLLM do."""
    logits = np.log([0.1, 0.4, 0.3, 0.2])
    assert filters.MinP(0).apply(logits, Context()).tolist() == logits.tolist()
    assert theirs(hf.MinPLogitsWarper(0.0), logits).tolist() == pytest.approx(logits.tolist())
    assert np.flatnonzero(filters.TopP(0).apply(logits, Context()) > -np.inf).tolist() == [1]


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("ids", [[2, 2], [4, 4, 4], [1, 2, 1, 2], [3, 5, 3, 8, 1, 3, 5]], ids=str)
def test_an_ngram_that_ends_in_the_last_token_counts_too(n: int, ids: list[int]) -> None:
    """After "2 2" a second "2 2" would begin with the last token: transformers bans 2, and so do we."""
    logits = np.zeros(9)
    ours = filters.NoRepeatNgram(n).apply(logits, Context(ids))
    assert ours.tolist() == theirs(hf.NoRepeatNGramLogitsProcessor(n), logits, ids).tolist()


@pytest.mark.parametrize(
    ("name", "make", "value"),
    [(name, make, value) for name, cases in REFUSED.items() for make, values in cases for value in values],
    ids=str,
)
def test_refused_settings(name: str, make: Callable[[object], filters.Filter], value: object) -> None:
    with pytest.raises(InvalidInput, match=f"`{name}.*` must be .*, but is"):
        make(value)


def test_a_bias_beyond_the_vocabulary_is_refused() -> None:
    with pytest.raises(InvalidInput, match="`logit_bias token` must be a whole number from 0 to 3"):
        filters.LogitBias({4: 1.0}).apply(np.zeros(4), Context())
