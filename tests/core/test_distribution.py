"""softmax and Distribution: by hand, against scipy's and torch's definitions, and as properties."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lm_core import Distribution, InvalidInput, Transformer, softmax
from lm_core.logits import log_softmax, omitted

FIVE = [3.0, 1.5, -1.0, -2.0, -3.0]
vectors = st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=40)


def test_by_hand() -> None:
    """Logits ln 1, ln 2, ln 5 stand in the ratio 1 : 2 : 5."""
    belief = Distribution([0.0, math.log(2), math.log(5)])
    assert belief.probabilities == pytest.approx([1 / 8, 2 / 8, 5 / 8], abs=1e-15)
    top = belief.top(1)
    assert [row.id for row in top] == [2]
    assert top.rest.count == 2
    assert top.rest.probability == pytest.approx(3 / 8, abs=1e-15)


@pytest.mark.parametrize("temperature", [0.05, 0.5, 1.0, 2.0, 5.0])
def test_softmax_equals_torch(temperature: float) -> None:
    theirs = torch.softmax(torch.tensor(FIVE, dtype=torch.float64) / temperature, dim=0)
    assert softmax(FIVE, temperature) == pytest.approx(theirs.numpy(), rel=1e-12)


@pytest.mark.parametrize("unit", ["nats", "bits"])
def test_entropy_equals_torch(unit: str) -> None:
    nats = torch.distributions.Categorical(logits=torch.tensor(FIVE, dtype=torch.float64)).entropy().item()
    assert Distribution(FIVE).entropy(unit) == pytest.approx(nats if unit == "nats" else nats / math.log(2))


@given(vectors, st.floats(-1e3, 1e3))
def test_adding_a_constant_changes_nothing(logits: list[float], constant: float) -> None:
    assert softmax(np.add(logits, constant)) == pytest.approx(softmax(logits), abs=1e-9)


@given(vectors, st.floats(0, 1e6))
def test_probabilities_sum_to_one_and_the_largest_logit_stays_likeliest(
    logits: list[float], temperature: float
) -> None:
    probabilities = softmax(logits, temperature)
    assert math.fsum(probabilities) == pytest.approx(1, abs=1e-12)
    assert probabilities[int(np.argmax(logits))] == probabilities.max()


def test_temperature_zero_takes_the_lowest_id_among_equals() -> None:
    assert softmax([1.0, 4.0, 4.0], temperature=0).tolist() == [0, 1, 0]


def test_large_logits_do_not_overflow() -> None:
    assert softmax([1000.0, 1001.0]) == pytest.approx([1 / (1 + math.e), math.e / (1 + math.e)])
    assert log_softmax([0.0, -5000.0])[1] == -5000


def test_minus_infinity_is_an_impossible_token() -> None:
    belief = Distribution([0.0, -math.inf])
    assert belief.row(1).probability == 0
    assert belief.row(1).log_probability == -math.inf
    assert belief.entropy("nats") == 0


@given(st.lists(st.sampled_from([0.0, 1.0, 2.0]), min_size=1, max_size=12))
def test_rank_is_the_place_in_the_list_also_among_equals(logits: list[float]) -> None:
    belief = Distribution(logits)
    rows = belief.top(len(logits)).rows
    assert [row.rank for row in rows] == list(range(1, len(logits) + 1))
    assert [belief.rank(row.id) for row in rows] == [row.rank for row in rows]
    assert [row.id for row in rows] == sorted(range(len(logits)), key=lambda i: (-logits[i], i))


@pytest.mark.parametrize("prompt", ["The capital of France is", "The package left the", "1 2 3 4", "\n"])
def test_shown_and_rest_make_one_for_every_n(model: Transformer, prompt: str) -> None:
    """Every n up to 100, the most a page shows, then in strides to the whole vocabulary of the real model."""
    belief = Distribution(model.next_logits([model.tokenizer.encode(prompt)])[0])
    for n in [*range(1, 101), *range(101, len(belief), 4999), len(belief)]:
        top = belief.top(n)
        assert len(top.rows) + top.rest.count == model.vocab_size
        shown = math.fsum(row.probability for row in top)
        assert abs(shown + top.rest.probability - 1) <= 1e-12
        ids = [row.id for row in top]
        assert top.rest.probability == math.fsum(np.delete(belief.probabilities, ids))


@given(vectors, st.integers(1, 40))
def test_bands_partition_the_rest(logits: list[float], n: int) -> None:
    belief, n = Distribution(logits), min(n, len(logits))
    bands = belief.bands(n, edges=(3, 10))
    assert [band.first for band in bands] == [n + 1, *(band.last + 1 for band in bands)][: len(bands)]
    assert not bands or bands[-1].last == len(logits)
    assert math.fsum(band.probability for band in bands) == pytest.approx(belief.top(n).rest.probability, abs=1e-12)


def test_kl_divergence_by_hand_and_against_torch() -> None:
    """From (1/2, 1/2) to (1/4, 3/4): 1/2 log2 2 + 1/2 log2 2/3."""
    fair, biased = Distribution([0.0, 0.0]), Distribution([0.0, math.log(3)])
    assert fair.kl_divergence(biased, "bits") == pytest.approx(0.5 + 0.5 * math.log2(2 / 3))
    p, q = (torch.distributions.Categorical(logits=torch.tensor(x)) for x in ([1.0, 2.0, 3.0], [3.0, 1.0, 1.0]))
    ours = Distribution([1.0, 2.0, 3.0]).kl_divergence(Distribution([3.0, 1.0, 1.0]), "nats")
    assert ours == pytest.approx(torch.distributions.kl_divergence(p, q).item(), rel=1e-6)
    assert fair.kl_divergence(Distribution([0.0, -math.inf]), "nats") == math.inf


@given(st.lists(st.tuples(st.floats(-20, 20), st.floats(-20, 20)), min_size=1, max_size=20))
def test_two_distributions_compared(pairs: list[tuple[float, float]]) -> None:
    first, second = (Distribution(column) for column in zip(*pairs))
    assert first.kl_divergence(second, "bits") >= 0
    assert first.kl_divergence(first, "bits") == 0
    n = (len(pairs) + 1) // 2
    changes = np.abs(second.probabilities - first.probabilities)
    assert [changes[i] for i in first.movers(second, n)] == sorted(changes, reverse=True)[:n]
    both = first.aligned(second, n)
    for row, other in both.rows:
        assert row.id == other.id
    assert math.fsum(row.probability for row, _ in both.rows) + both.rest.probability == pytest.approx(1)
    assert math.fsum(other.probability for _, other in both.rows) + both.other_rest.probability == pytest.approx(1)


def test_comparing_needs_one_vocabulary() -> None:
    with pytest.raises(InvalidInput, match="`other` must be a distribution over 2 tokens"):
        Distribution([0.0, 0.0]).kl_divergence(Distribution([0.0]), "bits")
    with pytest.raises(InvalidInput, match="`other` must be a distribution over 2 tokens"):
        Distribution([0.0, 0.0]).movers(Distribution([0.0]), 1)
    with pytest.raises(InvalidInput, match="`other` must be a distribution over 2 tokens"):
        Distribution([0.0, 0.0]).aligned(Distribution([0.0]), 1)
    with pytest.raises(InvalidInput, match='`unit` must be "nats" or "bits"'):
        Distribution([0.0]).kl_divergence(Distribution([0.0]), "bans")  # type: ignore[arg-type]


def test_omitted_mass_of_the_articles_table() -> None:
    assert omitted([0.85, 0.10, 0.03, 0.000001]) == pytest.approx(0.019999, abs=1e-12)
    assert omitted([0.5, 0.5]) == 0
    for wrong in ([0.9, 0.2], [-0.5], [math.nan]):
        with pytest.raises(InvalidInput, match="`probabilities` must be numbers >= 0 that sum to at most 1"):
            omitted(wrong)


def test_the_callers_array_is_neither_kept_nor_frozen() -> None:
    mine = np.array(FIVE)
    belief = Distribution(mine)
    mine[0] = -100
    assert belief.logits[0] == 3


@pytest.mark.parametrize(
    "logits", [[], [[1.0, 2.0]], [math.nan, 1.0], [math.inf, 1.0], [-math.inf, -math.inf], 3.0], ids=str
)
def test_refused_logits(logits: list[float]) -> None:
    with pytest.raises(InvalidInput, match="`logits` must be"):
        softmax(logits)


@pytest.mark.parametrize("temperature", [-1, math.nan, math.inf, -0.001])
def test_refused_temperatures(temperature: float) -> None:
    with pytest.raises(InvalidInput, match="`temperature` must be a finite number >= 0, but is"):
        softmax(FIVE, temperature)


@pytest.mark.parametrize("n", [0, -1, 6, 2.0, True, "3"])
def test_refused_n_and_ids(n: object) -> None:
    belief = Distribution(FIVE)
    with pytest.raises(InvalidInput, match="`n` must be a whole number from 1 to 5, but is"):
        belief.top(n)  # type: ignore[arg-type]
    if n != 0:
        with pytest.raises(InvalidInput, match="`token_id` must be a whole number from 0 to 4"):
            belief.rank(6 if n == 6 else n)  # type: ignore[arg-type]


def test_refused_unit() -> None:
    with pytest.raises(InvalidInput, match='`unit` must be "nats" or "bits"'):
        Distribution(FIVE).entropy("bytes")  # type: ignore[arg-type]


@given(st.lists(st.floats(-80, 80), min_size=1, max_size=30))
def test_the_normaliser_is_what_a_logit_loses(values: list[float]) -> None:
    """By hand ln(e^1 + e^2) = 2.3133; numpy's logaddexp as the authority."""
    assert Distribution([1.0, 2.0]).log_normaliser == pytest.approx(2.3132616875)
    belief = Distribution(values)
    assert belief.log_normaliser == pytest.approx(float(np.logaddexp.reduce(values)), abs=1e-9)
    assert belief.logits - belief.log_normaliser == pytest.approx(belief.log_probabilities, abs=1e-9)
