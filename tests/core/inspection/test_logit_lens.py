"""The lens over all cells: against transformers' hidden states, against float64, and what heads look at."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lm_core import Distribution, InvalidInput, Transformer
from lm_core.inspection import inspect
from lm_core.inspection.head_roles import ROLES, head_roles
from lm_core.inspection.interventions import Ablation
from lm_core.inspection.logit_lens import joined, lens, lens_cell, lens_grid, lens_grid_under
from lm_core.models import hugging_face

Make = Callable[..., Transformer]
IDS = [3, 1, 4, 1, 5, 9, 2, 6]


@pytest.mark.parametrize(("style", "kv_heads"), [("llama", 2), ("gpt2", 4)])
@pytest.mark.long("the first case imports transformers")
def test_the_lens_on_transformers_hidden_states(make_tiny: Make, style: str, kv_heads: int) -> None:
    """Their states of every layer through their own final norm and head; the last they give normed already."""
    from transformers import AutoConfig, AutoModelForCausalLM

    ours = make_tiny(kv_heads=kv_heads, style=style)
    theirs = AutoModelForCausalLM.from_config(AutoConfig.for_model(**hugging_face.to_config(ours.config))).eval()
    theirs.load_state_dict(hugging_face.to_names(ours.state_dict(), ours.config), strict=False)
    theirs.tie_weights()
    norm = theirs.model.norm if style == "llama" else theirs.transformer.ln_f
    with torch.inference_mode():
        *inner, last = theirs(torch.tensor([IDS]), output_hidden_states=True).hidden_states
        states = torch.stack([*(norm(state[0]) for state in inner), last[0]])  # (layers + 1, time, hidden)
        log_p = theirs.lm_head(states).double().log_softmax(-1).numpy()
    found = inspect(ours, IDS)
    grid = lens_grid(ours, found)
    p, final = np.exp(log_p), log_p[-1]
    assert np.abs(grid.probability - p.max(-1)).max() < 1e-5
    assert np.abs(grid.entropy + (p * log_p).sum(-1)).max() < 1e-5
    assert np.abs(grid.divergence - (np.exp(final) * (final - log_p)).sum(-1)).max() < 1e-5
    for layer, at in np.ndindex(grid.tokens.shape):
        theirs_here = log_p[layer, at]
        assert np.abs(np.log(lens_cell(ours, found, layer, at).probabilities) - theirs_here).max() < 1e-3
        assert theirs_here[grid.tokens[layer, at]] == pytest.approx(theirs_here.max(), abs=1e-5)


def test_a_column_is_the_lens_at_its_position(model: Transformer) -> None:
    """Float32 beside float64; the logits themselves differ in their last digits, as more rows are computed at once."""
    ids = model.tokenizer.encode("The capital of France is")
    found = inspect(model, ids)
    grid = lens_grid(model, found, first=2)
    assert grid.tokens.shape == (31, 3)
    for row in lens(model, found, 4):
        assert grid.tokens[row.layer, 2] == row.token
        assert grid.final_rank[row.layer, 2] == row.final_rank
        assert grid.probability[row.layer, 2] == pytest.approx(row.probability, abs=3e-5)
        assert grid.final_probability[row.layer, 2] == pytest.approx(row.final_probability, abs=3e-5)
        belief = lens_cell(model, found, row.layer, 4)
        assert grid.entropy[row.layer, 2] == pytest.approx(belief.entropy("nats"), abs=1e-4)


@given(st.lists(st.integers(0, 30), min_size=1, max_size=20))
def test_the_last_row_is_the_model(make_tiny: Make, ids: list[int]) -> None:
    tiny = make_tiny()
    grid = lens_grid(tiny, inspect(tiny, ids))
    assert grid.tokens[-1].tolist() == tiny.logits(ids).argmax(-1).tolist()
    assert (grid.final_rank[-1] == 1).all()
    assert grid.divergence.min() >= 0
    assert grid.divergence[-1].max() < 1e-6
    assert grid.entropy.max() <= np.log(31) + 1e-5
    assert lens_cell(tiny, inspect(tiny, ids), 2, len(ids) - 1).top(1).rows[0].probability == pytest.approx(
        Distribution(tiny.logits(ids)[-1]).top(1).rows[0].probability, abs=1e-5
    )


def test_heads_that_repeat_what_followed(model: Transformer) -> None:
    """The last "urs" has stood before "ley" twice: heads of layer 18 look there, and the model says it."""
    ids = model.tokenizer.encode("The Dursleys were rich. Mr Dursley sold drills. Mr Durs")
    found = inspect(model, ids)
    roles = head_roles(found.ids, found.attention)
    assert roles.strongest(17, 4)[0] == "followed"
    assert roles.scores[ROLES.index("followed"), 17, 4] > 0.6
    assert model.tokenizer.decode([int(found.logits[-1].argmax())]) == "ley"


@given(st.lists(st.integers(0, 6), min_size=1, max_size=12))
def test_scores_are_shares_and_readers_are_counted(make_tiny: Make, ids: list[int]) -> None:
    found = head_roles(ids, inspect(make_tiny(), ids).attention)
    repeated = sum(token in ids[:t] for t, token in enumerate(ids))
    assert found.readers == (len(ids) - 1, len(ids) - 1, repeated, repeated)
    for scores, readers in zip(found.scores, found.readers, strict=True):
        assert np.isnan(scores).all() if not readers else ((scores >= 0) & (scores <= 1 + 1e-6)).all()


def test_refusals(make_tiny: Make) -> None:
    tiny = make_tiny()
    found = inspect(tiny, [1, 2])
    with pytest.raises(InvalidInput, match="`first`"):
        lens_grid(tiny, found, 2)
    with pytest.raises(InvalidInput, match="`right` must be a grid from position 2"):
        joined(lens_grid(tiny, found), lens_grid(tiny, found, 1))
    with pytest.raises(InvalidInput, match="`layer`"):
        lens_cell(tiny, found, 3, 0)


def test_under_an_intervention_only_what_changed_is_computed(make_tiny: Make) -> None:
    """Each cell as the whole grid would have it; ranks and divergences stay against what the whole model predicts."""
    tiny = make_tiny(layers=3)
    ids = [3, 1, 4, 1, 5]
    whole, changed = inspect(tiny, ids), inspect(tiny, ids, [Ablation(2, 1)])
    grid = lens_grid(tiny, whole)
    under, alone = lens_grid_under(tiny, whole, grid, changed), lens_grid(tiny, changed)
    for old, new in zip(grid.arrays(), under.arrays(), strict=True):
        assert np.array_equal(old[:2], new[:2])  # below layer 2 nothing can change
    assert np.array_equal(under.tokens, alone.tokens)
    part = lens_grid_under(tiny, whole, grid.columns(2, 4), changed)
    assert all(np.array_equal(old, new[:, 2:4]) for old, new in zip(part.arrays(), under.arrays(), strict=True))
    assert under.entropy == pytest.approx(alone.entropy, abs=1e-4)
    before, after = (each.logits[-1].astype(np.float64) for each in (whole, changed))
    share = Distribution(before)
    assert under.divergence[3, -1] == pytest.approx(share.kl_divergence(Distribution(after), "nats"), abs=1e-4)
    assert under.final_rank[3, -1] == Distribution(after).row(int(before.argmax())).rank
