"""The neural n-gram: against torch's own layers, and what it can and cannot see."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from lm_core import InvalidInput
from lm_core.models.neural_ngram import NeuralNgram, NeuralNgramConfig
from lm_core.text.tokenizers import WordTokenizer

IDS = [3, 1, 4, 1, 5, 0, 2, 6]


def build(context: int = 2) -> NeuralNgram:
    model = NeuralNgram(NeuralNgramConfig(8, context), WordTokenizer([f"w{i}" for i in range(8)]))
    model.initialise(torch.Generator().manual_seed(7))
    return model


def test_equals_torchs_layers_also_in_the_numbers_it_starts_from() -> None:
    """The same seed gives the weights that torch draws, without the global generator."""
    ours = build()
    with torch.random.fork_rng():
        torch.manual_seed(7)
        theirs = nn.Sequential(nn.Embedding(8, 6), nn.Flatten(), nn.Linear(12, 16), nn.GELU(), nn.Linear(16, 8))
    contexts = torch.tensor([IDS[i : i + 2] for i in range(len(IDS) - 1)])
    with torch.inference_mode():
        expected = theirs(contexts).numpy()
    assert ours.logits(IDS)[1:] == pytest.approx(expected, abs=1e-6)


def test_the_first_token_is_read_beside_a_zero_vector() -> None:
    ours = build()
    with torch.inference_mode():
        seen = torch.cat([torch.zeros(6), ours.embed_tokens(torch.tensor(3))])
        expected = ours.lm_head(nn.functional.gelu(ours.hidden(seen))).numpy()
    assert ours.logits([3])[0] == pytest.approx(expected, abs=1e-6)


@given(context=st.integers(1, 4), position=st.integers(0, len(IDS) - 1), token=st.integers(0, 7))
def test_an_edited_token_changes_only_the_rows_that_see_it(context: int, position: int, token: int) -> None:
    model = build(context)
    edited = [*IDS[:position], token, *IDS[position + 1 :]]
    one, other = model.logits(IDS), model.logits(edited)
    same = [np.array_equal(a, b) for a, b in zip(one, other)]
    unseen = [row < position or row >= position + context for row in range(len(IDS))]
    assert all(equal for equal, out_of_sight in zip(same, unseen) if out_of_sight)
    assert token == IDS[position] or not same[position]


def test_a_batch_of_unequal_lengths_equals_one_by_one() -> None:
    model = build(3)
    batch = [IDS[:3], IDS, IDS[:1]]
    assert model.next_logits(batch) == pytest.approx(np.stack([model.logits(ids)[-1] for ids in batch]), abs=1e-6)
    assert model.new_cache() is None


def test_refusals() -> None:
    with pytest.raises(InvalidInput, match="`context` must be a whole number >= 1, but is 0"):
        NeuralNgramConfig(8, context=0)
    with pytest.raises(InvalidInput, match="`token id` must be a whole number from 0 to 7, but is 8"):
        build().logits([8])
    with pytest.raises(InvalidInput, match="`ids` must be at least one token id"):
        build().next_logits([[]])
