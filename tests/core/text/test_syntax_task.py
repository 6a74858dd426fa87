"""Texts in four syntaxes: they parse, and models differ in what they have learned of them."""

import ast
import json
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from lm_core import Distribution
from lm_core.models import model_file
from lm_core.models.ngrams.model import AddK, NgramModel
from lm_core.models.prefixed_model import PrefixedModel
from lm_core.text import syntax_task
from lm_core.text.byte_pair_encoding import ByteLevelBPE
from lm_core.text.syntax_task import CASES, allowed_mass
from lm_core.text.tokenizers import CharacterTokenizer
from lm_core.training import small_models

MODELS = Path(__file__).resolve().parents[3] / "assets" / "models"


def test_every_text_is_what_it_claims_to_be() -> None:
    """Each against a parser that is not ours: json, Python's own, SQLite; a Markdown table by its shape."""
    kinds = {"json": 0, "python": 0, "sql": 0, "markdown": 0}
    database = sqlite3.connect(":memory:")
    for name in ("parcel", "order", "letter", "item"):
        database.execute(f"CREATE TABLE {name}s (city, total, event, weight)")
    for text in syntax_task.corpus(400).lines:
        if text.startswith("{"):
            kinds["json"] += bool(json.loads(text))
        elif text.startswith("def"):
            kinds["python"] += bool(ast.parse(text))
        elif text.startswith("SELECT"):
            database.execute(text)
            kinds["sql"] += 1
        else:
            widths = {line.count("|") for line in text.splitlines()}
            kinds["markdown"] += widths == {3}
    assert sum(kinds.values()) == 400
    assert min(kinds.values()) > 50


def test_the_places_are_places() -> None:
    """Going on with an allowed character can be completed; with another it cannot."""
    assert json.loads(CASES["JSON"].text + "}") == {"event": "shipped"}
    with pytest.raises(ValueError, match="delimiter"):
        json.loads(CASES["JSON"].text + ":1}")
    assert ast.parse(CASES["Python"].text + "    return 1")
    with pytest.raises(IndentationError):
        ast.parse(CASES["Python"].text + "return 1")


def test_allowed_mass_counts_first_characters_not_tokens() -> None:
    bpe = ByteLevelBPE.build([",", "}", "},", ":", "<end>"], merges=["} ,"], special_ids=[4])
    belief = Distribution(np.log([0.1, 0.2, 0.3, 0.25, 0.15]))
    assert allowed_mass(belief, bpe, ",}") == pytest.approx(0.6)
    assert allowed_mass(Distribution([0.0, 0.0]), CharacterTokenizer("ab"), "") == 0


def test_the_transformer_keeps_to_the_rules_better_than_the_bigram() -> None:
    corpus, letters = small_models.syntax_corpus()
    bigram = PrefixedModel(NgramModel.fit(corpus.encode(letters), 2, letters, AddK(0.01)), [0])
    trained = PrefixedModel(model_file.read(MODELS / "syntax.safetensors")[0], [0])
    for place in CASES.values():
        ids = letters.encode(place.text)
        kept = [
            allowed_mass(Distribution(model.next_logits([ids])[0]), letters, place.allowed)
            for model in (bigram, trained)
        ]  # fmt: skip
        assert kept[1] > 0.95
        assert kept[1] > kept[0]
