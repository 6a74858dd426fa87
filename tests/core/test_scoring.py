"""Scoring a continuation: the chain rule by hand, and against transformers' loss."""

import math

import pytest
import torch

from lm_core import InvalidInput, Transformer
from lm_core.scoring import score_continuation
from tests.conftest import Authority


def test_chain_rule_equals_transformers_loss(model: Transformer, authority: Authority) -> None:
    """transformers' loss is the mean of -ln p over the tokens not masked with -100."""
    context = model.tokenizer.encode("The capital of France is")
    continuation = model.tokenizer.encode(" Paris, which lies on the Seine.")
    ids = torch.tensor([[*context, *continuation]])
    labels = ids.clone()
    labels[0, : len(context)] = -100
    with torch.inference_mode():
        loss = authority.model(ids, labels=labels).loss.item()
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
