"""Trains a model: one record a step, and checkpoints that continue to the bit.

The weights live in one vector while a run lasts, so that an update is a handful of operations.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lm_core import storage
from lm_core.decoding.strategies import strategy
from lm_core.errors import DamagedFile, InvalidInput, LmCoreError, real_number, whole_number
from lm_core.generation.loop import Limits, run
from lm_core.models.network import NeuralModel
from lm_core.text.corpus import BOS
from lm_core.training.examples import Batch, Examples
from lm_core.training.loss import cross_entropy, token_losses
from lm_core.training.optimisers import Schedule, optimiser


class Diverged(LmCoreError):
    """The loss or the gradient became nan or infinite; the model is back at the last finite step."""


@dataclass(frozen=True)
class TrainingSettings:
    """How to train. `batch` None takes all rows at once; `clip` None leaves gradients as they are."""

    steps: int = 300
    learning_rate: float = 3e-3
    batch: int | None = 32
    optimiser: str = "adamw"
    schedule: str = "constant"
    warmup: int = 0
    weight_decay: float = 0.0
    momentum: float = 0.0
    clip: float | None = 1.0
    seed: int = 0
    evaluate_every: int = 0
    """Steps between losses on the held-out examples; 0: none."""
    sample_every: int = 0
    """Steps between samples of what the model says; 0: none."""
    sample_from: tuple[int, ...] = (BOS,)
    """Token ids that a sample goes on from."""

    def __post_init__(self) -> None:
        Schedule(self.schedule, self.learning_rate, self.steps, self.warmup)
        optimiser(self.optimiser, 1, self.weight_decay, self.momentum)
        whole_number("seed", self.seed, 0)
        whole_number("evaluate_every", self.evaluate_every, 0)
        whole_number("sample_every", self.sample_every, 0)
        if self.batch is not None:
            whole_number("batch", self.batch, 1)
        if self.clip is not None:
            real_number("clip", self.clip, "a number above 0, or None", lambda c: c > 0)


@dataclass(frozen=True)
class TrainingStep:
    """One update of the weights."""

    step: int
    """Updates made, this one included."""
    loss: float
    """Mean of -ln p(target) over the batch before the update, nats per token."""
    gradient_norm: float
    """Length of the gradient before clipping."""
    learning_rate: float
    tokens: int
    """Targets in the batch."""
    seconds: float
    held_out: float | None
    """Loss on the held-out examples after the update, nats per token; None if it was not measured."""
    sample: str | None
    """What the model said after the update, drawn at temperature 1 with the run's seed; None if it was not asked."""

    @property
    def tokens_per_second(self) -> float:
        return self.tokens / self.seconds


class Trainer:
    """The state of one run. `advance` makes a step; `save` and `load` carry it over to another process.

    The rows of each batch come from `numpy`'s PCG64(seed); nothing global is touched. Adding a checkpoint anywhere
    changes no number.
    """

    def __init__(
        self, model: NeuralModel, examples: Examples, settings: TrainingSettings, held_out: Examples | None = None
    ) -> None:
        if settings.evaluate_every and held_out is None:
            raise InvalidInput("held_out", "given, to be evaluated", None)
        self.model, self.examples, self.settings, self.held_out = model, examples, settings, held_out
        self.step = 0
        self.weights, self._gradient = _as_one_vector(model)
        self._finite = self.weights.clone()
        """The weights that gave the last finite loss."""
        self._generator = np.random.Generator(np.random.PCG64(settings.seed))
        self._schedule = Schedule(settings.schedule, settings.learning_rate, settings.steps, settings.warmup)
        self._optimiser = optimiser(settings.optimiser, len(self.weights), settings.weight_decay, settings.momentum)

    def advance(self) -> TrainingStep:
        """One step. Raises Diverged, with the model back at its last finite state, if the numbers leave the range."""
        start = time.perf_counter()
        batch = self.examples.draw(self.settings.batch, self._generator)
        self._gradient.zero_()
        loss = cross_entropy(self.model(batch.inputs, batch.lengths), batch.targets)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = self._gradient.norm().item()
        if not math.isfinite(loss.item()) or not math.isfinite(norm):
            self._give_up(loss.item())
        if self.settings.clip is not None and norm > self.settings.clip:
            self._gradient.mul_(self.settings.clip / norm)
        self._finite.copy_(self.weights)
        rate = self._schedule.at(self.step + 1)
        self._optimiser.update(self.weights, self._gradient, rate, self.step + 1)
        self.step += 1
        seconds = time.perf_counter() - start
        held_out = sample = None
        if self.held_out is not None and self._due(self.settings.evaluate_every):
            held_out = evaluate(self.model, self.held_out)
        if self._due(self.settings.sample_every):
            sample = self._sample()
        return TrainingStep(self.step, loss.item(), norm, rate, batch.tokens, seconds, held_out, sample)

    def next_batch(self) -> Batch:
        """The rows of the step that comes next; looking at them draws nothing."""
        before = self._generator.bit_generator.state
        batch = self.examples.draw(self.settings.batch, self._generator)
        self._generator.bit_generator.state = before
        return batch

    def _due(self, every: int) -> bool:
        return every > 0 and self.step % every == 0

    def _sample(self, tokens: int = 32) -> str:
        room = tokens if self.model.context_length is None else self.model.context_length
        limits = Limits(max_new_tokens=min(tokens, room))
        said = run(self.model, self.settings.sample_from, strategy(seed=self.settings.seed), limits)
        return self.model.tokenizer.decode([i for i in said.ids if i not in self.model.end_ids])

    def _give_up(self, loss: float) -> None:
        self.weights.copy_(self._finite)
        self.step = max(0, self.step - 1)
        what = f"the loss became {loss}" if not math.isfinite(loss) else "the gradient became infinite"
        raise Diverged(
            f"Training stopped after step {self.step + 1}: {what}. The model is back at step {self.step}. "
            f"To fix this: lower the learning rate (now {self.settings.learning_rate:g})."
        )

    def save(self, path: Path) -> None:
        """Everything a later process needs to go on as if nothing had happened; whole or not at all."""
        tensors = {"weights": self.weights, **{f"optimiser.{k}": v for k, v in self._optimiser.state.items()}}
        storage.write(path, tensors, self._facts() | {"generator": self._generator.bit_generator.state})

    def load(self, path: Path) -> None:
        """Goes back to a checkpoint of the same model and settings. Raises DamagedFile, InvalidInput or OSError."""
        tensors, facts = storage.read(path, f"The checkpoint {path.name}")
        wanted = self._facts() | {"step": facts.get("step")}
        if {name: facts.get(name) for name in wanted} != wanted:
            raise InvalidInput("checkpoint", "one of the same model, settings and examples", path.name)
        try:
            self.weights.copy_(tensors["weights"])
            self._optimiser.state = {k: tensors[f"optimiser.{k}"] for k in self._optimiser.state}
            self._generator.bit_generator.state = facts["generator"]
            self.step = whole_number("step", facts["step"], 0)
        except (KeyError, RuntimeError, ValueError) as error:
            raise DamagedFile(f"The checkpoint {path.name} is incomplete ({error}).", "start anew.") from None
        self._finite.copy_(self.weights)

    def _facts(self) -> dict[str, object]:
        shapes = {name: list(parameter.shape) for name, parameter in self.model.named_parameters()}
        settings = json.loads(json.dumps(asdict(self.settings)))  # as a file gives them back
        return {"shapes": shapes, "settings": settings, "rows": len(self.examples), "step": self.step}


def train(
    model: NeuralModel,
    examples: Examples,
    settings: TrainingSettings,
    held_out: Examples | None = None,
    checkpoint: Path | None = None,
    checkpoint_every: int = 100,
) -> Iterator[TrainingStep]:
    """Yields one record a step until `settings.steps` are made.

    With `checkpoint`, the run is saved there every so many steps and at its end; if the file is there already, the
    run goes on from it. The numbers are the same as without.
    """
    trainer = Trainer(model, examples, settings, held_out)
    whole_number("checkpoint_every", checkpoint_every, 1)
    if checkpoint is not None and checkpoint.exists():
        trainer.load(checkpoint)
    while trainer.step < settings.steps:
        made = trainer.advance()
        if checkpoint is not None and (made.step % checkpoint_every == 0 or made.step == settings.steps):
            trainer.save(checkpoint)
        yield made


@torch.no_grad()
def evaluate(model: NeuralModel, examples: Examples, chunk: int = 64) -> float:
    """Mean loss over every row of the examples, nats per token."""
    total, tokens = 0.0, 0
    for batch in examples.chunks(chunk):
        total += token_losses(model(batch.inputs, batch.lengths), batch.targets).double().sum().item()
        tokens += batch.tokens
    return total / tokens


def _as_one_vector(model: NeuralModel) -> tuple[Tensor, Tensor]:
    """All weights and all gradients as two vectors (n,); the model's parameters become views of them."""
    parameters = list(model.parameters())
    weights = torch.cat([parameter.detach().flatten() for parameter in parameters])
    gradient = torch.zeros_like(weights)
    sizes = [parameter.numel() for parameter in parameters]
    for parameter, mine, slope in zip(parameters, torch.split(weights, sizes), torch.split(gradient, sizes)):
        parameter.data = mine.view_as(parameter)
        parameter.grad = slope.view_as(parameter)
    return weights, gradient
