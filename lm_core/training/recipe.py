"""The recipe of a training run: text, tokenizer, model, settings and seed. Equal recipes are the same run."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from typing import Any

from lm_core.errors import InvalidInput, real_number, whole_number
from lm_core.text.corpus import Corpus

FAMILIES = ("neural n-gram", "GRU", "Transformer", "Transformer without mask")
UNITS = ("word", "character")
OPTIMISERS = ("adamw", "adam", "sgd")
SCHEDULES = ("constant", "linear", "cosine")
MOST_STEPS = 5_000
RANGES = {
    "context": (1, 256), "embedding": (1, 512), "hidden": (1, 512), "layers": (1, 8), "heads": (1, 16),
    "batch": (1, 512), "steps": (1, MOST_STEPS), "warmup": (0, MOST_STEPS), "seed": (0, 2**32 - 1),
}  # fmt: skip
"""Of each whole number of a recipe, the least and the most."""
RATES = (1e-9, 1e9)
"""Of the learning rate."""
MOST_PARAMETERS = 1_000_000
"""Larger models take minutes on two shared cores; `training.build` refuses them."""


def check_recipe(name: str, value: object) -> None:
    """Refuses a value that no recipe may have, whatever its others are. Raises InvalidInput."""
    choices = {"family": FAMILIES, "by": UNITS, "optimiser": OPTIMISERS, "schedule": SCHEDULES}
    if name in choices and value not in choices[name]:
        raise InvalidInput(name, "one of " + ", ".join(choices[name]), value)
    if name in RANGES and not (name == "batch" and value is None):
        whole_number(name, value, *RANGES[name])
    if name == "learning_rate":
        least, most = RATES
        real_number(name, value, f"a number from {least:g} to {most:g}", lambda rate: least <= rate <= most)
    if name == "clip" and value is not None:
        real_number(name, value, "a number above 0, or None", lambda clip: clip > 0)


@dataclass(frozen=True)
class Recipe:
    """How to train what on what.

    >>> recipe = Recipe(family="GRU", steps=200)
    >>> Recipe.from_json(recipe.to_json()) == recipe
    True
    >>> Recipe(steps=0)
    Traceback (most recent call last):
    ...
    lm_core.errors.InvalidInput: `steps` must be a whole number from 1 to 5000, but is 0.
    """

    family: str = "Transformer"
    by: str = "word"
    """What a token is."""
    edges: bool = True
    """Whether each line begins with <bos> and ends with <eos>, both tokens of the vocabulary."""
    context: int = 24
    """Tokens the model may look back on, the last one included; a GRU's rows are cut to it in training only."""
    embedding: int = 32
    """Length of a token's vector; for a Transformer the width of every layer."""
    hidden: int = 64
    """Width of the hidden layer, of the GRU's state, of the feed-forward part."""
    layers: int = 2
    heads: int = 4
    optimiser: str = "adamw"
    learning_rate: float = 4e-3
    schedule: str = "cosine"
    warmup: int = 30
    clip: float | None = 1.0
    """Largest length of a gradient; None leaves it as it is."""
    batch: int | None = 32
    """Rows a step, drawn at random; None takes all of them each time."""
    steps: int = 500
    seed: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            check_recipe(field.name, getattr(self, field.name))
        if self.is_transformer and self.embedding % (2 * self.heads):
            wanted = f"a multiple of twice the heads ({2 * self.heads}), because rotary positions turn pairs"
            raise InvalidInput("embedding", wanted, self.embedding)

    @property
    def is_transformer(self) -> bool:
        return self.family.startswith("Transformer")

    def run_id(self, corpus: Corpus) -> str:
        """A name for the run: the same text, settings and seed give the same 16 hexadecimal digits."""
        text = json.dumps([asdict(self), _digest(corpus.lines)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> Recipe:
        """Raises InvalidInput for anything `to_json` did not give."""
        known = {field.name for field in fields(cls)}
        if not isinstance(facts, dict) or set(facts) != known:
            raise InvalidInput("recipe", "one entry for each of " + ", ".join(sorted(known)), facts)
        return cls(**facts)


@lru_cache(maxsize=16)
def _digest(lines: tuple[str, ...]) -> str:
    return hashlib.sha256(json.dumps(lines).encode()).hexdigest()


ARTICLE = Recipe(
    "neural n-gram", edges=False, context=2, embedding=6, hidden=16, optimiser="adam", learning_rate=0.05,
    schedule="constant", warmup=0, clip=None, batch=None, steps=120, seed=7,
)  # fmt: skip
"""The article's run on `corpus.REGIONAL_LOCAL`: 2.121 -> 0.347 nats per token."""
