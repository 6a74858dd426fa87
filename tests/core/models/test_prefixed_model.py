"""A model that reads <bos> by itself gives what the bare one gives after <bos>."""

import pytest
import torch

from lm_core.errors import InvalidInput
from lm_core.models.config import TransformerConfig
from lm_core.models.prefixed_model import PrefixedModel
from lm_core.models.transformer import Transformer
from lm_core.scoring.perplexity import score_continuation
from lm_core.text.tokenizers import WordTokenizer

WORDS = WordTokenizer(["a", "b", "c"], special=["<bos>", "<eos>"])
SHAPE = TransformerConfig(5, context_length=6, layers=1, heads=2, kv_heads=2, head_dim=4, hidden=8, ffn=8)


@pytest.fixture(scope="module")
def bare() -> Transformer:
    model = Transformer(SHAPE, WORDS, [1])
    model.initialise(torch.Generator().manual_seed(3), std=0.5)
    return model.eval()


def test_it_gives_what_the_bare_model_gives(bare: Transformer) -> None:
    begun = PrefixedModel(bare, [0])
    assert (begun.context_length, begun.vocab_size, begun.end_ids) == (5, 5, {1})
    assert begun.logits([2, 3]).tolist() == bare.logits([0, 2, 3])[1:].tolist()
    assert begun.next_logits([[2], [3, 4]]).tolist() == bare.next_logits([[0, 2], [0, 3, 4]]).tolist()
    assert score_continuation(begun, [2], [3, 1]) == score_continuation(bare, [0, 2], [3, 1])


def test_its_context_is_shorter_and_must_leave_room(bare: Transformer) -> None:
    with pytest.raises(InvalidInput, match="tokens in the context"):
        PrefixedModel(bare, [0]).logits([2] * 6)
    with pytest.raises(InvalidInput, match="begin"):
        PrefixedModel(bare, [0] * 6)
    for batch in ([], [[]]):
        with pytest.raises(InvalidInput, match="at least one token id"):
            PrefixedModel(bare, [0]).next_logits(batch)
