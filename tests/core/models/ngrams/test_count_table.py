"""A counted corpus: the article's figures, sources against counts, the best k against scoring, and properties."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lm_core import InvalidInput
from lm_core.models.ngrams.count_table import CountedCorpus, entries, followers, grid, sources, spread
from lm_core.models.ngrams.model import AddK, KneserNey
from lm_core.scoring.held_out import HeldOut, best_k, held_out, over_k, score_sentence
from lm_core.scoring.perplexity import score_sentences
from lm_core.text.corpus import BOS, EOS, HUNDRED_PAIRS, SIX_MESSAGES, Corpus, from_text, python_topics, tracking

SIX = CountedCorpus(SIX_MESSAGES, SIX_MESSAGES.tokenizer("word"))


def ids(counted: CountedCorpus, text: str) -> tuple[int, ...]:
    return tuple(counted.tokenizer.encode(text))


@pytest.fixture(scope="module")
def topics() -> CountedCorpus:
    text = python_topics()
    return CountedCorpus(text, text.tokenizer("word"))


def test_the_articles_row() -> None:
    found = followers(SIX.counts(2), ids(SIX, "left"), k=0, n=3)
    assert found is not None
    assert [(SIX.tokenizer.decode(each.ids), each.count) for each in found.named] == [
        ("warehouse", 3), ("hub", 2), ("carrier", 1),
    ]  # fmt: skip
    assert [round(each.probability, 3) for each in found.named] == [0.5, 0.333, 0.167]
    with_depot = SIX.with_words("package left depot")
    scored = score_sentence(with_depot, 2, ids(with_depot, "package left depot"), k=0)
    assert [(each.count, each.total) for each in scored] == [(2, 6), (2, 2), (0, 6), (0, 0)]
    assert scored[2].log_probability == -math.inf
    assert score_sentence(with_depot, 2, ids(with_depot, "package left depot"), k=1)[2].probability == 1 / 16  # NLTK's


def test_85_10_and_5() -> None:
    hundred = CountedCorpus(HUNDRED_PAIRS, HUNDRED_PAIRS.tokenizer("word"))
    found = followers(hundred.counts(2), ids(hundred, "left"), k=0, n=3)
    assert found is not None
    assert [(each.count, each.probability) for each in found.named] == [(85, 0.85), (10, 0.10), (5, 0.05)]


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_sources_hold_as_many_places_as_the_count_says(topics: CountedCorpus, order: int) -> None:
    counts = topics.counts(order)
    every = list(entries(counts))
    picked = np.random.Generator(np.random.PCG64(order)).choice(len(every), 100, replace=False)
    for entry in (every[i] for i in picked):
        found = list(sources(topics.sentences, entry.context, entry.id, BOS, EOS))
        assert sum(len(each.places) for each in found) == entry.count
        padded = [(*[BOS] * (order - 1), *each.ids) for each in found]
        for each, whole in zip(found, padded):
            assert all(whole[at : at + order] == (*entry.context, entry.id) for at in each.places)
    one = every[int(picked[0])]
    numbers = [each.number for each in sources(topics.sentences, one.context, one.id, BOS, EOS) for _ in each.places]
    wanted = [*one.context, one.id]
    read = [[*[BOS] * (order - 1), *ids, EOS] for ids in topics.sentences]  # one by one, as by hand
    assert numbers == [n for n, ids in enumerate(read) for at in range(len(ids)) if ids[at : at + order] == wanted]


def test_the_best_k_is_the_argmin_of_scoring() -> None:
    text = tracking(400)
    counted = CountedCorpus(text, text.tokenizer("word"))
    learned, tested = counted.parts
    assert (len(learned), len(tested)) == (360, 40)
    ks = (0.0, 0.001, 0.01, 0.1, 1.0, 10.0)
    curve = over_k(counted.counts(2, learned=True), tested, ks)
    scores = [score_sentences(counted.model(2, AddK(k), True), tested, BOS, EOS) for k in ks[1:]]
    assert [each.perplexity for each in curve[1:]] == pytest.approx([each.perplexity for each in scores], rel=1e-12)
    assert best_k(curve, ks) == ks[1 + int(np.argmin([each.cross_entropy for each in scores]))]
    assert math.isinf(curve[0].perplexity) == (curve[0].impossible > 0)


def test_held_out_perplexity_is_scorings(topics: CountedCorpus) -> None:
    _, tested = topics.parts
    some = tested[:30]
    found = held_out(topics.model(3, KneserNey()), some)
    assert found.perplexity == pytest.approx(score_sentences(topics.model(3, KneserNey()), some, BOS, EOS).perplexity)


def test_the_grid_says_what_it_leaves_out(topics: CountedCorpus) -> None:
    shown = grid(topics.counts(2), rows=12, columns=9)
    assert (len(shown.contexts), len(shown.tokens)) == (12, 9)
    for context, cells, rest, total in zip(shown.contexts, shown.counts, shown.rest, shown.totals):
        row = topics.counts(2).row(context)
        assert list(cells) == row[list(shown.tokens)].tolist()
        assert (sum(cells) + rest, total) == (total, row.sum())
    assert list(shown.totals) == sorted(shown.totals, reverse=True)
    word = ids(topics, "lambda")
    found = grid(topics.counts(3), 5, 5, having=frozenset(word))
    assert all(word[0] in context for context in found.contexts)
    pinned = grid(topics.counts(2), 3, 3, with_row=word)
    assert word in pinned.contexts


def test_entries_are_all_of_it(topics: CountedCorpus) -> None:
    every = list(entries(topics.counts(3)))
    assert sum(each.count for each in every) == topics.counts(3).events
    assert [each.count for each in every] == sorted((each.count for each in every), reverse=True)
    assert len(list(entries(topics.counts(3), most=7))) == 7
    word = ids(topics, "lambda")[0]
    found = list(entries(topics.counts(3), having=frozenset([word])))
    assert len(found) == sum(word in (*each.context, each.id) for each in every)


def test_spread_by_hand() -> None:
    assert spread(SIX.counts(1)).seen == 1
    two = spread(SIX.counts(2))
    assert (two.possible, two.seen, two.seen_once) == (9, 8, 1)  # carrier alone is met once


def test_teaching_moves_one_row_and_no_other() -> None:
    wider = SIX.with_words("package vanished parcel")
    package, vanished, parcel = (ids(wider, word) for word in ("package", "vanished", "parcel"))
    taught = wider.taught([*package, *vanished])
    assert taught.counts(2).row(package)[vanished[0]] == 1
    assert taught.counts(2).row(parcel).tolist() == wider.counts(2).row(parcel).tolist()
    assert wider.counts(2).row(package)[vanished[0]] == 0


def test_a_bigram_cannot_tell_the_two_beginnings_apart() -> None:
    text = tracking()
    counted = CountedCorpus(text, text.tokenizer("word"))
    package, customer = (ids(counted, f"{who} left the") for who in ("package", "customer"))
    assert package[-1:] == customer[-1:]
    far = counted.counts(4)
    assert far.row(package).tolist() != far.row(customer).tolist()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(2, 5), min_size=1, max_size=6), min_size=1, max_size=8), st.floats(0, 10))
def test_followers_sum_to_one(sentences: list[list[int]], k: float) -> None:
    lines = tuple(" ".join("abcd"[i - 2] for i in sentence) for sentence in sentences)
    text = Corpus("made up", lines, "")
    counted = CountedCorpus(text, text.tokenizer("word"))
    for context in [(0,), (counted.tokenizer.vocab_size - 1,)]:
        found = followers(counted.counts(2), context, k, 2)
        if found:
            parts = [*found.named, *([found.rest] if found.rest else [])]
            assert math.fsum(each.probability for each in parts) == pytest.approx(1, abs=1e-12)
            assert sum(each.types for each in parts) == counted.tokenizer.vocab_size


def test_one_line_and_refusals() -> None:
    lonely = from_text("one", "a single line")
    counted = CountedCorpus(lonely, lonely.tokenizer("word"))
    assert counted.parts[1] == []
    with pytest.raises(InvalidInput, match="`order` must be a whole number from 1 to 5, but is 6"):
        counted.counts(6)
    with pytest.raises(InvalidInput, match="`k` must be a finite number >= 0, but is -1"):
        followers(counted.counts(2), (0,), -1, 3)
    with pytest.raises(InvalidInput, match="`ks` must be one for each point of the curve"):
        best_k((), ())
    assert math.isnan(HeldOut.of([0.0]).perplexity_of_possible)
