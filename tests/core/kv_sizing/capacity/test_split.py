"""A model dealt out over GPUs: by heads, layers, sequences and tokens."""

from dataclasses import replace

import pytest

from lm_core.errors import InvalidInput
from lm_core.kv_sizing import Scenario, Split, engine, gpu, preset

GIB = 2**30


def test_layers_by_hand() -> None:
    """Llama 3.1 8B over three GPUs in llama.cpp: 11 of its 32 layers on the fullest, and a third of the weights."""
    whole = Scenario(preset("llama-3.1-8b"), 8192, 1, engine=engine("llama.cpp"))
    three = Scenario(preset("llama-3.1-8b"), 8192, 1, engine=engine("llama.cpp"), split=Split(pipeline=3))
    assert three.need() * 32 == whole.need() * 11
    assert three.weights_on_each.likely == -(-16_060_522_496 // 3)


def test_layers_left_to_the_processor() -> None:
    """Llama 3.1 8B with 24 of 32 layers on the GPU: three quarters of weights and cache; -nkvo takes all the cache."""
    whole = Scenario(preset("llama-3.1-8b"), 8192, 1, engine=engine("llama.cpp"))
    some = replace(whole, gpu_layers=24)
    assert some.need() * 4 == whole.need() * 3
    assert some.weights_on_each.likely * 4 == pytest.approx(whole.weights_on_each.likely * 3, abs=4)
    assert some.on_processor == pytest.approx((whole.weights + whole.need()) / 4, abs=4)
    away = replace(whole, cache_on_processor=True)
    assert (away.need(), away.on_processor) == (0, whole.need())
    with pytest.raises(InvalidInput, match="keeps all layers on its GPUs"):
        replace(some, engine=engine("vLLM"))


def test_data_parallel_attention_keeps_a_latent_once() -> None:
    """DeepSeek V3.2 on eight H200: by tensor parallelism each keeps every latent, by DP attention its own eighth."""
    model, h200 = preset("deepseek-v3.2"), gpu("H200 141 GB")
    by_heads = Scenario(model, 131_072, 16, dtype_k="fp8", engine=engine("SGLang"), split=Split(8), gpu=h200)
    by_users = Scenario(model, 131_072, 16, dtype_k="fp8", engine=engine("SGLang"), split=Split(data=8), gpu=h200)
    assert by_heads.need() == pytest.approx(8 * by_users.need(), rel=1e-4)
    assert by_users.most_sequences.value > 5 * by_heads.most_sequences.value
    shared = model.checkpoint.parameters.total - model.checkpoint.parameters.routed
    more = by_users.weights_on_each.likely - by_heads.weights_on_each.likely
    assert more == pytest.approx(shared * 7 / 8 * 8.002 / 8, rel=0.15)  # what is no expert stands on each of the eight


@pytest.mark.parametrize(("split", "of"), [
    (Split(tensor=8, context=2), "llama-3.1-70b"),  # every head is kept once: nothing to gain
    (Split(tensor=8, context=8), "gpt-oss-120b"),  # windows
    (Split(data=2), "llama.cpp"),
])  # fmt: skip
def test_what_engines_cannot_do(split: Split, of: str) -> None:
    model = "llama-3.1-8b" if of == "llama.cpp" else of
    with pytest.raises(InvalidInput, match="_parallel"):
        Scenario(preset(model), engine=engine("llama.cpp" if of == "llama.cpp" else "vLLM"), split=split).need()


def test_context_parallel_removes_copies() -> None:
    """Qwen3 235B has 4 KV heads: on 8 GPUs each is kept twice, and two-fold context parallelism halves that."""
    model = preset("qwen3-235b-a22b")
    plain = Scenario(model, 32_768, 8, engine=engine("vLLM"), split=Split(8))
    shared = Scenario(model, 32_768, 8, engine=engine("vLLM"), split=Split(8, context=2))
    assert shared.need() == pytest.approx(plain.need() / 2, rel=1e-3)
