"""The run that comes with the app: what its recipe makes, and the induction head that appears in it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from lm_core import InvalidInput, storage
from lm_core.errors import DamagedFile
from lm_core.inspection import inspect
from lm_core.inspection.head_roles import ROLES, head_roles
from lm_core.inspection.interventions import Ablation, logits_with
from lm_core.logits import softmax
from lm_core.text import repetition_task
from lm_core.training import recorded_run
from lm_core.training.recorded_run import RecordedRun
from tests.reliability import LONG

FILE = Path("assets/training_runs/induction.safetensors")
NEW = "qwjkzmxqwjkzmx"
"""Seven letters in an order that the run has never been shown, twice."""


@pytest.fixture(scope="module")
def run() -> RecordedRun:
    return recorded_run.read(FILE.read_bytes(), FILE.name)


def test_the_induction_head_appears(run: RecordedRun) -> None:
    """At first no head looks at what followed the same letter; at the end one does with nearly all its attention."""
    scores = []
    for step in (0, 300, 600, 2000):
        model = run.at(step)
        found = inspect(model, model.tokenizer.encode(NEW))
        scores.append(head_roles(found.ids, found.attention).scores[ROLES.index("followed"), 1].max())
    assert scores == sorted(scores)
    assert scores[0] < 0.15
    assert scores[-1] > 0.98
    assert not any(NEW[:7] in line for line in repetition_task.corpus().lines)


def test_it_is_what_the_model_predicts_with(run: RecordedRun) -> None:
    """The second half is certain at the end; without layer 2's attention, or the head before it, it is lost."""
    model = run.at(2000)
    ids = model.tokenizer.encode(NEW)

    def sure(off: list[Ablation]) -> float:
        rows = logits_with(model, ids, off)
        return float(np.mean([softmax(rows[t])[ids[t + 1]] for t in range(7, 13)]))

    assert sure([]) > 0.98
    assert sure([Ablation(2)]) < 0.2
    assert sure([Ablation(1, 3)]) < 0.5


def test_the_recipe_makes_the_file(run: RecordedRun) -> None:
    """Its first steps to the last digits; `make soak` trains all of it."""
    steps = run.steps if LONG else run.steps[:2]
    made = recorded_run.read(recorded_run.record(replace(run.recipe), steps), "made again")
    for step in steps:
        for name, tensor in made.at(step).state_dict().items():
            assert torch.allclose(tensor, run.at(step).state_dict()[name], atol=1e-3 if step > 50 else 1e-5), (
                step,
                name,
            )


def test_refusals(run: RecordedRun) -> None:
    with pytest.raises(InvalidInput, match="one of 0, 50"):
        run.at(51)
    with pytest.raises(DamagedFile, match="no recorded run"):
        recorded_run.read(storage.to_bytes({"w": torch.ones(1)}, {"step": 1}), "another file")
