"""The shipped model against transformers reading the same file, float32 against float32."""

import math
import random

import numpy as np
import pytest

from lm_core import Distribution, Transformer, pretrained
from lm_core.logits import log_softmax
from tests.authority import Authority, Row
from tests.reliability import LONG


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


@pytest.mark.long("25 texts, one of them of 500 tokens")
def test_log_probabilities_equal_transformers(
    model: Transformer, authority: Authority, prompts: list[list[int]]
) -> None:
    """At the last position: its 64 likeliest tokens and 2,000 others, for some the whole row. Soak takes all."""
    for ids in prompts:
        if not LONG and 144 <= len(ids) < 500:
            continue
        ours = Distribution(model.next_logits([ids])[0])
        (theirs,) = authority.rows(ids, last=True)
        assert np.abs(ours.log_probabilities[theirs.ids] - theirs.log_probabilities).max() <= 1e-3
        _assert_same_order(ours, theirs)
        if len(ids) in (1, 21, 120, 400, 500):
            assert np.abs(ours.log_probabilities - authority.log_probabilities(ids)).max() <= 1e-3


def _assert_same_order(ours: Distribution, theirs: Row) -> None:
    """The same 20 likeliest tokens in the same order, wherever neighbours lie more than 1e-3 apart."""
    known = dict(zip(theirs.ids.tolist(), theirs.log_probabilities))
    for place, row in enumerate(ours.top(20)):
        if row.id != theirs.ids[place]:
            assert abs(known[row.id] - theirs.log_probabilities[place]) <= 1e-3


def test_every_row_equals_transformers(model: Transformer, authority: Authority, prompts: list[list[int]]) -> None:
    ids = next(ids for ids in prompts if len(ids) == 120)
    ours, theirs = [log_softmax(row) for row in model.logits(ids)], authority.rows(ids, last=False)
    worst = max(np.abs(row[their.ids] - their.log_probabilities).max() for row, their in zip(ours, theirs, strict=True))
    assert worst <= 1e-3


@pytest.fixture(scope="module")
def text(prompts: list[list[int]]) -> list[int]:
    """As long as chunks and cuts need."""
    return next(ids for ids in prompts if len(ids) == 180)


@pytest.fixture(scope="module")
def whole(model: Transformer, text: list[int]) -> np.ndarray:
    """Its rows, all at once."""
    return model.logits(text)


@pytest.mark.parametrize("sizes", [[180], [80, 100], [1] * 12 + [168], [179, 1]], ids=lambda s: f"{len(s)} chunks")
def test_the_cache_changes_nothing(model: Transformer, text: list[int], whole: np.ndarray, sizes: list[int]) -> None:
    cache = model.new_cache()
    for size in sizes:
        rows = model.logits(text[cache.length : cache.length + size], cache)
        assert np.abs(rows - whole[cache.length - size : cache.length]).max() <= 5e-4
    assert cache.nbytes == 2 * 30 * 3 * 64 * 4 * 180 == 8_294_400


def test_trimmed_and_continued_equals_from_scratch(model: Transformer, text: list[int]) -> None:
    cache = model.new_cache()
    model.next_logits([text[:120]], [cache])
    cache.trim(83)
    other = [*text[:83], *text[140:]]
    assert np.abs(model.next_logits([other[83:]], [cache]) - model.next_logits([other])).max() <= 5e-4
    assert cache.length == len(other)


def test_a_batch_of_unequal_lengths_equals_one_by_one(model: Transformer, prompts: list[list[int]]) -> None:
    batch = [ids for ids in prompts if len(ids) <= 21]
    together = model.next_logits(batch)
    for row, ids in zip(together, batch):
        assert np.abs(row - model.next_logits([ids])[0]).max() <= 5e-4


def test_the_catalogue_states_the_truth(model: Transformer) -> None:
    (entry,) = pretrained.catalogue()
    assert entry.ready
    assert sum(parameter.numel() for parameter in model.parameters()) == entry.parameters
    assert math.floor(entry.path().stat().st_size / 1e6) == entry.megabytes
    assert model.context_length == 8192
