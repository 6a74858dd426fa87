"""The shipped model against transformers reading the same file, float32 against float32."""

import math
import random

import numpy as np
import pytest

from lm_core import Distribution, Transformer, pretrained
from lm_core.distribution import log_softmax
from tests.conftest import Authority


@pytest.fixture(scope="module")
def prompts(model: Transformer, prose: str) -> list[list[int]]:
    """30 prompts of 1 to 500 tokens: sentences, English prose cut at random, code, emoji, random ids."""
    draw = random.Random(3)
    encode = model.tokenizer.encode
    texts = [
        "The capital of France is",
        "The package left the",
        "def add(a, b):\n    return",
        "1 + 1 =",
        "🙂 שלום 日本",
    ]
    texts += ["<|im_start|>user\nWhere is my parcel?<|im_end|>\n<|im_start|>assistant\n", "Once"]
    found = [encode(text) for text in texts]
    everything = encode(prose[:200_000])
    for length in (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 120, 144, 180, 200, 233, 300, 377, 420, 480, 500):
        start = draw.randrange(len(everything) - length)
        found.append(everything[start : start + length])
    found += [[draw.randrange(model.vocab_size) for _ in range(length)] for length in (7, 70, 400)]
    assert len(found) == 30
    return found


def test_paris(model: Transformer) -> None:
    belief = Distribution(model.next_logits([model.tokenizer.encode("The capital of France is")])[0])
    (best,) = belief.top(1).rows
    assert model.tokenizer.decode([best.id]) == " Paris"
    assert best.probability == pytest.approx(0.773, abs=0.002)


def test_log_probabilities_equal_transformers(
    model: Transformer, authority: Authority, prompts: list[list[int]]
) -> None:
    """Over the whole vocabulary, at the last position of each of 30 prompts."""
    for ids in prompts:
        ours = Distribution(model.next_logits([ids])[0])
        theirs = log_softmax(authority.logits(ids)[-1])
        assert np.abs(ours.log_probabilities - theirs).max() <= 1e-3
        _assert_same_order(ours, theirs)


def _assert_same_order(ours: Distribution, theirs: np.ndarray) -> None:
    """The same 20 likeliest tokens in the same order, wherever neighbours lie more than 1e-3 apart."""
    order = np.argsort(-theirs, kind="stable")
    top = [row.id for row in ours.top(20)]
    for place in range(20):
        if top[place] != order[place]:
            assert abs(theirs[top[place]] - theirs[order[place]]) <= 1e-3


def test_every_row_equals_transformers(model: Transformer, authority: Authority, prompts: list[list[int]]) -> None:
    ids = next(ids for ids in prompts if len(ids) == 120)
    ours, theirs = model.logits(ids), authority.logits(ids)
    worst = max(np.abs(log_softmax(a) - log_softmax(b)).max() for a, b in zip(ours, theirs))
    assert worst <= 1e-3


@pytest.mark.parametrize("sizes", [[500], [200, 300], [1] * 60 + [440], [499, 1]], ids=lambda s: f"{len(s)} chunks")
def test_the_cache_changes_nothing(model: Transformer, prompts: list[list[int]], sizes: list[int]) -> None:
    ids = max(prompts, key=len)
    assert len(ids) == 500
    whole = model.logits(ids)
    cache = model.new_cache()
    for size in sizes:
        rows = model.logits(ids[cache.length : cache.length + size], cache)
        assert np.abs(rows - whole[cache.length - size : cache.length]).max() <= 5e-4
    assert cache.nbytes == 2 * 30 * 3 * 64 * 4 * 500 == 23_040_000


def test_trimmed_and_continued_equals_from_scratch(model: Transformer, prompts: list[list[int]]) -> None:
    ids = max(prompts, key=len)
    cache = model.new_cache()
    model.next_logits([ids[:300]], [cache])
    cache.trim(123)
    other = [*ids[:123], *ids[400:440]]
    assert np.abs(model.next_logits([other[123:]], [cache]) - model.next_logits([other])).max() <= 5e-4
    assert cache.length == len(other)


def test_a_batch_of_unequal_lengths_equals_one_by_one(model: Transformer, prompts: list[list[int]]) -> None:
    batch = [ids for ids in prompts if len(ids) <= 120]
    together = model.next_logits(batch)
    for row, ids in zip(together, batch):
        assert np.abs(row - model.next_logits([ids])[0]).max() <= 5e-4


def test_the_catalogue_states_the_truth(model: Transformer) -> None:
    (entry,) = pretrained.catalogue()
    assert entry.ready
    assert sum(parameter.numel() for parameter in model.parameters()) == entry.parameters
    assert math.floor(entry.path().stat().st_size / 1e6) == entry.megabytes
    assert model.context_length == 8192
