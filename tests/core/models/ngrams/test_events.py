"""Many events at once: by hand, against the model row by row, and against scoring."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lm_core import InvalidInput
from lm_core.models.ngrams.counts import NgramCounts
from lm_core.models.ngrams.events import probabilities_of
from lm_core.models.ngrams.model import AbsoluteDiscounting, AddK, KneserNey, NgramModel, StupidBackoff
from lm_core.scoring.perplexity import score_sentences
from lm_core.text.corpus import BOS, EOS, SIX_MESSAGES, tracking

WORDS = SIX_MESSAGES.tokenizer("word")
SIX = SIX_MESSAGES.encode(WORDS)
SMOOTHINGS = [AddK(1), AddK(0.01), AbsoluteDiscounting(), AbsoluteDiscounting(0.3), KneserNey(), StupidBackoff()]


def test_by_hand() -> None:
    bare = NgramModel.fit(SIX, order=2, tokenizer=WORDS)
    package, left, warehouse, hub = (WORDS.encode(word)[0] for word in ("package", "left", "warehouse", "hub"))
    found = probabilities_of(bare, [[package, left, hub], [left, warehouse, warehouse]])
    # six messages begin with package twice, none with left; the two ends come last
    assert found.tolist() == pytest.approx([2 / 6, 1, 2 / 6, 0, 3 / 6, 0, 1, 1])


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("smoothing", SMOOTHINGS, ids=str)
def test_as_the_model_says_row_by_row(order: int, smoothing: AddK) -> None:
    text = tracking(300)
    words = text.tokenizer("word")
    learned, tested = (part.encode(words) for part in text.split(0.3))
    model = NgramModel.fit(learned, order, words, smoothing)
    found = probabilities_of(model, tested[:20])
    wanted = [model.probabilities([BOS, *ids[:i]])[token] for ids in tested[:20] for i, token in enumerate(ids)]
    ends = [model.probabilities([BOS, *ids])[EOS] for ids in tested[:20]]
    assert found == pytest.approx(np.array([*wanted, *ends]), rel=1e-12, abs=1e-300)


@pytest.mark.parametrize("smoothing", [AddK(0.5), KneserNey()], ids=str)
def test_as_scoring_says(smoothing: AddK) -> None:
    text = tracking(200)
    words = text.tokenizer("word")
    sentences = text.encode(words)
    model = NgramModel.fit(sentences, 3, words, smoothing)
    expected = score_sentences(model, sentences, BOS, EOS)
    found = np.log(probabilities_of(model, sentences)).sum()
    assert found == pytest.approx(expected.log_probability, rel=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.integers(2, 6), max_size=5), min_size=1, max_size=6), st.integers(1, 4), st.integers(0, 9))
def test_widened_counts_are_those_of_a_wider_vocabulary(sentences: list[list[int]], order: int, more: int) -> None:
    narrow, wide = NgramCounts(order, 7, 0, 1), NgramCounts(order, 7 + more, 0, 1)
    narrow.add(sentences)
    wide.add(sentences)
    mine, theirs = narrow.widened(7 + more).packed, wide.packed
    assert mine[0].tolist() == theirs[0].tolist()
    assert mine[1].tolist() == theirs[1].tolist()


def test_refusals() -> None:
    model = NgramModel.fit(SIX, order=2, tokenizer=WORDS)
    with pytest.raises(InvalidInput, match="`token id` must be a whole number from 0 to 8, but is 99"):
        probabilities_of(model, [[99]])
    with pytest.raises(InvalidInput, match="`vocab_size` must be a whole number >= 9, but is 3"):
        model.counts[1].widened(3)
