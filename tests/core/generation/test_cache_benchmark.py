"""With and without the cache: the same tokens, counted reads, and bytes that kv_sizing foretells for every step."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from lm_core import InvalidInput, TableModel, Transformer, kv_sizing
from lm_core.generation import cache_benchmark
from lm_core.models.table_model import ORDER_SHIPPED

Make = Callable[..., Transformer]


def test_three_tokens_by_hand(make_tiny: Make) -> None:
    steps = list(cache_benchmark.measure(make_tiny(), [1, 2, 3, 4, 5], 3))
    assert [(s.phase, s.read, s.positions) for s in steps] == [("prefill", 5, 5), ("decode", 1, 6), ("decode", 1, 7)]
    assert steps[-1].shape == (2, 2, 2, 7, 8)
    assert steps[-1].cached_bytes == 2 * 2 * 2 * 7 * 8 * 4
    summed = cache_benchmark.totals(steps)
    assert (summed.read, summed.read_without) == (5 + 3 - 1, 5 + 6 + 7)
    assert summed.same_tokens


@given(st.integers(1, 20), st.integers(1, 6), st.sampled_from([1, 2, 4]))
def test_every_step_holds_what_kv_sizing_says(make_tiny: Make, prompt: int, new: int, kv_heads: int) -> None:
    model = make_tiny(kv_heads=kv_heads)
    shape = cache_benchmark.geometry(model.config)
    steps = list(cache_benchmark.measure(model, list(range(prompt)), new))
    assert [s.cached_bytes for s in steps] == [kv_sizing.size(shape, s.positions, 1, "f32").total for s in steps]
    summed = cache_benchmark.totals(steps)
    assert summed.same_tokens
    assert summed.difference is not None
    assert summed.difference < 1e-4
    assert summed.read == prompt + new - 1
    assert summed.read_without == sum(prompt + n for n in range(new))


def test_the_model_keeps_what_kv_sizing_says(model: Transformer) -> None:
    """45 KiB a token: 2 x 30 layers x 3 KV heads x 64 x 4 bytes."""
    ids = model.tokenizer.encode("The capital of France is")
    steps = list(cache_benchmark.measure(model, ids, 4))
    shape = cache_benchmark.geometry(model.config)
    assert [s.cached_bytes for s in steps] == [kv_sizing.size(shape, s.positions, 1, "f32").total for s in steps]
    assert steps[0].cached_bytes == 5 * 46_080
    assert model.tokenizer.decode([steps[0].token]) == " Paris"
    assert cache_benchmark.totals(steps).same_tokens


@pytest.mark.parametrize("style", ["llama", "gpt2"])
def test_parameters_and_operations_against_torch(make_tiny: Make, style: str) -> None:
    model = make_tiny(style=style)
    assert cache_benchmark.parameters(model.config) == sum(p.numel() for p in model.parameters())
    cache = model.new_cache()
    assert cache is not None
    model.next_logits([[1] * 9], [cache])
    with FlopCounterMode(display=False) as counted, sdpa_kernel(SDPBackend.MATH):  # the kernel it can count
        model.next_logits([[1]], [cache])
    assert counted.get_total_flops() == 2 * sum(cache_benchmark.operations(model.config, 10))


def test_without_the_comparison_nothing_is_claimed(make_tiny: Make) -> None:
    summed = cache_benchmark.totals(list(cache_benchmark.measure(make_tiny(), [1, 2], 2, compare=False)))
    assert (summed.seconds_without, summed.same_tokens, summed.difference) == (None, None, None)


def test_refusals(make_tiny: Make) -> None:
    with pytest.raises(InvalidInput, match="`model` must be one that keeps a KV cache"):
        next(cache_benchmark.measure(TableModel(ORDER_SHIPPED), [0], 1))  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="`prompt_ids` must be at least one token id"):
        next(cache_benchmark.measure(make_tiny(), [], 1))
    with pytest.raises(InvalidInput, match="`prompt_ids` must be at most 62 token ids, but is 63"):
        next(cache_benchmark.measure(make_tiny(), [1] * 63, 3))
    with pytest.raises(InvalidInput, match="`steps` must be at least one"):
        cache_benchmark.totals([])


def test_the_first_token_is_prefills_own(make_tiny: Make) -> None:
    """The logits of the last prompt position choose it; no decode step has run by then."""
    model = make_tiny()
    step = next(cache_benchmark.measure(model, [3, 1, 4], 5))
    assert step.token == int(np.argmax(model.logits([3, 1, 4])[-1]))
