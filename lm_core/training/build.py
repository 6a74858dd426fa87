"""From a recipe and a text to a fresh model, its examples and its settings."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from lm_core.errors import InvalidInput
from lm_core.models.config import TransformerConfig
from lm_core.models.gru import GRUConfig, GRUModel
from lm_core.models.network import NeuralModel
from lm_core.models.neural_ngram import NeuralNgram, NeuralNgramConfig
from lm_core.models.transformer import Transformer
from lm_core.text.corpus import EOS, Corpus
from lm_core.text.tokenizers import CharacterTokenizer, WordTokenizer
from lm_core.training.examples import Examples
from lm_core.training.recipe import MOST_PARAMETERS, Recipe
from lm_core.training.trainer import Trainer, TrainingSettings

FEWEST_LINES = 20
"""Below this a text is learned whole; holding out a line or two would say nothing."""
HELD_OUT_ROWS = 64
"""Held-out rows that are scored while a model trains: more would take time from training."""


@dataclass(frozen=True)
class Texts:
    """The text of a run, in tokens."""

    tokenizer: WordTokenizer
    learned: list[list[int]]
    tested: list[list[int]]
    """Held out; empty where the text is too short for that."""


def texts(recipe: Recipe, corpus: Corpus) -> Texts:
    """Splits a text and cuts it into tokens; the split is the same for every seed, so that runs can be compared.

    >>> from lm_core.text.corpus import SIX_MESSAGES
    >>> read = texts(Recipe(), SIX_MESSAGES)
    >>> read.tokenizer.words[:3], len(read.learned), len(read.tested)
    (('package', 'left', 'warehouse'), 6, 0)
    """
    if recipe.edges:
        tokenizer: WordTokenizer = corpus.tokenizer("character" if recipe.by == "character" else "word")
    else:
        kind = CharacterTokenizer if recipe.by == "character" else WordTokenizer
        tokenizer = kind(sorted(kind.of(corpus.lines).words))  # as the article has them
    if len(corpus.lines) < FEWEST_LINES:
        return Texts(tokenizer, corpus.encode(tokenizer), [])
    learned, tested = corpus.split(0.1, seed=0)
    return Texts(tokenizer, learned.encode(tokenizer), tested.encode(tokenizer))


def fresh_model(recipe: Recipe, tokenizer: WordTokenizer) -> NeuralModel:
    """The untrained model, its weights drawn from the recipe's seed. Raises InvalidInput for one that is too large."""
    with torch.device("meta"):
        size = sum(weights.numel() for weights in _model(recipe, tokenizer).parameters())
    if size > MOST_PARAMETERS:
        wanted = f"small enough for {MOST_PARAMETERS:,} parameters with {tokenizer.vocab_size:,} different tokens"
        raise InvalidInput("model", f"{wanted}: fewer layers, a shorter embedding, or characters", f"{size:,} of them")
    model = _model(recipe, tokenizer)
    model.initialise(torch.Generator().manual_seed(recipe.seed))
    return model


def _model(recipe: Recipe, tokenizer: WordTokenizer) -> NeuralModel:
    size, end = tokenizer.vocab_size, [EOS] if recipe.edges else []
    if recipe.family == "neural n-gram":
        return NeuralNgram(NeuralNgramConfig(size, recipe.context, recipe.embedding, recipe.hidden), tokenizer, end)
    if recipe.family == "GRU":
        return GRUModel(GRUConfig(size, recipe.embedding, recipe.hidden), tokenizer, end)
    shape = TransformerConfig(
        size, recipe.context, recipe.layers, recipe.heads, recipe.heads, recipe.embedding // recipe.heads,
        recipe.embedding, recipe.hidden, causal=recipe.family == "Transformer",
    )  # fmt: skip
    return Transformer(shape, tokenizer, end)


def examples(recipe: Recipe, sentences: list[list[int]]) -> Examples:
    """Rows of inputs and targets. An n-gram without <bos> is not asked where it has no whole context."""
    if recipe.edges:
        width = max(recipe.context, 24) if recipe.family == "neural n-gram" else recipe.context
        return Examples(sentences, width)
    ngram = recipe.family == "neural n-gram"
    width = 8 if ngram else recipe.context
    return Examples(sentences, width, bos=None, eos=None, unscored=recipe.context - 1 if ngram else 0)


def trainer(recipe: Recipe, corpus: Corpus) -> Trainer:
    """A run before its first step. Raises InvalidInput where text, model and settings do not fit together."""
    read = texts(recipe, corpus)
    held_out = examples(recipe, read.tested[:HELD_OUT_ROWS]) if read.tested else None
    settings = TrainingSettings(
        recipe.steps, recipe.learning_rate, recipe.batch, recipe.optimiser, recipe.schedule,
        min(recipe.warmup, recipe.steps), clip=recipe.clip, seed=recipe.seed,
        evaluate_every=evaluate_every(recipe.steps) if held_out else 0,
    )  # fmt: skip
    return Trainer(fresh_model(recipe, read.tokenizer), examples(recipe, read.learned), settings, held_out)


def evaluate_every(steps: int) -> int:
    """Steps between two held-out losses: about fifty in a run."""
    return max(1, steps // 50)
