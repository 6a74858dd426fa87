"""N-grams: the article's six messages, NLTK, properties of the smoothings, counting, merging, provenance."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.lm import MLE, KneserNeyInterpolated, Lidstone
from nltk.lm.preprocessing import padded_everygram_pipeline

from lm_core import InvalidInput
from lm_core.models.ngrams import counts
from lm_core.models.ngrams.counts import NgramCounts
from lm_core.models.ngrams.model import AbsoluteDiscounting, AddK, KneserNey, NgramModel, Smoothing, StupidBackoff
from lm_core.text.tokenizers import WordTokenizer

MESSAGES = [
    "package left warehouse", "package left warehouse", "parcel left hub",
    "parcel left warehouse", "order left hub", "order left carrier",
]  # fmt: skip
WORDS = ["package", "left", "warehouse", "parcel", "hub", "order", "carrier"]
TOKENIZER = WordTokenizer(WORDS, special=["<bos>", "<eos>"])
SENTENCES = [TOKENIZER.encode(message) for message in MESSAGES]


def model(order: int = 2, smoothing: Smoothing | None = None) -> NgramModel:
    return NgramModel.fit(SENTENCES, order, TOKENIZER, smoothing or AddK(0))


def after(ngrams: NgramModel, text: str) -> dict[str, float]:
    row = ngrams.probabilities(TOKENIZER.encode(text))
    return {TOKENIZER.decode([i]): float(p) for i, p in enumerate(row)}


def test_the_articles_counts() -> None:
    row = after(model(), "left")
    assert (row["warehouse"], row["hub"], row["carrier"]) == (3 / 6, 2 / 6, 1 / 6)
    counts = model().counts[1]
    assert (counts.events, counts.distinct) == (24, 12)
    assert counts.row([TOKENIZER.encode("left")[0]])[TOKENIZER.encode("warehouse")[0]] == 3
    assert {word: p for word, p in after(model(), "").items() if p} == {
        "package": 2 / 6, "parcel": 2 / 6, "order": 2 / 6,
    }  # fmt: skip


@pytest.mark.parametrize("context", ["left", "package", "parcel", "hub", ""])
@pytest.mark.parametrize("word", WORDS)
def test_bigrams_equal_nltk(context: str, word: str) -> None:
    peers = {"mle": MLE(2), "kn": KneserNeyInterpolated(2, discount=0.75), "lidstone": Lidstone(0.3, 2)}
    for peer in peers.values():
        texts, words = padded_everygram_pipeline(2, [message.split() for message in MESSAGES])
        peer.fit(texts, words)
    history = [context] if context else ["<s>"]
    assert after(model(), context)[word] == pytest.approx(peers["mle"].score(word, history), abs=1e-12)
    ours = after(model(smoothing=KneserNey(0.75)), context)[word]
    assert ours == pytest.approx(peers["kn"].score(word, history), abs=1e-12)
    # NLTK's vocabulary has one entry more, <UNK>, which gets its share of what is added.
    wider = WordTokenizer(WORDS, special=["<bos>", "<eos>", "<unk>"])
    assert len(peers["lidstone"].vocab) == wider.vocab_size
    lidstone = NgramModel.fit([wider.encode(message) for message in MESSAGES], 2, wider, AddK(0.3))
    row = lidstone.probabilities(wider.encode(context))
    assert row[wider.encode(word)[0]] == pytest.approx(peers["lidstone"].score(word, history), abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(2, 8), max_size=6), min_size=1, max_size=12), st.integers(1, 4))
def test_small_chunks_count_the_same(corpus: list[list[int]], order: int) -> None:
    whole, parts = NgramCounts(order, 9, bos=0, eos=1), NgramCounts(order, 9, bos=0, eos=1)
    whole.add(corpus)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counts, "CHUNK", 3)
        parts.add(corpus)
    assert [array.tolist() for array in parts.packed] == [array.tolist() for array in whole.packed]


sentences = st.lists(st.lists(st.integers(2, 8), max_size=6), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(sentences, st.integers(1, 4), st.lists(st.integers(2, 8), max_size=5))
def test_smoothed_rows_sum_to_one_for_any_context(corpus: list[list[int]], order: int, context: list[int]) -> None:
    for smoothing in (AddK(0.5), AbsoluteDiscounting(0.7), KneserNey(0.7)):
        ngrams = NgramModel.fit(corpus, order, TOKENIZER, smoothing)
        row = ngrams.probabilities(context)
        assert row.min() >= 0
        assert math.fsum(row) == pytest.approx(1, abs=1e-12)
        assert row[0] == 0 or isinstance(smoothing, AddK)  # <bos> is never predicted


@settings(max_examples=60, deadline=None)
@given(sentences, st.integers(1, 4), st.integers(0, 12))
def test_counts_equal_a_counter_however_the_text_is_cut(corpus: list[list[int]], order: int, cut: int) -> None:
    whole, parts, rest = (NgramCounts(order, 9, bos=0, eos=1) for _ in range(3))
    whole.add(corpus)
    parts.add(corpus[:cut])
    rest.add(corpus[cut:])
    parts.merge(rest)
    padded = [[*[0] * (order - 1), *sentence, 1] for sentence in corpus]
    peer = Counter(tuple(ids[i : i + order]) for ids in padded for i in range(len(ids) - order + 1))
    for each in (whole, parts):
        assert each.events == sum(peer.values())
        assert each.distinct == len(peer)
        for ngram, count in peer.items():
            assert each.row(ngram[:-1])[ngram[-1]] == count
            assert each.total(ngram[:-1]) == sum(c for other, c in peer.items() if other[:-1] == ngram[:-1])


def test_an_unseen_pair_is_impossible_until_it_is_smoothed() -> None:
    assert after(model(), "left")["order"] == 0
    assert model().next_logits([TOKENIZER.encode("left")])[0][TOKENIZER.encode("order")[0]] == -math.inf
    assert after(model(smoothing=AddK(0.01)), "left")["order"] > 0
    with pytest.raises(InvalidInput, match="`context` must be one seen in the corpus, or choose a smoothing"):
        NgramModel.fit([[2, 3]], 2, TOKENIZER).probabilities([5])


def test_stupid_backoff_is_marked_as_no_distribution() -> None:
    ngrams = model(smoothing=StupidBackoff(0.4))
    assert not ngrams.is_distribution
    assert model().is_distribution
    row = ngrams.probabilities(TOKENIZER.encode("left"))
    unigrams = model(1).probabilities([])
    assert row[TOKENIZER.encode("hub")[0]] == pytest.approx(2 / 6)
    assert row[TOKENIZER.encode("order")[0]] == pytest.approx(0.4 * unigrams[TOKENIZER.encode("order")[0]])
    assert row.sum() > 1


def test_the_contract() -> None:
    ngrams = model(3)
    ids = TOKENIZER.encode("package left warehouse")
    assert ngrams.logits(ids).shape == (3, 9)
    assert np.array_equal(ngrams.logits(ids)[-1], ngrams.next_logits([ids, ids[:1]])[0])
    assert ngrams.context_length is None
    assert ngrams.end_ids == {1}


def test_refusals() -> None:
    with pytest.raises(InvalidInput, match="`order` must be at most 4 for a vocabulary of 49,152, but is 5"):
        NgramCounts(5, 49_152, 0, 1)
    counts = NgramCounts(2, 9, 0, 1)
    with pytest.raises(InvalidInput, match="`token id` must be a whole number from 0 to 8"):
        counts.add([[3, 9]])
    with pytest.raises(InvalidInput, match="`context` must be 1 token ids"):
        counts.row([1, 2])
    with pytest.raises(InvalidInput, match="`other` must be counts of"):
        counts.merge(NgramCounts(3, 9, 0, 1))
    with pytest.raises(InvalidInput, match="`ids` must be at least one sequence"):
        model().next_logits([])
    for make, name in ((AddK, "k"), (AbsoluteDiscounting, "d"), (KneserNey, "d"), (StupidBackoff, "alpha")):
        with pytest.raises(InvalidInput, match=f"`{name}` must be a"):
            make(-1)
        with pytest.raises(InvalidInput, match=f"`{name}` must be a"):
            make(math.nan)
