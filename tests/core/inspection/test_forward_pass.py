"""Looking into a Transformer: attention against transformers, the lens against the model, edits and the mask."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_core import InvalidInput, Transformer
from lm_core.inspection import inspect
from lm_core.inspection.causal_mask import effect_of_edit, without_mask
from lm_core.inspection.logit_lens import joined, lens, lens_grid
from lm_core.models import model_file
from tests.authority import Authority

Make = Callable[..., Transformer]
PROMPTS = [
    "The capital of France is",
    "def add(a, b):\n    return",
    "Order shipped from the warehouse in Lyon on Friday, and the parcel was",
]


def test_one_token_attends_to_itself_alone(make_tiny: Make) -> None:
    model = make_tiny()
    found = inspect(model, [3])
    assert found.attention.shape == (2, 4, 1, 1)
    assert (found.attention == 1).all()
    assert found.residual.shape == (3, 1, 32)


@pytest.mark.parametrize("prompt", PROMPTS)
def test_attention_is_what_transformers_computes(model: Transformer, authority: Authority, prompt: str) -> None:
    """Its eager attention, all layers and heads; and recording changes no logit by more than 5e-4."""
    ids = model.tokenizer.encode(prompt)
    found = inspect(model, ids)
    assert np.abs(found.attention - authority.attention(ids)).max() < 1e-3
    assert np.abs(found.logits - model.logits(ids)).max() < 5e-4
    assert np.abs(found.attention.astype(np.float64).sum(axis=-1) - 1).max() < 1e-6


def test_behind_the_last_layer_the_lens_is_the_model(model: Transformer) -> None:
    ids = model.tokenizer.encode(PROMPTS[0])
    rows = lens(model, inspect(model, ids), len(ids) - 1)
    assert [row.layer for row in rows] == list(range(31))
    assert model.tokenizer.decode([rows[-1].token]) == " Paris"
    assert (rows[-1].final_rank, rows[-1].probability) == (1, rows[-1].final_probability)
    assert rows[-1].probability == pytest.approx(0.773, abs=0.002)
    assert rows[0].final_rank > 100


@given(st.integers(1, 30), st.sampled_from([1, 2, 4]), st.sampled_from(["llama", "gpt2"]))
def test_rows_sum_to_one_and_see_no_future(make_tiny: Make, time: int, kv_heads: int, style: str) -> None:
    model = make_tiny(kv_heads=kv_heads, style=style)
    found = inspect(model, [n % 31 for n in range(time)])
    assert np.abs(found.attention.sum(axis=-1) - 1).max() < 1e-6
    assert (np.triu(found.attention, k=1) == 0).all()
    assert np.abs(found.logits - model.logits([n % 31 for n in range(time)])).max() < 5e-4
    last = lens(model, found, time - 1)[-1]
    assert last.token == int(found.logits[-1].argmax())


@given(st.integers(0, 11))
def test_an_edit_changes_nothing_before_it_unless_the_mask_is_off(make_tiny: Make, position: int) -> None:
    model, before = make_tiny(), list(range(12))
    after = [30 if i == position else token for i, token in enumerate(before)]
    changes = effect_of_edit(model, before, after)
    assert changes[:position] == (0.0,) * position  # exactly
    assert all(change > 0 for change in changes[position:])
    assert all(change > 0 for change in effect_of_edit(without_mask(model), before, after))


def test_the_trained_small_model_too() -> None:
    model, _ = model_file.read(Path("assets/models/transformer.safetensors"))
    assert isinstance(model, Transformer)
    words = model.tokenizer
    before, after = (words.encode(f"the package left the {place}") for place in ("hub", "warehouse"))
    assert effect_of_edit(model, before, after)[:-1] == (0.0,) * (len(before) - 1)
    assert min(effect_of_edit(without_mask(model), before, after)) > 0
    assert (inspect(without_mask(model), before).attention > 0).all()


def test_refusals(make_tiny: Make) -> None:
    model = make_tiny()
    with pytest.raises(InvalidInput, match="`ids` must be from 1 to 64 token ids, but is 0"):
        inspect(model, [])
    with pytest.raises(InvalidInput, match="`ids` must be from 1 to 64 token ids, but is 65"):
        inspect(model, [1] * 65)
    with pytest.raises(InvalidInput, match="`token id`"):
        inspect(model, [31])
    with pytest.raises(InvalidInput, match="`position`"):
        lens(model, inspect(model, [1]), 1)
    with pytest.raises(InvalidInput, match="`after` must be a text of 2 tokens"):
        effect_of_edit(model, [1, 2], [1])


@given(
    st.integers(0, 11), st.integers(1, 6), st.sampled_from([{}, {"qk_norm": True}, {"style": "gpt2", "kv_heads": 4}])
)
def test_what_is_kept_of_an_earlier_pass_is_as_if_computed(
    make_tiny: Make, shared: int, more: int, shape: dict[str, int]
) -> None:
    """A text that goes on, or ends otherwise: equal to the pass over all of it, and the kept part to the bit."""
    model = make_tiny(**shape)
    known = inspect(model, range(12))
    ids = [*range(shared), *(30 - n for n in range(more))]
    found, whole = inspect(model, ids, known=known), inspect(model, ids)
    assert found.kept == shared
    for name in ("attention", "residual", "heads", "mlps", "logits"):
        assert np.abs(getattr(found, name) - getattr(whole, name)).max() < 1e-4, name
    assert np.array_equal(found.residual[:, :shared], known.residual[:, :shared])
    assert found.cache is not None
    assert found.cache.length == len(ids)
    grid = lens_grid(model, found, shared)
    if shared:
        grid = joined(lens_grid(model, known).columns(0, shared), grid)
    assert np.array_equal(grid.tokens, lens_grid(model, whole).tokens)


def test_the_same_text_again_computes_its_last_token_alone(make_tiny: Make) -> None:
    model = make_tiny()
    known = inspect(model, [1, 2, 3])
    assert inspect(model, [1, 2, 3], known=known).kept == 2
    assert (
        inspect(without_mask(model), [1, 2, 3], known=known).kept == 0
    )  # an earlier token would have read a later one
