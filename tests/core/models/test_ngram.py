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
from lm_core.models.ngram import AbsoluteDiscounting, AddK, KneserNey, NgramModel, Smoothing, StupidBackoff
from lm_core.models.ngram_counts import NgramCounts, occurrences
from lm_core.scoring import Score
from lm_core.tokens import WordTokenizer

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


def test_the_articles_sentences_and_perplexity() -> None:
    ngrams = model()

    def probability(text: str) -> float:
        ids = [*TOKENIZER.encode(text), 1]
        return math.prod(float(ngrams.probabilities(ids[:i])[ids[i]]) for i in range(len(ids)))

    assert probability("package left warehouse") == pytest.approx(1 / 6)
    assert probability("order left carrier") == pytest.approx(1 / 18)
    every = [
        float(ngrams.probabilities(ids[:i])[ids[i]]) for ids in ([*s, 1] for s in SENTENCES) for i in range(len(ids))
    ]
    assert Score.of_probabilities(every).cross_entropy == pytest.approx(0.5275041383438653, abs=1e-12)
    assert Score.of_probabilities(every).perplexity == pytest.approx(1.6946972958145758, abs=1e-12)
    add_one = after(model(smoothing=AddK(1)), "left")
    expected = {"warehouse": 4 / 15, "hub": 3 / 15, "carrier": 2 / 15, "package": 1 / 15}
    assert {word: add_one[word] for word in expected} == pytest.approx(expected)


@pytest.mark.parametrize("context", ["left", "package", "parcel", "hub", ""])
@pytest.mark.parametrize("word", WORDS)
def test_bigrams_equal_nltk(context: str, word: str) -> None:
    """Lidstone only up to the vocabulary: NLTK's has one entry more, <UNK>."""
    peers = {"mle": MLE(2), "kn": KneserNeyInterpolated(2, discount=0.75), "lidstone": Lidstone(0.3, 2)}
    for peer in peers.values():
        texts, words = padded_everygram_pipeline(2, [message.split() for message in MESSAGES])
        peer.fit(texts, words)
    history = [context] if context else ["<s>"]
    assert after(model(), context)[word] == pytest.approx(peers["mle"].score(word, history), abs=1e-12)
    ours = after(model(smoothing=KneserNey(0.75)), context)[word]
    assert ours == pytest.approx(peers["kn"].score(word, history), abs=1e-12)
    row = model().counts[1].row(TOKENIZER.encode(context) or [0])
    assert len(peers["lidstone"].vocab) == TOKENIZER.vocab_size + 1
    lidstone = (row[TOKENIZER.encode(word)[0]] + 0.3) / (row.sum() + 0.3 * (TOKENIZER.vocab_size + 1))
    assert lidstone == pytest.approx(peers["lidstone"].score(word, history), abs=1e-12)
    k = 0.3 * (TOKENIZER.vocab_size + 1) / TOKENIZER.vocab_size
    assert after(model(smoothing=AddK(k)), context)[word] == pytest.approx(
        (row[TOKENIZER.encode(word)[0]] + k) / (row.sum() + 9 * k)
    )


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
    for counts in (whole, parts):
        assert counts.events == sum(peer.values())
        assert counts.distinct == len(peer)
        for ngram, count in peer.items():
            assert counts.row(ngram[:-1])[ngram[-1]] == count
            assert counts.total(ngram[:-1]) == sum(c for other, c in peer.items() if other[:-1] == ngram[:-1])


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


def test_a_count_leads_back_to_its_sentences() -> None:
    left, hub = TOKENIZER.encode("left hub")
    assert list(occurrences(SENTENCES, [left], hub, bos=0, eos=1)) == [2, 4]
    assert list(occurrences(SENTENCES, [0], TOKENIZER.encode("order")[0], bos=0, eos=1)) == [4, 5]
    assert list(occurrences(SENTENCES, [hub], 1, bos=0, eos=1)) == [2, 4]


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
