"""Runs: against a bare torch loop, resumed anywhere, stopped at nan; samples, held-out loss, refusals."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from lm_core import InvalidInput, Transformer
from lm_core.errors import DamagedFile
from lm_core.models.config import TransformerConfig
from lm_core.models.gru import GRUConfig, GRUModel
from lm_core.models.network import NeuralModel
from lm_core.models.neural_ngram import NeuralNgram, NeuralNgramConfig
from lm_core.scoring.perplexity import score_sentences
from lm_core.text.corpus import SIX_MESSAGES
from lm_core.training import Diverged, Examples, Trainer, TrainingSettings, evaluate, train

WORDS = SIX_MESSAGES.tokenizer("word")
SENTENCES = SIX_MESSAGES.encode(WORDS)
EXAMPLES = Examples(SENTENCES, context_length=8)
SHORT = TrainingSettings(steps=12, learning_rate=0.01, batch=4, schedule="cosine", warmup=3, weight_decay=0.1, seed=5)
V = WORDS.vocab_size
FAMILIES: dict[str, Callable[[], NeuralModel]] = {
    "neural n-gram": lambda: NeuralNgram(NeuralNgramConfig(V), WORDS, [1]),
    "recurrent": lambda: GRUModel(GRUConfig(V, 8, 8), WORDS, [1]),
    "llama": lambda: Transformer(TransformerConfig(V, 8, 1, 2, 1, 4, 8, 12), WORDS, [1]),
    "gpt2": lambda: Transformer(TransformerConfig(V, 8, 1, 2, 2, 4, 8, 12, style="gpt2"), WORDS, [1]),
}


def fresh(family: str = "llama") -> NeuralModel:
    model = FAMILIES[family]()
    model.initialise(torch.Generator().manual_seed(3))
    return model


def weights(model: NeuralModel) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


@pytest.mark.parametrize("family", FAMILIES)
def test_equals_a_bare_torch_loop(family: str) -> None:
    ours, theirs = fresh(family), fresh(family)
    records = list(train(ours, EXAMPLES, TrainingSettings(15, 0.01, batch=None, clip=0.5, weight_decay=0.1)))
    optimiser = torch.optim.AdamW(theirs.parameters(), lr=0.01, weight_decay=0.1)
    batch = EXAMPLES.all()
    for made in records:
        optimiser.zero_grad()
        loss = F.cross_entropy(theirs(batch.inputs).flatten(0, 1), batch.targets.flatten())
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(theirs.parameters(), 0.5)
        optimiser.step()
        assert (made.loss, made.gradient_norm) == pytest.approx((loss.item(), norm.item()), rel=1e-4)
    for (name, mine), yours in zip(ours.named_parameters(), theirs.parameters()):
        # A bias of the keys moves no attention weight: its slope is rounding noise, which Adam makes a step of.
        assert name.endswith("k_proj.bias") or torch.allclose(mine, yours, atol=1e-4), name
    assert records[-1].loss < records[0].loss
    assert [made.step for made in records] == list(range(1, 16))
    assert {made.tokens for made in records} == {24}


@settings(max_examples=15, deadline=None)
@given(
    family=st.sampled_from(list(FAMILIES)), optimiser=st.sampled_from(["adamw", "adam", "sgd"]), stop=st.integers(0, 12)
)
def test_stopped_anywhere_and_resumed_equals_uninterrupted_to_the_bit(
    tmp_path_factory: pytest.TempPathFactory, family: str, optimiser: str, stop: int
) -> None:
    path = tmp_path_factory.mktemp("run") / "checkpoint"
    recipe = replace(SHORT, optimiser=optimiser, momentum=0.9 if optimiser == "sgd" else 0.0)
    whole, begun, resumed = fresh(family), fresh(family), FAMILIES[family]()
    resumed.initialise(torch.Generator().manual_seed(99))
    expected = [made.loss for made in train(whole, EXAMPLES, recipe)]
    first = Trainer(begun, EXAMPLES, recipe)
    losses = [first.advance().loss for _ in range(stop)]
    first.save(path)
    losses += [made.loss for made in train(resumed, EXAMPLES, recipe, checkpoint=path)]
    assert losses == expected
    assert torch.equal(weights(resumed), weights(whole))


def test_a_killed_run_goes_on_from_its_last_checkpoint(tmp_path: Path) -> None:
    whole, killed, resumed = fresh(), fresh(), fresh()
    expected = [made.loss for made in train(whole, EXAMPLES, SHORT)]
    run = train(killed, EXAMPLES, SHORT, checkpoint=tmp_path / "c", checkpoint_every=5)
    for _ in range(8):
        next(run)
    run.close()
    rest = list(train(resumed, EXAMPLES, SHORT, checkpoint=tmp_path / "c", checkpoint_every=5))
    assert rest[0].step == 6
    assert [made.loss for made in rest] == expected[5:]
    assert torch.equal(weights(resumed), weights(whole))
    assert list(train(resumed, EXAMPLES, SHORT, checkpoint=tmp_path / "c")) == []


def test_nothing_global_is_drawn_from_and_the_same_seed_gives_the_same_run() -> None:
    before = torch.get_rng_state()
    one, other = (list(train(fresh(), EXAMPLES, SHORT)) for _ in range(2))
    assert [made.loss for made in one] == [made.loss for made in other]
    assert [made.loss for made in train(fresh(), EXAMPLES, replace(SHORT, seed=6))] != [made.loss for made in one]
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("rate", [1e6, 1e38])
def test_a_run_that_diverges_stops_at_its_last_finite_step(rate: float) -> None:
    model = fresh("neural n-gram")
    trainer = Trainer(model, EXAMPLES, TrainingSettings(500, rate, optimiser="sgd", batch=None, clip=None))
    seen: list[float] = []

    def go() -> None:
        while True:
            seen.append(trainer.advance().loss)

    with pytest.raises(Diverged, match=r"Training stopped after step \d+: .*To fix this: lower the learning rate"):
        go()
    assert trainer.step == len(seen) - 1
    assert torch.isfinite(weights(model)).all()
    assert evaluate(model, EXAMPLES) == pytest.approx(seen[-1], rel=1e-5)


def test_held_out_loss_equals_scoring_and_samples_are_text() -> None:
    model = fresh()
    recipe = replace(SHORT, steps=40, evaluate_every=20, sample_every=10)
    records = list(train(model, EXAMPLES, recipe, held_out=EXAMPLES))
    assert [made.step for made in records if made.held_out is not None] == [20, 40]
    scored = score_sentences(model, SENTENCES, bos=0, eos=1)
    assert records[-1].held_out == pytest.approx(scored.cross_entropy, rel=1e-5)
    samples = [made.sample for made in records if made.sample is not None]
    assert len(samples) == 4
    assert all(WORDS.encodable(sample.replace("<bos>", "")) for sample in samples)
    assert records[0].tokens_per_second > 0


def test_what_a_mask_is_for_without_it_training_copies_the_answer() -> None:
    """The same Transformer without the causal mask gets far below the floor of what can be predicted."""
    losses = {}
    for causal in (True, False):
        model = Transformer(TransformerConfig(V, 8, 2, 2, 2, 8, 16, 32, causal=causal), WORDS, [1])
        model.initialise(torch.Generator().manual_seed(3))
        losses[causal] = list(train(model, EXAMPLES, TrainingSettings(250, 0.01, batch=None)))[-1].loss
    floor = (2 / 6 * math.log(3) + 4 / 6 * math.log(6)) / 4  # entropy of the messages over their four predictions
    assert losses[False] < 0.2 < floor <= losses[True] < floor + 0.01


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="`held_out` must be given, to be evaluated, but is None"):
        Trainer(fresh(), EXAMPLES, replace(SHORT, evaluate_every=5))
    Trainer(fresh(), EXAMPLES, SHORT).save(tmp_path / "c")
    for model, recipe in ((fresh("gpt2"), SHORT), (fresh(), replace(SHORT, seed=6))):
        with pytest.raises(InvalidInput, match="`checkpoint` must be one of the same model, settings and examples"):
            Trainer(model, EXAMPLES, recipe).load(tmp_path / "c")
    (tmp_path / "c").write_bytes((tmp_path / "c").read_bytes()[:-7])
    with pytest.raises(DamagedFile, match="The checkpoint c is not a file of ours"):
        Trainer(fresh(), EXAMPLES, SHORT).load(tmp_path / "c")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": 0}, "`steps` must be a whole number >= 1, but is 0"),
        ({"learning_rate": 0}, "`learning_rate` must be a finite number above 0, but is 0"),
        ({"learning_rate": float("nan")}, "`learning_rate` must be a finite number above 0, but is nan"),
        ({"batch": 0}, "`batch` must be a whole number >= 1, but is 0"),
        ({"clip": 0}, "`clip` must be a number above 0, or None, but is 0"),
        ({"optimiser": "lion"}, "`optimiser` must be one of adamw, adam, sgd"),
        ({"schedule": "step"}, "`schedule` must be"),
        ({"warmup": 13}, "`warmup` must be a whole number from 0 to 12, but is 13"),
        ({"weight_decay": -1}, "`weight_decay` must be a finite number >= 0"),
        ({"seed": -1}, "`seed` must be a whole number >= 0"),
        ({"evaluate_every": -1}, "`evaluate_every` must be a whole number >= 0"),
        ({"sample_every": 1.5}, "`sample_every` must be a whole number >= 0"),
    ],
)
def test_refused_settings(change: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        replace(SHORT, **change)  # type: ignore[arg-type]
