"""A training run with its weights at chosen steps in one file: the one that comes with the app, in which an induction
head appears. `python -m lm_core.training.recorded_run FILE` trains it again.
"""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from lm_core import storage
from lm_core.errors import DamagedFile, InvalidInput
from lm_core.models.config import TransformerConfig
from lm_core.models.transformer import Transformer
from lm_core.text import repetition_task, tokenizers
from lm_core.training import build
from lm_core.training.recipe import Recipe

if TYPE_CHECKING:
    from lm_core.text.tokenizers import Tokenizer

STEPS = (0, 50, 100, 150, 200, 250, 300, 350, 400, 450, 500, 600, 800, 1000, 1500, 2000)
RECIPE = Recipe(by="character", edges=False, context=32, batch=64, warmup=50, steps=STEPS[-1])
"""Two layers of four heads, 21,472 parameters."""


@dataclass(frozen=True)
class RecordedRun:
    """A run's model at each of its recorded steps."""

    steps: tuple[int, ...]
    recipe: Recipe
    tokenizer: Tokenizer
    config: TransformerConfig
    weights: dict[str, torch.Tensor]
    """`step.name` -> the tensor of that name in the model of that step."""

    def at(self, step: int) -> Transformer:
        """The model as it was after a step. Raises InvalidInput for one that is not recorded."""
        if step not in self.steps:
            raise InvalidInput("step", "one of " + ", ".join(map(str, self.steps)), step)
        before = f"{step}."
        tensors = {name.removeprefix(before): t for name, t in self.weights.items() if name.startswith(before)}
        model = Transformer(self.config, self.tokenizer)
        model.load_state_dict(tensors)
        return model.eval().requires_grad_(False)


def record(recipe: Recipe = RECIPE, steps: tuple[int, ...] = STEPS) -> bytes:
    """Trains the run on words written twice; the content of its file. Equal input, equal bytes on one machine."""
    trainer = build.trainer(recipe, repetition_task.corpus())
    model = trainer.model
    assert isinstance(model, Transformer)
    weights: dict[str, torch.Tensor] = {}
    for step in steps:
        while trainer.step < step:
            trainer.advance()
        weights |= {f"{step}.{name}": tensor.detach().clone() for name, tensor in model.state_dict().items()}
    facts: dict[str, Any] = {
        "steps": list(steps), "recipe": recipe.to_json(), "tokenizer": model.tokenizer.to_json(),
        "config": asdict(model.config), "licence": "Apache-2.0",
    }  # fmt: skip
    return storage.to_bytes(weights, facts)


def read(data: bytes, name: str) -> RecordedRun:
    """What `record` wrote. Raises DamagedFile for anything else.

    >>> run = read(Path("assets/training_runs/induction.safetensors").read_bytes(), "the run")
    >>> run.steps[:3], run.at(300).config.layers
    ((0, 50, 100), 2)
    """
    weights, facts = storage.from_bytes(data, name)
    try:
        return RecordedRun(
            tuple(facts["steps"]), Recipe.from_json(facts["recipe"]), tokenizers.from_json(facts["tokenizer"]),
            TransformerConfig(**facts["config"]), weights,
        )  # fmt: skip
    except (KeyError, TypeError) as error:
        raise DamagedFile(f"{name} is no recorded run ({error}).", "fetch the file again.") from None


if __name__ == "__main__":
    torch.set_num_threads(1)  # more would not be faster, and another count may round differently
    Path(sys.argv[1]).write_bytes(record())
