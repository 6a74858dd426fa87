"""The GRU: against torch's, causality, and one state for any length."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from lm_core import InvalidInput
from lm_core.models.gru import GRUConfig, GRUModel
from lm_core.text.tokenizers import WordTokenizer

IDS = [3, 1, 4, 1, 5, 0, 2, 6]


@pytest.fixture(scope="module")
def model() -> GRUModel:
    model = GRUModel(GRUConfig(8, embedding=5, hidden=6), WordTokenizer([f"w{i}" for i in range(8)]))
    model.initialise(torch.Generator().manual_seed(7))
    return model


def test_equals_torchs_gru(model: GRUModel) -> None:
    theirs = nn.GRU(5, 6, batch_first=True)
    theirs.load_state_dict(
        {
            "weight_ih_l0": model.from_input.weight, "bias_ih_l0": model.from_input.bias,
            "weight_hh_l0": model.from_state.weight, "bias_hh_l0": model.from_state.bias,
        }
    )  # fmt: skip
    with torch.inference_mode():
        states, _ = theirs(model.embed_tokens(torch.tensor([IDS])))
        expected = model.lm_head(states)[0].numpy()
    assert model.logits(IDS) == pytest.approx(expected, abs=1e-6)


def test_an_update_gate_of_one_keeps_the_state_by_hand(model: GRUModel) -> None:
    """With the update gate open wide the old state stays: here it stays zero, and every row is the head's bias."""
    keeping = GRUModel(model.config, model.tokenizer)
    keeping.load_state_dict(model.state_dict())
    with torch.no_grad():
        keeping.from_input.bias[6:12] = 100.0
    assert keeping.logits(IDS) == pytest.approx(np.tile(model.lm_head.bias.detach().numpy(), (8, 1)), abs=1e-6)


@given(position=st.integers(0, len(IDS) - 1), token=st.integers(0, 7))
def test_a_later_token_never_changes_an_earlier_row(model: GRUModel, position: int, token: int) -> None:
    edited = [*IDS[:position], token, *IDS[position + 1 :]]
    one, other = model.logits(IDS), model.logits(edited)
    assert np.array_equal(one[:position], other[:position])
    assert token == IDS[position] or (one[position:] != other[position:]).any(axis=1).all()  # the state carries it on


def test_a_batch_of_unequal_lengths_equals_one_by_one(model: GRUModel) -> None:
    batch = [IDS[:3], IDS, IDS[:1]]
    assert model.next_logits(batch) == pytest.approx(np.stack([model.logits(ids)[-1] for ids in batch]), abs=1e-6)


def test_refusals(model: GRUModel) -> None:
    with pytest.raises(InvalidInput, match="`hidden` must be a whole number >= 1, but is 0"):
        GRUConfig(8, hidden=0)
    with pytest.raises(InvalidInput, match="`token id` must be a whole number from 0 to 7, but is -1"):
        model.logits([-1])
