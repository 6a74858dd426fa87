"""Answers as whole strings: by hand, against transformers, and what must hold for any model."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lm_core import Transformer
from lm_core.errors import InvalidInput
from lm_core.models.ngrams.model import NgramModel
from lm_core.scoring.candidates import CandidateScores, Tally, ask_question, score_candidates
from lm_core.scoring.perplexity import score_continuation
from lm_core.text.arithmetic_task import ANSWERS, Sum
from lm_core.text.corpus import SIX_MESSAGES
from tests.authority import Authority


def test_by_hand() -> None:
    """Two of six messages go on with hub after left, three with warehouse: 2/6 and 3/6, and each then ends."""
    words = SIX_MESSAGES.tokenizer("word")
    model = NgramModel.fit(SIX_MESSAGES.encode(words), order=2, tokenizer=words)
    hub, warehouse = (words.encode(f"left {place}") for place in ("hub", "warehouse"))
    given = [[*hub, 1], [*warehouse, 1]]
    assert [math.exp(p) for p in score_candidates(model, words.encode("parcel"), given)] == pytest.approx(
        [2 / 6, 3 / 6]
    )


def test_against_transformers_scoring_each_answer_in_one_pass(model: Transformer, authority: Authority) -> None:
    case = Sum(12, 5)
    context = model.tokenizer.encode(case.prompt)
    candidates = [model.tokenizer.encode(text) for text in ANSWERS]
    found = score_candidates(model, context, candidates)
    for number in (1, 7, 12, 20):
        ids = candidates[number]
        expected = -authority.loss([*context, *ids], unscored=len(context)) * len(ids)
        assert found[number] == pytest.approx(expected, abs=2e-3)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_it_is_scoring_one_by_one_whatever_begins_alike(
    make_tiny: Callable[..., Transformer], data: st.DataObject
) -> None:
    tiny = make_tiny()
    token = st.integers(0, tiny.vocab_size - 1)
    context = data.draw(st.lists(token, min_size=1, max_size=6))
    candidates = data.draw(st.lists(st.lists(token, min_size=1, max_size=4), min_size=1, max_size=6))
    for p, ids in zip(score_candidates(tiny, context, candidates), candidates):
        assert p == pytest.approx(score_continuation(tiny, context, ids).log_probability, abs=1e-4)


def test_answers_that_end_exclude_each_other(model: Transformer) -> None:
    """To their full stop, no two of them can both come: together they have at most probability 1."""
    candidates = [tuple(model.tokenizer.encode(text)) for text in ANSWERS]
    said = ask_question(model, model.tokenizer.encode(Sum(9, 2).prompt), candidates, right=7, tempting=3)
    assert 0 < sum(map(math.exp, said.log_probabilities)) < 1
    assert said.rest == pytest.approx(1 - sum(map(math.exp, said.log_probabilities)))
    assert said.given == int(np.argmax(said.log_probabilities))


def test_a_tally_by_hand() -> None:
    sure, wrong = (math.log(0.9), math.log(0.1)), (math.log(0.2), math.log(0.8))
    tally = Tally.of([CandidateScores(sure, 0, 1), CandidateScores(sure, 1, 0), CandidateScores(wrong, 1, 0)])
    assert (tally.n, tally.right, tally.tempting, tally.prefers_right) == (3, 2, 1, 2)
    assert (tally.commonest, tally.best_constant) == (2, 2)
    assert tally.mean_right == pytest.approx((0.9 + 0.1 + 0.8) / 3)
    assert not tally.beats_shortcuts  # one answer to all would get two right as well
    with pytest.raises(InvalidInput, match="at least one"):
        Tally.of([])


def test_nothing_to_score_is_refused(model: Transformer) -> None:
    for context, candidates in (([], [[1]]), ([1], []), ([1], [[1], []])):
        with pytest.raises(InvalidInput, match="at least one token each"):
            score_candidates(model, context, candidates)
