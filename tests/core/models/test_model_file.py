"""Models as files: every family comes back with the same logits; foreign and damaged files are refused."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lm_core import InvalidInput, storage
from lm_core.errors import DamagedFile
from lm_core.models import model_file
from lm_core.models.config import TransformerConfig
from lm_core.models.gru import GRUConfig, GRUModel
from lm_core.models.masked_lm import MASK, MaskedLM
from lm_core.models.neural_ngram import NeuralNgram, NeuralNgramConfig
from lm_core.models.ngrams.model import AddK, KneserNey, NgramModel, StupidBackoff
from lm_core.models.table_model import ORDER_SHIPPED, TableModel
from lm_core.models.transformer import Transformer
from lm_core.text.corpus import SIX_MESSAGES

WORDS = SIX_MESSAGES.tokenizer("word", [MASK])
SIX = SIX_MESSAGES.encode(WORDS)
SHAPE = TransformerConfig(WORDS.vocab_size, 8, 1, 2, 1, 4, 8, 12)
MAKE: dict[str, Callable[[], Any]] = {
    "transformer": lambda: Transformer(SHAPE, WORDS, [1]),
    "masked": lambda: MaskedLM(SHAPE, WORDS, [1]),
    "neural n-gram": lambda: NeuralNgram(NeuralNgramConfig(WORDS.vocab_size), WORDS, [1]),
    "recurrent": lambda: GRUModel(GRUConfig(WORDS.vocab_size), WORDS, [1]),
    "trigram": lambda: NgramModel.fit(SIX, 3, WORDS, KneserNey(0.6)),
    "add-k": lambda: NgramModel.fit(SIX, 2, WORDS, AddK(0.5)),
    "stupid backoff": lambda: NgramModel.fit(SIX, 2, WORDS, StupidBackoff(0.3)),
}


def made(kind: str) -> Any:
    model = MAKE[kind]()
    if hasattr(model, "initialise"):
        model.initialise(torch.Generator().manual_seed(1))
    return model


@pytest.mark.parametrize("kind", MAKE)
def test_it_comes_back_the_same(kind: str, tmp_path: Path) -> None:
    model = made(kind)
    content = model_file.to_bytes(model, {"recipe": "by hand"})
    (tmp_path / "f").write_bytes(content)
    back, about = model_file.read(tmp_path / "f")
    assert about == {"recipe": "by hand"}
    assert type(back) is type(model)
    assert back.end_ids == model.end_ids
    assert back.tokenizer.encode("parcel left hub") == WORDS.encode("parcel left hub")
    assert np.array_equal(back.logits(SIX[0]), model.logits(SIX[0]))
    assert model_file.to_bytes(back, about) == content


def test_what_cannot_be_stored_or_read_is_refused() -> None:
    with pytest.raises(InvalidInput, match="`model` must be one of a family that can be stored, but is 'TableModel'"):
        model_file.to_bytes(TableModel(ORDER_SHIPPED), {})  # type: ignore[arg-type]
    with pytest.raises(DamagedFile, match="m is not a file of ours"):
        model_file.from_bytes(b"GGUF", "m")
    with pytest.raises(DamagedFile, match=r"m is not a model of ours \('tokenizer'\)"):
        model_file.from_bytes(storage.to_bytes({}, {"some": "thing"}), "m")
    model = made("transformer")
    facts = {"tokenizer": WORDS.to_json(), "end_ids": [1], "about": {}, "kind": "transformer", "config": asdict(SHAPE)}
    lacking = dict(list(model.state_dict().items())[1:])
    with pytest.raises(DamagedFile, match=r"m is not a model of ours \(.*Missing key"):
        model_file.from_bytes(storage.to_bytes(lacking, facts), "m")
    odd = {**facts, "config": {**asdict(SHAPE), "kv_heads": 3}}
    with pytest.raises(DamagedFile, match=r"m is not a model of ours \(`kv_heads` must be a divisor"):
        model_file.from_bytes(storage.to_bytes(model.state_dict(), odd), "m")


def test_a_masked_model_needs_a_mask_and_sees_both_sides() -> None:
    with pytest.raises(InvalidInput, match="`tokenizer` must be one with the special token <mask>"):
        MaskedLM(SHAPE, SIX_MESSAGES.tokenizer("word"))
    masked = made("masked")
    ids = [0, *WORDS.encode("parcel left hub"), 1]
    right = [0, *WORDS.encode("parcel left carrier"), 1]
    assert not np.array_equal(masked.fill(ids, 2), masked.fill(right, 2))
    assert np.array_equal(masked.fill(ids, 3), masked.fill(right, 3))  # what is filled in was hidden
    with pytest.raises(InvalidInput, match="`position` must be a whole number from 0 to 4, but is 5"):
        masked.fill(ids, 5)
