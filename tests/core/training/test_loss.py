"""Shifted targets and cross-entropy, against torch; what torch answers with nan is an error here."""

import math
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from lm_core import InvalidInput
from lm_core.training import IGNORED, cross_entropy, shift, token_losses

floats = st.floats(-50, 50, width=32)


@given(st.lists(st.tuples(floats, floats, floats), min_size=1, max_size=8), st.data())
def test_equals_torch_also_with_ignored_targets(rows: list[tuple[float, ...]], data: st.DataObject) -> None:
    targets = torch.tensor(
        data.draw(st.lists(st.sampled_from([0, 1, 2, IGNORED]), min_size=len(rows), max_size=len(rows)))
    )
    logits = torch.tensor(rows, dtype=torch.float64, requires_grad=True)
    theirs = F.cross_entropy(logits, targets)
    if (targets == IGNORED).all():
        assert math.isnan(theirs.item())
        with pytest.raises(InvalidInput, match="`targets` must be at least one that is not ignored"):
            cross_entropy(logits, targets)
        return
    ours = cross_entropy(logits, targets)
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-12, abs=1e-12)
    (slope,), (expected,) = torch.autograd.grad(ours, logits), torch.autograd.grad(theirs, logits)
    assert torch.allclose(slope, expected, atol=1e-12)
    each = F.cross_entropy(logits, targets, reduction="none")
    assert token_losses(logits, targets).tolist() == pytest.approx(each.tolist(), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("row", [[math.nan] * 3, [-math.inf] * 3, [-math.inf, 0.0, 1.0]], ids=["nan", "all", "id 0"])
def test_an_ignored_row_is_not_looked_at(row: list[float]) -> None:
    """0 times nan is nan; torch gives a loss of 0 there, and so do we."""
    logits = torch.tensor([[0.0, 1.0, 2.0], row], dtype=torch.float64, requires_grad=True)
    targets = torch.tensor([2, IGNORED])
    each = F.cross_entropy(logits, targets, reduction="none")
    assert token_losses(logits, targets).tolist() == pytest.approx(each.tolist(), rel=1e-12)
    assert token_losses(logits, targets)[1] == 0
    ours, theirs = cross_entropy(logits, targets), F.cross_entropy(logits, targets)
    assert ours.item() == pytest.approx(theirs.item(), abs=1e-12)
    (slope,), (expected,) = torch.autograd.grad(ours, logits), torch.autograd.grad(theirs, logits)
    assert torch.allclose(slope[0], expected[0], atol=1e-12)
    assert slope[1].tolist() == [0, 0, 0]  # torch's own is nan here, where the row is


def test_huge_logits_do_not_overflow() -> None:
    assert cross_entropy(torch.tensor([[1e4, 0.0]]), torch.tensor([0])).item() == 0
    assert cross_entropy(torch.tensor([[1e4, 0.0]]), torch.tensor([1])).item() == 1e4


def test_its_slope_is_p_minus_one_hot_by_hand() -> None:
    logits = torch.zeros(1, 4, requires_grad=True)
    cross_entropy(logits, torch.tensor([2])).backward()
    assert logits.grad is not None
    assert logits.grad.tolist() == [[0.25, 0.25, -0.75, 0.25]]


@given(st.lists(st.integers(0, 9), min_size=2))
def test_shift_pairs_each_token_with_the_next(ids: list[int]) -> None:
    inputs, targets = shift(ids)
    assert len(inputs) == len(ids) - 1
    assert list(zip(inputs, targets)) == list(pairwise(ids))
