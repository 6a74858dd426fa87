"""Scoring: the articles' numbers, the chain rule and losses against transformers, windows, refusals."""

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lm_core import InvalidInput, Transformer
from lm_core.logits import log_softmax
from lm_core.models.ngrams.model import NgramModel, StupidBackoff
from lm_core.scoring.chain_rule import windows
from lm_core.scoring.held_out import backoff_score, held_out
from lm_core.scoring.perplexity import Score, require_same_tokens, score, score_continuation, score_sentences
from lm_core.text.corpus import SIX_MESSAGES
from tests.authority import Authority


def test_chain_rule_equals_transformers_loss(model: Transformer, authority: Authority) -> None:
    """transformers' loss is the mean of -ln p over the tokens not masked with -100."""
    context = model.tokenizer.encode("The capital of France is")
    continuation = model.tokenizer.encode(" Paris, which lies on the Seine.")
    loss = authority.loss([*context, *continuation], unscored=len(context))
    scored = score_continuation(model, context, continuation)
    assert scored.log_probability == pytest.approx(-loss * len(continuation), abs=1e-3)
    assert scored.probability == pytest.approx(math.prod(row.probability for row in scored.rows))


def test_one_token_is_its_row(model: Transformer) -> None:
    context = model.tokenizer.encode("The capital of France is")
    (paris,) = model.tokenizer.encode(" Paris")
    (row,) = score_continuation(model, context, [paris]).rows
    assert (row.id, row.rank) == (paris, 1)
    assert row.probability == pytest.approx(0.773, abs=0.002)


@pytest.mark.parametrize(("context", "continuation"), [([], [1]), ([1], [])])
def test_nothing_to_score_is_refused(model: Transformer, context: list[int], continuation: list[int]) -> None:
    with pytest.raises(InvalidInput, match="`context and continuation` must be at least one token each"):
        score_continuation(model, context, continuation)


def test_an_impossible_token_makes_the_whole_text_impossible() -> None:
    impossible = Score.of_probabilities([0.5, 0.0])
    assert (impossible.log_probability, impossible.perplexity) == (-math.inf, math.inf)


def test_a_text_equals_transformers_loss(model: Transformer, authority: Authority, prose: str) -> None:
    ids = model.tokenizer.encode(prose[:1500])
    loss = authority.loss(ids)
    ours = score(model, ids)
    assert ours.n_tokens == len(ids) - 1
    assert ours.log_probability == pytest.approx(-loss * (len(ids) - 1), abs=1e-3 * len(ids))
    assert ours.bits_per_byte < ours.bits_per_token


def test_bytes_are_those_of_what_is_scored(model: Transformer) -> None:
    """The first token has nothing before it: neither its loss nor its bytes count; special tokens stand for none."""
    ids = model.tokenizer.encode("Zürich is<|im_end|> far")
    scored = score(model, ids)
    first = model.tokenizer.token_bytes(ids[0])
    assert scored.n_bytes == len("Zürich is far".encode()) - len(first)
    assert scored.bits_per_byte == pytest.approx(-scored.log_probability / math.log(2) / scored.n_bytes)


@given(st.integers(0, 200), st.integers(2, 40), st.data())
def test_windows_score_each_token_once(n: int, length: int, data: st.DataObject) -> None:
    stride = data.draw(st.integers(1, length - 1))
    scored: list[int] = []
    for begin, end, first in windows(n, length, stride):
        assert 0 <= begin < first < end <= n
        assert end - begin <= length
        assert len(scored) == 0 or end - first <= stride
        scored += range(first, end)
    assert scored == list(range(1, n))


@pytest.mark.parametrize(("length", "stride"), [(16, 1), (16, 8), (16, 15), (64, 32)])
def test_windowed_scores_agree_with_the_definition(
    make_tiny: Callable[..., Transformer], length: int, stride: int
) -> None:
    """Each token is scored with the window that `windows` says, and with nothing else."""
    tiny = make_tiny()
    ids = [(7 * i * i + 3) % 31 for i in range(61)]
    result = score(tiny, ids, length, stride)
    assert result.n_tokens == 60
    for begin, end, first in windows(61, length, stride):
        for i in range(first, end):
            expected = log_softmax(tiny.next_logits([ids[begin:i]])[0])[ids[i]]
            assert result.log_probabilities[i - 1] == pytest.approx(expected, abs=1e-4)


def test_without_overlap_the_first_of_each_window_stays_unscored(make_tiny: Callable[..., Transformer]) -> None:
    """As transformers' guide to perplexity does it with stride = max_length."""
    tiny = make_tiny()
    ids = [(5 * i + 2) % 31 for i in range(33)]
    found = score(tiny, ids, length=16, stride=16)
    assert (found.n_tokens, found.unscored) == (30, 3)
    losses = []
    for begin in (0, 16):
        rows = torch.tensor(tiny.logits(ids[begin : begin + 16]))[:-1]
        losses += torch.nn.functional.cross_entropy(rows, torch.tensor(ids[begin + 1 : begin + 16]), reduction="none")
    assert found.cross_entropy == pytest.approx(float(torch.stack(losses).mean()), abs=1e-5)
    skipped = len(tiny.tokenizer.decode([ids[16], ids[32]]).encode())
    assert found.n_bytes == len(tiny.tokenizer.decode(ids[1:]).encode()) - skipped
    assert score(tiny, ids, length=16, stride=8).unscored == 1


def test_perplexity_per_byte_by_hand() -> None:
    """8 bits over 4 bytes: as among 4 equally likely bytes."""
    four = Score((math.log(1 / 16), math.log(1 / 16)), n_bytes=4)
    assert (four.bits_per_byte, four.perplexity_per_byte) == pytest.approx((2.0, 4.0))
    assert Score((-math.inf,), n_bytes=1).perplexity_per_byte == math.inf


def test_a_model_whose_rows_do_not_sum_to_1_has_no_perplexity() -> None:
    words = SIX_MESSAGES.tokenizer("word")
    six = SIX_MESSAGES.encode(words)
    backoff = NgramModel.fit(six, 2, words, StupidBackoff())
    for ask in (lambda: score(backoff, [0, *six[0], 1]), lambda: held_out(backoff, six),
                lambda: score_sentences(backoff, six, 0, 1)):  # fmt: skip
        with pytest.raises(InvalidInput, match="stupid backoff gives scores, which have no perplexity"):
            ask()
    found = backoff_score(backoff, [six[0]])
    ids = [0, *six[0], 1]
    each = [math.log(backoff.probabilities(ids[:at])[ids[at]]) for at in range(1, len(ids))]
    assert found.mean_log_score == pytest.approx(math.fsum(each) / len(each), rel=1e-12)
    assert (found.events, found.impossible) == (len(each), 0)
    assert found.largest_row_sum == max(float(backoff.probabilities(ids[:at]).sum()) for at in range(1, len(ids)))


def test_refusals(model: Transformer, make_tiny: Callable[..., Transformer]) -> None:
    with pytest.raises(InvalidInput, match="`text` must be long enough that at least one token is scored"):
        score(model, [5])
    with pytest.raises(InvalidInput, match="`probabilities` must be numbers from 0 to 1"):
        Score.of_probabilities([1.2])
    with pytest.raises(InvalidInput, match="`stride` must be a whole number from 1 to 8"):
        list(windows(10, 8, 9))
    with pytest.raises(InvalidInput, match="`n_bytes` must be known"):
        _ = Score.of_probabilities([0.5]).bits_per_byte
    with pytest.raises(InvalidInput, match="compare bits per byte instead"):
        require_same_tokens(model, make_tiny())
    require_same_tokens(model, model)
