"""SGD, Adam and AdamW over one vector of all weights, and schedules of the learning rate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from lm_core.errors import InvalidInput, real_number, whole_number


class Optimiser(Protocol):
    """`state` holds everything a resumed run needs."""

    state: dict[str, Tensor]

    def update(self, weights: Tensor, gradient: Tensor, learning_rate: float, step: int) -> None:
        """Moves the weights (n,) in place; step counts from 1."""
        ...


class SGD:
    """weights -= learning rate x velocity; velocity = momentum x velocity + gradient (Robbins 1951, Polyak 1964).

    >>> weights = torch.tensor([1.0])
    >>> SGD(1).update(weights, torch.tensor([2.0]), learning_rate=0.25, step=1)
    >>> weights.item()
    0.5
    """

    def __init__(self, size: int, momentum: float = 0.0) -> None:
        self.momentum = real_number("momentum", momentum, "a number from 0 up to, but not including, 1", _is_decay)
        self.state = {"velocity": torch.zeros(size)}

    def update(self, weights: Tensor, gradient: Tensor, learning_rate: float, step: int) -> None:
        """See Optimiser.update."""
        velocity = self.state["velocity"].mul_(self.momentum).add_(gradient)
        weights.add_(velocity, alpha=-learning_rate)


class Adam:
    """Steps of about the learning rate in each direction, whatever the gradient's size (Kingma and Ba 2015).

    m and v are running means of the gradient and of its square, corrected for having begun at zero; the step is
    learning rate x m / (sqrt v + eps). With `weight_decay` this is AdamW (Loshchilov and Hutter 2019): weights shrink
    by learning rate x weight_decay first.
    """

    def __init__(self, size: int, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 0.0) -> None:  # fmt: skip
        for beta in betas:
            real_number("betas", beta, "two numbers from 0 up to, but not including, 1", _is_decay)
        self.betas, self.eps = betas, real_number("eps", eps, "a number above 0", lambda e: 0 < e < math.inf)
        self.weight_decay = real_number("weight_decay", weight_decay, "a finite number >= 0", _is_finite)
        self.state = {"m": torch.zeros(size), "v": torch.zeros(size)}

    def update(self, weights: Tensor, gradient: Tensor, learning_rate: float, step: int) -> None:
        """See Optimiser.update."""
        first, second = self.betas
        if self.weight_decay:
            weights.mul_(1 - learning_rate * self.weight_decay)
        m = self.state["m"].lerp_(gradient, 1 - first)
        v = self.state["v"].mul_(second).addcmul_(gradient, gradient, value=1 - second)
        scale = v.sqrt().div_(math.sqrt(1 - second**step)).add_(self.eps)
        weights.addcdiv_(m, scale, value=-learning_rate / (1 - first**step))


def _is_decay(value: float) -> bool:
    return 0 <= value < 1


def _is_finite(value: float) -> bool:
    return 0 <= value < math.inf


OPTIMISERS = ("adamw", "adam", "sgd")


def optimiser(name: str, size: int, weight_decay: float = 0.0, momentum: float = 0.0) -> Optimiser:
    """The optimiser of that name for `size` weights."""
    if name == "sgd":
        return SGD(size, momentum)
    if name not in OPTIMISERS:
        raise InvalidInput("optimiser", "one of " + ", ".join(OPTIMISERS), name)
    return Adam(size, weight_decay=weight_decay if name == "adamw" else 0.0)


@dataclass(frozen=True)
class Schedule:
    """The learning rate of each step: a straight warm-up, then constant, or down to zero.

    >>> falling = Schedule("linear", peak=1.0, steps=4, warmup=2)
    >>> [falling.at(step) for step in (1, 2, 3, 4)]
    [0.5, 1.0, 0.5, 0.0]
    """

    kind: str
    peak: float
    steps: int
    warmup: int = 0

    def __post_init__(self) -> None:
        if self.kind not in ("constant", "linear", "cosine"):
            raise InvalidInput("schedule", '"constant", "linear" or "cosine"', self.kind)
        real_number("learning_rate", self.peak, "a finite number above 0", lambda rate: 0 < rate < math.inf)
        whole_number("steps", self.steps, 1)
        whole_number("warmup", self.warmup, 0, self.steps)

    def at(self, step: int) -> float:
        """The learning rate of one step, counted from 1."""
        whole_number("step", step, 1)
        if step < self.warmup:
            return self.peak * step / self.warmup
        if self.kind == "constant":
            return self.peak
        done = min(1.0, (step - self.warmup) / max(1, self.steps - self.warmup))
        return self.peak * ((1 - done) if self.kind == "linear" else (1 + math.cos(math.pi * done)) / 2)
