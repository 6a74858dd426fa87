"""Text and a fresh model in, a trained model out, one record a step: shifted targets, cross-entropy, optimisers."""

from __future__ import annotations

from lm_core.training.examples import Batch, BlankedExamples, Examples
from lm_core.training.loss import IGNORED, cross_entropy, shift, token_losses
from lm_core.training.optimisers import OPTIMISERS, SGD, Adam, Optimiser, Schedule, optimiser
from lm_core.training.trainer import Diverged, Trainer, TrainingSettings, TrainingStep, evaluate, train

__all__ = [
    "IGNORED", "OPTIMISERS", "SGD", "Adam", "Batch", "BlankedExamples", "Diverged", "Examples", "Optimiser",
    "Schedule", "Trainer", "TrainingSettings", "TrainingStep", "cross_entropy", "evaluate", "optimiser", "shift",
    "token_losses", "train",
]  # fmt: skip
