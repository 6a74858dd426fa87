"""The Transformer: against transformers on random models, causality, cache and batch equivalence, refusals."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lm_core import InvalidInput, Transformer
from lm_core.models import hugging_face
from lm_core.models.attention import rotary, rotate
from lm_core.models.config import TransformerConfig

Make = Callable[..., Transformer]
IDS = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8]


@pytest.mark.parametrize(("style", "kv_heads"), [("llama", 4), ("llama", 2), ("llama", 1), ("gpt2", 4)])
@pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])
@pytest.mark.long("the first case imports transformers")
def test_equals_transformers(make_tiny: Make, style: str, kv_heads: int, tied: bool) -> None:
    """Our weights in their model give our logits; their weights in ours give theirs."""
    from transformers import AutoConfig, AutoModelForCausalLM

    ours = make_tiny(kv_heads=kv_heads, tied_head=tied, style=style)
    theirs = AutoModelForCausalLM.from_config(AutoConfig.for_model(**hugging_face.to_config(ours.config))).eval()
    missing, unexpected = theirs.load_state_dict(hugging_face.to_names(ours.state_dict(), ours.config), strict=False)
    assert unexpected == []
    assert set(missing) <= {"lm_head.weight"}
    theirs.tie_weights()
    with torch.inference_mode():
        expected = theirs(torch.tensor([IDS])).logits[0].numpy()
    assert ours.logits(IDS) == pytest.approx(expected, abs=1e-5)

    back = Transformer(hugging_face.from_config(theirs.config.to_dict()), ours.tokenizer)
    assert back.config == ours.config
    back.load_state_dict(hugging_face.from_names(theirs.state_dict(), back.config))
    assert np.array_equal(back.logits(IDS), ours.logits(IDS))


def test_rotation_by_hand() -> None:
    """At position 1 the first pair turns by 1 radian: (1, 0) goes to (cos 1, sin 1)."""
    cos, sin = rotary(torch.tensor([[1]]), torch.tensor([1.0]).double())
    turned = rotate(torch.tensor([[[[1.0, 0.0]]]]), cos, sin)
    assert turned.flatten().tolist() == pytest.approx([np.cos(1), np.sin(1)])


@pytest.mark.parametrize("style", ["llama", "gpt2"])
@given(position=st.integers(0, len(IDS) - 1), token=st.integers(0, 30))
def test_a_later_token_never_changes_an_earlier_row(make_tiny: Make, style: str, position: int, token: int) -> None:
    tiny = make_tiny(style=style)
    edited = [*IDS]
    edited[position] = token
    assert np.array_equal(tiny.logits(IDS)[:position], tiny.logits(edited)[:position])


def test_without_the_mask_a_later_token_changes_earlier_rows_but_padding_does_not(make_tiny: Make) -> None:
    tiny = make_tiny(causal=False)
    edited = [*IDS[:-1], 30]
    assert (tiny.logits(IDS)[:-1] != tiny.logits(edited)[:-1]).any(axis=1).all()
    assert tiny.new_cache() is None
    assert tiny.next_logits([IDS, IDS[:3]])[1] == pytest.approx(tiny.logits(IDS[:3])[-1], abs=1e-5)


def test_gpt2_reads_up_to_its_last_position_and_no_further(make_tiny: Make) -> None:
    tiny = make_tiny(style="gpt2")
    full = [1] * 64
    assert tiny.next_logits([full, [2]])[1] == pytest.approx(tiny.logits([2])[0], abs=1e-5)
    with pytest.raises(InvalidInput, match="`tokens in the context` must be a whole number from 1 to 64"):
        tiny.logits([*full, 1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "mamba"}, "`model_type` must be one of llama, mistral, qwen2, qwen3, gpt2, but is 'mamba'"),
        ({"hidden_act": "relu"}, "`hidden_act` must be 'silu', but is 'relu'"),
        ({"rope_parameters": {"rope_type": "yarn"}}, '`rope_type` must be "default" or "llama3", but is \'yarn\''),
        ({"hidden_size": None}, "`config` must be complete, with hidden_size"),
    ],
)
def test_foreign_configurations_are_refused(make_tiny: Make, change: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        hugging_face.from_config({**hugging_face.to_config(make_tiny().config), **change})


def test_incomplete_weights_are_refused(make_tiny: Make) -> None:
    tiny = make_tiny(style="gpt2", kv_heads=4)
    named = hugging_face.to_names(tiny.state_dict(), tiny.config)
    del named["transformer.h.1.attn.c_attn.weight"]
    with pytest.raises(InvalidInput, match=r"`weights` must be GPT-2's, with transformer\.h\.1\.attn\.c_attn\.weight"):
        hugging_face.from_names(named, tiny.config)


@pytest.mark.parametrize("style", ["llama", "gpt2"])
@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=6), st.integers(0, 8))
def test_any_chunking_with_the_cache_gives_the_same_logits(
    make_tiny: Make, style: str, chunks: list[int], trim: int
) -> None:
    tiny = make_tiny(style=style)
    ids = (IDS * 3)[: sum(chunks)]
    whole = tiny.logits(ids)
    cache = tiny.new_cache()
    rows = []
    for size in chunks:
        rows.append(tiny.logits(ids[cache.length : cache.length + size], cache))
    assert np.concatenate(rows) == pytest.approx(whole, abs=1e-5)
    kept = min(trim, len(ids) - 1)
    cache.trim(kept)
    assert tiny.logits(ids[kept:], cache) == pytest.approx(whole[kept:], abs=1e-5)


def test_a_batch_of_unequal_lengths_equals_one_by_one(make_tiny: Make) -> None:
    tiny = make_tiny()
    batch = [IDS[:3], IDS, IDS[:1], IDS[:7]]
    expected = [tiny.logits(ids)[-1] for ids in batch]
    assert tiny.next_logits(batch) == pytest.approx(np.stack(expected), abs=1e-5)
    # The same with caches that already hold different lengths: two, eleven, none and three tokens.
    caches = [tiny.new_cache() for _ in batch]
    for ids, cache, held in zip(batch, caches, [2, 11, 0, 3]):
        if held:
            tiny.logits(ids[:held], cache)
    fresh = [ids[cache.length :] for ids, cache in zip(batch, caches)]
    assert tiny.next_logits(fresh, caches) == pytest.approx(np.stack(expected), abs=1e-5)
    assert [cache.length for cache in caches] == [len(ids) for ids in batch]


def test_a_failed_pass_leaves_the_cache_as_it_was(make_tiny: Make) -> None:
    tiny = make_tiny()
    cache = tiny.new_cache()
    tiny.logits(IDS, cache)
    with pytest.raises(InvalidInput):
        tiny.logits([31], cache)
    with pytest.raises(InvalidInput):
        tiny.logits([1] * 60, cache)
    assert cache.length == len(IDS)


def test_initialising_is_seeded_and_global_randomness_untouched(make_tiny: Make) -> None:
    before = torch.get_rng_state()
    one, other = make_tiny(), make_tiny()
    assert torch.equal(torch.get_rng_state(), before)
    assert np.array_equal(one.logits(IDS), other.logits(IDS))


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([], "`ids` must be at least one token id"),
        ([31], "`token id` must be a whole number from 0 to 30, but is 31"),
        ([-1], "`token id` must be a whole number from 0 to 30, but is -1"),
        ([1.5], "`token id` must be a whole number from 0 to 30, but is 1.5"),
        ([1] * 65, "`tokens in the context` must be a whole number from 1 to 64, but is 65"),
    ],
)
def test_refused_ids(make_tiny: Make, ids: list[int], message: str) -> None:
    tiny = make_tiny()
    with pytest.raises(InvalidInput, match=message):
        tiny.logits(ids)
    with pytest.raises(InvalidInput, match=message):
        tiny.next_logits([ids])


def test_refused_batches(make_tiny: Make) -> None:
    tiny = make_tiny()
    with pytest.raises(InvalidInput, match="`ids` must be at least one token id for each sequence"):
        tiny.next_logits([])
    with pytest.raises(InvalidInput, match="`caches` must be one for each of 2 sequences, but is '1 caches'"):
        tiny.next_logits([[1], [2]], [tiny.new_cache()])


@pytest.mark.parametrize(("name", "value"), [("layers", 0), ("kv_heads", 3), ("head_dim", 7), ("vocab_size", 2.0)])
def test_refused_shapes(name: str, value: object) -> None:
    shape = {"vocab_size": 9, "context_length": 9, "layers": 1, "heads": 4, "kv_heads": 2, "head_dim": 8}
    with pytest.raises(InvalidInput, match=f"`{name}` must be"):
        TransformerConfig(**{**shape, "hidden": 8, "ffn": 8, name: value})
