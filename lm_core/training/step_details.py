"""One training step in detail: predictions before and after it, the gradient by the logits, the weights that moved."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from lm_core.training.loss import IGNORED
from lm_core.training.trainer import Trainer, TrainingStep

MOST_CHANGES = 8
LONGEST_CONTEXT = 4


@dataclass(frozen=True)
class PredictionChange:
    """One prediction of the batch."""

    context: tuple[int, ...]
    """The tokens read, the last few of them."""
    target: int
    before: float
    """p(target) before the update."""
    loss: float
    """-ln of it, nats."""
    after: float
    """p(target) with the new weights."""


@dataclass(frozen=True)
class LogitGradient:
    """One token's share in the gradient of a prediction's loss by its logits: p minus one-hot."""

    token: int
    p: float
    slope: float


@dataclass(frozen=True)
class WeightChange:
    """One weight that moved far."""

    name: str
    """Its matrix and place, such as `lm_head.weight[3, 5]`."""
    before: float
    after: float


@dataclass(frozen=True)
class StepDetails:
    """What one step was made of."""

    made: TrainingStep
    asked: tuple[PredictionChange, ...]
    predictions: int
    """Of the whole batch; `asked` holds the first of them."""
    slopes: tuple[LogitGradient, ...]
    """Of the first prediction: the target, and the tokens that were pushed down most."""
    rest: tuple[int, float]
    """Of that prediction: how many other tokens there are, and the sum of their slopes, which is that of their p."""
    changes: tuple[WeightChange, ...]
    parameters: int


def explain_step(trainer: Trainer, most: int = 12) -> StepDetails:
    """Makes the next step and tells what it was made of; `most` predictions of the batch are told one by one.

    The gradient of -ln softmax(logits)[target] by the logits is p minus one-hot (Bishop 2006, 4.3.4); the mean over
    the batch divides it by the number of predictions.
    """
    batch = trainer.next_batch()
    before, weights = _probabilities(trainer, batch.inputs, batch.lengths), trainer.weights.clone()
    made = trainer.advance()
    after = _probabilities(trainer, batch.inputs, batch.lengths)
    places = torch.nonzero(batch.targets != IGNORED).tolist()[:most]
    asked = []
    for row, t in places:
        target = int(batch.targets[row, t])
        p = before[row, t, target]
        context = tuple(batch.inputs[row, max(0, t + 1 - LONGEST_CONTEXT) : t + 1].tolist())
        asked.append(PredictionChange(context, target, p.item(), -p.log().item(), after[row, t, target].item()))
    row, t = places[0]
    slopes = _slopes(before[row, t], int(batch.targets[row, t]))
    others = trainer.model.vocab_size - len(slopes)
    rest = max(0.0, 1.0 - math.fsum(each.p for each in slopes)) if others else 0.0
    return StepDetails(
        made, tuple(asked), batch.tokens, slopes, (others, rest), _changes(trainer, weights), len(weights)
    )  # fmt: skip


@torch.no_grad()
def _probabilities(trainer: Trainer, inputs: Tensor, lengths: list[int]) -> Tensor:
    """(batch, time, vocabulary), float64."""
    return trainer.model(inputs, lengths).double().softmax(-1)


def _slopes(p: Tensor, target: int, most: int = 6) -> tuple[LogitGradient, ...]:
    slope = p.clone()
    slope[target] -= 1
    others = [int(i) for i in p.argsort(descending=True, stable=True) if int(i) != target][: most - 1]
    return tuple(LogitGradient(i, p[i].item(), slope[i].item()) for i in (target, *others))


def _changes(trainer: Trainer, before: Tensor) -> tuple[WeightChange, ...]:
    moved = (trainer.weights - before).abs()
    found = []
    for place in moved.argsort(descending=True, stable=True)[:MOST_CHANGES].tolist():
        found.append(WeightChange(_name(trainer, place), before[place].item(), trainer.weights[place].item()))
    return tuple(found)


def _name(trainer: Trainer, place: int) -> str:
    """A place in the one vector of weights, as a place in its matrix."""
    for name, weights in trainer.model.named_parameters():
        if place < weights.numel():
            at = ", ".join(str(int(i)) for i in torch.unravel_index(torch.tensor(place), weights.shape))
            return f"{name}[{at}]"
        place -= weights.numel()
    raise IndexError(place)
