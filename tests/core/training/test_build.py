"""Recipes, what they build, how low their loss can go, a step opened, a model looked at from outside."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lm_core.errors import InvalidInput
from lm_core.text.corpus import REGIONAL_LOCAL, SIX_MESSAGES, Corpus, from_text, tracking
from lm_core.training import IGNORED, evaluate
from lm_core.training.baselines import baselines, conditional_entropy
from lm_core.training.build import examples, fresh_model, texts, trainer
from lm_core.training.projections import compare_with_counts, project_to_plane, token_vectors
from lm_core.training.recipe import ARTICLE, FAMILIES, Recipe
from lm_core.training.step_details import explain_step

pytestmark = pytest.mark.whole  # trains until the floor is reached

SMALL = Recipe(steps=50, embedding=16, hidden=16, layers=1, heads=2, batch=8)


@pytest.fixture(scope="module")
def text() -> Corpus:
    return tracking(100, seed=1)


def test_the_articles_floors_by_hand() -> None:
    """Half of the twelve targets are certain, half are one of two: ln2/2; before them one of four, or of eight."""
    read = texts(ARTICLE, REGIONAL_LOCAL)
    found = baselines(examples(ARTICLE, read.learned), read.tokenizer.vocab_size, REGIONAL_LOCAL, edges=False)
    assert [baseline.nats for baseline in found] == pytest.approx(
        [math.log(8), math.log(4), math.log(2) / 2, math.log(2) / 2]
    )


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=60))
def test_entropy_is_what_numpy_says(pairs: list[tuple[int, int]]) -> None:
    joint = np.zeros((4, 5))
    for before, after in pairs:
        joint[before, after] += 1
    p = joint / joint.sum()
    marginal = p.sum(axis=1)
    exact = -(p[p > 0] * np.log(p[p > 0])).sum() + (marginal[marginal > 0] * np.log(marginal[marginal > 0])).sum()
    assert conditional_entropy(pairs) == pytest.approx(exact, abs=1e-12)


@pytest.mark.parametrize("family", FAMILIES)
def test_floors_fall_and_no_honest_model_is_below_the_best(family: str) -> None:
    recipe = replace(SMALL, family=family, steps=300, learning_rate=0.02, batch=None)
    run = trainer(recipe, SIX_MESSAGES)
    found = baselines(run.examples, run.model.vocab_size, SIX_MESSAGES)
    assert [baseline.nats for baseline in found] == sorted((baseline.nats for baseline in found), reverse=True)
    for _ in range(300):
        run.advance()
    loss = evaluate(run.model, run.examples)
    if family == "Transformer without mask":
        assert loss < 0.1 < found[-1].nats  # it reads the answer
    else:
        assert found[-1].nats - 1e-6 <= loss < found[-2].nats + 0.2


def test_the_grammar_is_the_floor_of_generated_text(text: Corpus) -> None:
    run = trainer(SMALL, text)
    assert text.grammar is not None
    assert baselines(run.examples, 83, text)[-1].nats == text.grammar.cross_entropy


@pytest.mark.long("trains to the end")
def test_a_run_reaches_the_floor_and_its_samples_parse() -> None:
    """The default: within 5 % of what can be known, and nine texts of ten are sentences of the grammar."""
    from lm_core.decoding.strategies import strategy
    from lm_core.generation.loop import Limits, run

    text = tracking(4000)
    made = trainer(Recipe(), text)
    for _ in range(made.settings.steps):
        step = made.advance()
    assert text.grammar is not None
    assert step.held_out is not None
    assert step.held_out < 1.05 * text.grammar.cross_entropy
    words = texts(Recipe(), text).tokenizer
    said = [run(made.model, [0], strategy(seed=seed), Limits(23)).ids for seed in range(50)]
    parsed = sum(text.grammar.parses([words.decode([i]) for i in ids if i > 1]) for ids in said)
    assert parsed >= 45


@pytest.mark.parametrize("family", FAMILIES)
def test_an_opened_step_is_the_step(family: str, text: Corpus) -> None:
    """Looking changes nothing; slopes are autograd's; what is told is what happened."""
    recipe = replace(SMALL, family=family)
    plain, looked = trainer(recipe, text), trainer(recipe, text)
    for _ in range(3):
        plain.advance()
        looked.advance()
    batch = looked.next_batch()
    logits = looked.model(batch.inputs, batch.lengths).detach().requires_grad_()
    row, t = (batch.targets != IGNORED).nonzero()[0].tolist()
    loss = torch.nn.functional.cross_entropy(logits[row, t].double()[None], batch.targets[row, t][None])
    (slope,) = torch.autograd.grad(loss, logits)
    before = looked.weights.clone()
    opened = explain_step(looked)
    assert opened.made.loss == plain.advance().loss
    assert torch.equal(looked.weights, plain.weights)
    assert opened.predictions == batch.tokens == opened.made.tokens
    assert opened.asked[0].loss == pytest.approx(loss.item(), abs=1e-6)
    assert opened.slopes[0].token == batch.targets[row, t]
    assert math.fsum(each.slope for each in opened.slopes) + opened.rest[1] == pytest.approx(0, abs=1e-9)
    for each in opened.slopes:
        assert each.slope == pytest.approx(slope[row, t, each.token].item(), abs=1e-6)
    named = dict(looked.model.named_parameters())
    assert opened.parameters == sum(weights.numel() for weights in named.values())
    moved = (looked.weights - before).abs()
    assert abs(opened.changes[0].after - opened.changes[0].before) == pytest.approx(moved.max().item(), abs=1e-9)
    for change in opened.changes:
        name, place = change.name.rstrip("]").split("[")
        assert named[name][tuple(map(int, place.split(", ")))].item() == change.after


def test_all_predictions_of_a_small_batch_are_told(text: Corpus) -> None:
    opened = explain_step(trainer(replace(SMALL, batch=2), text), most=1000)
    assert len(opened.asked) == opened.predictions
    assert math.fsum(each.loss for each in opened.asked) / opened.predictions == pytest.approx(
        opened.made.loss, abs=1e-5
    )


def test_rows_beside_counts(text: Corpus) -> None:
    run = trainer(replace(SMALL, family="neural n-gram", context=1, steps=600, batch=None, learning_rate=0.02), text)
    begun = compare_with_counts(run)
    for _ in range(600):
        run.advance()
    ended = compare_with_counts(run)
    assert begun.counted == ended.counted

    def gap(found: object) -> float:
        assert isinstance(found, type(begun))
        return max(abs(a - b) for c, m in zip(found.counted, found.learned) for a, b in zip(c, m))

    assert gap(ended) < 0.05 < gap(begun)  # with one token of context it learns the counted rows


@given(st.integers(1, 9), st.integers(1, 5), st.integers(0, 99))
@settings(max_examples=40)
def test_a_plane_keeps_what_two_directions_can(tokens: int, width: int, seed: int) -> None:
    vectors = np.random.Generator(np.random.PCG64(seed)).normal(size=(tokens, width)).astype(np.float32)
    points, share = project_to_plane(vectors)
    assert points.shape == (tokens, 2)
    assert 0 <= share <= 1 + 1e-12
    total = ((vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)) ** 2).sum()
    assert (points**2).sum() == pytest.approx(share * total, abs=1e-9)
    if min(tokens - 1, width) <= 2:
        assert share == pytest.approx(1.0)


def test_token_vectors_are_the_models(text: Corpus) -> None:
    run = trainer(SMALL, text)
    assert token_vectors(run).shape == (run.model.vocab_size, SMALL.embedding)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"family": "LSTM"}, "`family` must be one of"),
        ({"embedding": 30, "heads": 4}, "`embedding` must be a multiple of twice the heads"),
        ({"steps": 5001}, "`steps`"),
        ({"learning_rate": math.nan}, "`learning_rate`"),
        ({"batch": 0}, "`batch`"),
        ({"seed": -1}, "`seed`"),
        ({"schedule": "cyclic"}, "`schedule`"),
        ({"context": True}, "`context`"),
    ],
)
def test_recipes_refuse(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        replace(Recipe(), **change)  # type: ignore[arg-type]


def test_recipes_are_read_back_or_refused() -> None:
    assert Recipe.from_json(ARTICLE.to_json()) == ARTICLE
    for broken in ({}, {**ARTICLE.to_json(), "more": 1}, {**ARTICLE.to_json(), "steps": "many"}):
        with pytest.raises(InvalidInput):
            Recipe.from_json(broken)


def test_a_model_too_large_is_refused_before_it_is_made() -> None:
    many = from_text("many", "\n".join(f"word{i}" for i in range(9000)))
    recipe = Recipe(embedding=512, layers=8, heads=4, hidden=512)
    with pytest.raises(InvalidInput, match=r"1,000,000 parameters with 9,002 different tokens.*fewer layers"):
        fresh_model(recipe, texts(recipe, many).tokenizer)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("line", ["word", "…", "a a a a a"])
def test_the_shortest_texts_are_learned(family: str, line: str) -> None:
    run = trainer(replace(SMALL, family=family, steps=5), from_text("one", line))
    assert math.isfinite([run.advance().loss for _ in range(5)][-1])


def test_a_text_without_a_prediction_is_refused() -> None:
    with pytest.raises(InvalidInput, match="at least one token to predict"):
        trainer(ARTICLE, from_text("one", "word"))
