"""The small models that are shipped: they are what their recipe says, and a ladder."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lm_core.decoding.strategies import strategy
from lm_core.generation.loop import Limits, run
from lm_core.logits import softmax
from lm_core.models import model_file
from lm_core.models.grammar_model import GrammarModel
from lm_core.scoring.perplexity import score_sentences
from lm_core.text.corpus import BOS, EOS, tracking
from lm_core.text.grammar import TRACKING
from lm_core.training import small_models
from tests.reliability import cases

pytestmark = pytest.mark.whole  # trains the small models again

FOLDER = Path(__file__).resolve().parents[3] / "assets" / "models"


@pytest.fixture(scope="module")
def shipped() -> dict[str, Any]:
    return {path.stem: model_file.read(path)[0] for path in FOLDER.glob("*.safetensors")}


def test_they_are_small_and_carry_their_recipe() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 5_000_000
    for path in FOLDER.iterdir():
        assert set(model_file.read(path)[1]) >= {"corpus", "recipe", "licence"}


def test_each_rung_of_the_ladder_predicts_better_and_none_beats_the_source(shipped: dict[str, Any]) -> None:
    """On fresh messages; the best come within 3 % of the floor that the grammar sets."""
    fresh = tracking(300, seed=1234)
    losses = {}
    for name in ("bigram", "neural-ngram", "recurrent", "transformer"):
        sentences = fresh.encode(shipped[name].tokenizer)
        losses[name] = score_sentences(shipped[name], sentences, BOS, EOS).cross_entropy
    words = shipped["bigram"].tokenizer
    source = score_sentences(GrammarModel(TRACKING, words), fresh.encode(words), BOS, EOS).cross_entropy
    assert source < losses["transformer"] < 1.03 * source < losses["neural-ngram"] < losses["bigram"]
    assert source < losses["recurrent"] < 1.03 * source
    assert source == pytest.approx(TRACKING.cross_entropy, rel=0.03)


def test_what_the_transformer_says_is_grammatical(shipped: dict[str, Any]) -> None:
    model = shipped["transformer"]
    said = [run(model, [BOS], strategy(seed=seed), Limits(23)).ids for seed in range(50)]
    words = [[model.tokenizer.decode([i]) for i in ids if i != EOS] for ids in said]
    assert sum(TRACKING.parses(message) for message in words) >= 45


def test_the_bigram_cannot_know_who_left(shipped: dict[str, Any]) -> None:
    """After "left the" a bigram's row is one and the same; the Transformer remembers who it was."""
    rows = {}
    for name in ("bigram", "transformer"):
        encode = shipped[name].tokenizer.encode
        batch = [[BOS, *encode(f"the {who} left the")] for who in ("package", "customer")]
        rows[name] = [softmax(row) for row in shipped[name].next_logits(batch)]
    assert np.array_equal(*rows["bigram"])
    checkout = shipped["transformer"].tokenizer.encode("checkout")[0]
    package, customer = rows["transformer"]
    assert package[checkout] < 0.01 < 0.4 < customer[checkout]


def test_the_masked_model_fills_a_blank_from_its_right_side(shipped: dict[str, Any]) -> None:
    """Who left? What stands behind the blank says it; a causal model would have to guess."""
    model = shipped["masked"]
    encode = model.tokenizer.encode
    (customer,) = encode("customer")
    for behind, expected in (("left the checkout page.", 1.0), ("left the regional hub.", 0.0)):
        ids = [BOS, *encode(f"the customer {behind}"), EOS]
        assert softmax(model.fill(ids, 2))[customer] == pytest.approx(expected, abs=0.05)


def test_the_recipe_makes_the_same_bytes_again() -> None:
    """A few steps instead of all, so that the test is quick; `make models` twice compares the real ones."""
    threads = torch.get_num_threads()
    steps = cases(4, 60)
    assert small_models.build(steps=steps) == small_models.build(steps=steps)
    assert torch.get_num_threads() == threads
