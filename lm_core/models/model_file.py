"""Stores a model we trained as one file and loads it again: weights or counts, shape, tokenizer, and its recipe.

Pretrained formats are read in `pretrained`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from lm_core import storage
from lm_core.errors import DamagedFile, InvalidInput, LmCoreError
from lm_core.models.config import TransformerConfig
from lm_core.models.gru import GRUConfig, GRUModel
from lm_core.models.masked_lm import MaskedLM
from lm_core.models.network import NeuralModel
from lm_core.models.neural_ngram import NeuralNgram, NeuralNgramConfig
from lm_core.models.ngrams.counts import NgramCounts
from lm_core.models.ngrams.model import SMOOTHINGS, NgramModel
from lm_core.models.transformer import Transformer
from lm_core.text import tokenizers

NETWORKS: dict[str, tuple[type[Any], type[Any]]] = {
    "transformer": (Transformer, TransformerConfig),
    "masked": (MaskedLM, TransformerConfig),
    "neural n-gram": (NeuralNgram, NeuralNgramConfig),
    "recurrent": (GRUModel, GRUConfig),
}
Storable = NgramModel | NeuralModel


def to_bytes(model: Storable, about: Mapping[str, Any]) -> bytes:
    """The model as a safetensors file; `about` is what JSON can hold, such as the recipe. Equal input, equal bytes."""
    tensors, facts = _parts(model)
    return storage.to_bytes(tensors, {**facts, "about": dict(about)})


def from_bytes(data: bytes, name: str) -> tuple[Any, dict[str, Any]]:
    """(model, about). Raises DamagedFile for what `to_bytes` did not write or what changed since.

    >>> from lm_core.text.tokenizers import WordTokenizer
    >>> words = WordTokenizer(["package", "left"], special=["<bos>", "<eos>"])
    >>> model = NgramModel.fit([[2, 3]], order=2, tokenizer=words)
    >>> back, about = from_bytes(to_bytes(model, {"made": "here"}), "bigram")
    >>> back.probabilities([2]).tolist(), about
    ([0.0, 0.0, 0.0, 1.0], {'made': 'here'})
    """
    return _build(*storage.from_bytes(data, name), name)


def read(path: Path) -> tuple[Any, dict[str, Any]]:
    """As `from_bytes`, from a file; OSError if it cannot be opened."""
    return from_bytes(path.read_bytes(), path.name)


def _parts(model: Storable) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    facts: dict[str, Any] = {"end_ids": sorted(model.end_ids), "tokenizer": model.tokenizer.to_json()}
    if isinstance(model, NgramModel):
        first = model.counts[0]
        tensors: dict[str, torch.Tensor] = {}
        for counts in model.counts:
            keys, numbers = counts.packed
            tensors |= {f"{counts.order}.keys": torch.tensor(keys), f"{counts.order}.counts": torch.tensor(numbers)}
        smoothing = {"kind": type(model.smoothing).__name__, **asdict(model.smoothing)}
        shape = {"order": model.order, "bos": first.bos, "eos": first.eos, "smoothing": smoothing}
        return tensors, {**facts, "kind": "n-gram", "config": shape}
    for kind, (family, _) in NETWORKS.items():
        if type(model) is family:
            return model.state_dict(), {**facts, "kind": kind, "config": asdict(model.config)}  # type: ignore[call-overload]
    raise InvalidInput("model", "one of a family that can be stored", type(model).__name__)


def _build(tensors: dict[str, torch.Tensor], facts: dict[str, Any], name: str) -> tuple[Any, dict[str, Any]]:
    try:
        tokenizer = tokenizers.from_json(facts["tokenizer"])
        if facts["kind"] == "n-gram":
            return _ngram(tensors, facts["config"], tokenizer), facts["about"]
        family, config = NETWORKS[facts["kind"]]
        with torch.device("meta"):
            model = family(config(**facts["config"]), tokenizer, facts["end_ids"])
        model.load_state_dict(tensors, assign=True)
    except (KeyError, TypeError, RuntimeError, LmCoreError) as error:
        why = " ".join(str(error).split())  # torch lists what is missing over many lines
        raise DamagedFile(f"{name} is not a model of ours ({why}).", "choose a file that was saved here.") from None
    return model.eval().requires_grad_(False), facts["about"]


def _ngram(tensors: dict[str, torch.Tensor], shape: dict[str, Any], tokenizer: Any) -> NgramModel:
    counts = []
    for order in range(1, shape["order"] + 1):
        each = NgramCounts(order, tokenizer.vocab_size, shape["bos"], shape["eos"])
        each.packed = (tensors[f"{order}.keys"].numpy(), tensors[f"{order}.counts"].numpy())
        counts.append(each)
    smoothing = dict(shape["smoothing"])
    return NgramModel(counts, tokenizer, SMOOTHINGS[smoothing.pop("kind")](**smoothing))
