"""Optimisers against torch's, step by step; schedules by hand."""

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lm_core import InvalidInput
from lm_core.training import SGD, Adam, Optimiser, Schedule, optimiser

PEERS: dict[str, tuple[Callable[[int], Optimiser], Callable[[list[torch.Tensor]], torch.optim.Optimizer]]] = {
    "sgd": (lambda n: SGD(n), lambda p: torch.optim.SGD(p, lr=0.05)),
    "momentum": (lambda n: SGD(n, 0.9), lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9)),
    "adam": (lambda n: Adam(n), lambda p: torch.optim.Adam(p, lr=0.05)),
    "betas": (lambda n: Adam(n, (0.8, 0.95), 1e-6), lambda p: torch.optim.Adam(p, 0.05, (0.8, 0.95), 1e-6)),
    "adamw": (lambda n: Adam(n, weight_decay=0.1), lambda p: torch.optim.AdamW(p, lr=0.05, weight_decay=0.1)),
}


@pytest.mark.parametrize("name", PEERS)
def test_equals_torch(name: str) -> None:
    generator = torch.Generator().manual_seed(1)
    start = torch.randn(20, generator=generator)
    ours, theirs = start.clone(), torch.nn.Parameter(start.clone())
    mine, peer = PEERS[name][0](20), PEERS[name][1]([theirs])
    for step in range(1, 30):
        gradient = torch.randn(20, generator=generator)
        theirs.grad = gradient.clone()
        peer.step()
        mine.update(ours, gradient, 0.05, step)
        assert torch.allclose(ours, theirs.detach(), atol=1e-6)


@given(st.sampled_from([1e-6, 1.0, 1e6]))
def test_adams_first_step_is_the_learning_rate_whatever_the_slope(size: float) -> None:
    weights = torch.zeros(1)
    Adam(1).update(weights, torch.tensor([size]), learning_rate=0.01, step=1)
    assert weights.item() == pytest.approx(-0.01, rel=0.02)


def test_schedules_by_hand() -> None:
    assert [Schedule("constant", 2.0, 4).at(step) for step in (1, 4, 9)] == [2, 2, 2]
    assert [Schedule("linear", 1.0, 6, warmup=2).at(step) for step in (1, 2, 4, 6, 9)] == [0.5, 1, 0.5, 0, 0]
    cosine = Schedule("cosine", 1.0, 6, warmup=2)
    assert [cosine.at(step) for step in (2, 4, 6)] == pytest.approx([1, 0.5, 0])
    assert cosine.at(3) == pytest.approx((1 + math.cos(math.pi / 4)) / 2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optimiser("lion", 3), "`optimiser` must be one of adamw, adam, sgd, but is 'lion'"),
        (lambda: SGD(1, 1.0), "`momentum` must be a number from 0 up to, but not including, 1"),
        (lambda: Adam(1, (0.9, 1.0)), "`betas` must be two numbers from 0"),
        (lambda: Adam(1, eps=0), "`eps` must be a number above 0, but is 0"),
        (lambda: Adam(1, weight_decay=-1), "`weight_decay` must be a finite number >= 0, but is -1"),
        (lambda: Schedule("step", 1.0, 5), '`schedule` must be "constant", "linear" or "cosine", but is \'step\''),
        (lambda: Schedule("linear", math.inf, 5), "`learning_rate` must be a finite number above 0, but is inf"),
        (lambda: Schedule("linear", math.nan, 5), "`learning_rate` must be a finite number above 0, but is nan"),
        (lambda: Schedule("linear", 1.0, 0), "`steps` must be a whole number >= 1, but is 0"),
        (lambda: Schedule("linear", 1.0, 5, 6), "`warmup` must be a whole number from 0 to 5, but is 6"),
        (lambda: Schedule("linear", 1.0, 5).at(0), "`step` must be a whole number >= 1, but is 0"),
    ],
)
def test_refusals(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        make()
