"""The small models that come with the app: trained here on generated messages, from fixed seeds.

`python -m lm_core.training.small_models FOLDER` writes them; a second run on the same machine writes the same bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from lm_core.corpus import BOS, EOS, Corpus, tracking
from lm_core.models import files
from lm_core.models.masked import MASK, MaskedLM
from lm_core.models.neural import NeuralModel
from lm_core.models.neural_ngram import NeuralNgram, NeuralNgramConfig
from lm_core.models.ngram import AddK, NgramModel
from lm_core.models.recurrent import Recurrent, RecurrentConfig
from lm_core.models.transformer import Transformer, TransformerConfig
from lm_core.tokens import WordTokenizer
from lm_core.training.examples import BlankedExamples, Examples
from lm_core.training.trainer import TrainingSettings, evaluate, train

CONTEXT = 24
MESSAGES, SEED = 4000, 0
STEPS = 2000


def learning_corpus() -> tuple[Corpus, Corpus]:
    """What the small models learn from, and what is held out."""
    return tracking(MESSAGES, SEED).split(held_out=0.1, seed=SEED)


def _transformer_config(vocab_size: int) -> TransformerConfig:
    return TransformerConfig(vocab_size, CONTEXT, layers=2, heads=4, kv_heads=4, head_dim=16, hidden=64, ffn=128)


def _bigram(words: WordTokenizer, learn: list[list[int]]) -> NgramModel:
    return NgramModel.fit(learn, order=2, tokenizer=words, smoothing=AddK(0.01))


def transformer(words: WordTokenizer) -> Transformer:
    """The Transformer of the lessons, untrained."""
    return Transformer(_transformer_config(words.vocab_size), words, [EOS])


def neural_ngram(words: WordTokenizer) -> NeuralNgram:
    """A neural 4-gram, untrained."""
    return NeuralNgram(NeuralNgramConfig(words.vocab_size, context=3, embedding=16, hidden=64), words, [EOS])


def recurrent(words: WordTokenizer) -> Recurrent:
    """A GRU, untrained."""
    return Recurrent(RecurrentConfig(words.vocab_size, embedding=32, hidden=64), words, [EOS])


NETWORKS: dict[str, tuple[Callable[[WordTokenizer], NeuralModel], float]] = {
    "neural-ngram": (neural_ngram, 1e-2),
    "recurrent": (recurrent, 1e-2),
    "transformer": (transformer, 3e-3),
}
"""Name -> (how to build it, its learning rate)."""


def settings(learning_rate: float, steps: int = STEPS) -> TrainingSettings:
    """The recipe all of them share."""
    return TrainingSettings(steps, learning_rate, batch=32, schedule="cosine", warmup=50, seed=SEED)


def build(steps: int = STEPS) -> dict[str, bytes]:
    """Trains them all; the content of each file by its name."""
    learn, held_out = learning_corpus()
    whole = Corpus("all", (*learn.lines, *held_out.lines), "")
    words, with_mask = whole.tokenizer("word"), whole.tokenizer("word", extra=[MASK])
    sentences, tested = learn.encode(words), held_out.encode(words)
    made = {"bigram": files.to_bytes(_bigram(words, sentences), _about("Counted, add-k with k = 0.01."))}
    for name, (fresh, rate) in NETWORKS.items():
        rows, held = Examples(sentences, CONTEXT, BOS, EOS), Examples(tested, CONTEXT, BOS, EOS)
        made[name] = _trained(fresh(words), rows, held, settings(rate, steps))
    masked = MaskedLM(_transformer_config(with_mask.vocab_size), with_mask, [EOS])
    blanked, held = (BlankedExamples(part.encode(with_mask), CONTEXT, masked.mask_id) for part in (learn, held_out))
    made["masked"] = _trained(masked, blanked, held, settings(3e-3, 2 * steps))
    return made


def _trained(model: NeuralModel, rows: Examples, held_out: Examples, recipe: TrainingSettings) -> bytes:
    model.initialise(torch.Generator().manual_seed(recipe.seed))
    for _ in train(model, rows, recipe):
        pass
    how = (
        f"{recipe.steps} steps of {recipe.optimiser}, learning rate {recipe.learning_rate:g} ({recipe.schedule}), "
        f"{recipe.batch} rows a step, seed {recipe.seed}."
    )
    return files.to_bytes(model, {**_about(how), "held_out_nats_per_token": round(evaluate(model, held_out), 4)})


def _about(how: str) -> dict[str, Any]:
    corpus = f"{MESSAGES:,} messages of the tracking grammar, seed {SEED}, a tenth of them held out"
    return {"corpus": corpus, "recipe": how, "licence": "Apache-2.0"}


if __name__ == "__main__":
    torch.set_num_threads(1)  # more would not be faster, and another count may round differently
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in build().items():
        (folder / f"{name}.safetensors").write_bytes(content)
        print(f"{name:14} {len(content):9,} bytes  {files.from_bytes(content, name)[1]}")  # noqa: T201
