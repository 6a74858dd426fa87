"""What fits, from both sides: the answer fits, one more does not."""

import pytest

from lm_core.kv_sizing import Budget, Geometry, fitting_dtypes, max_context, max_sequences, preset, size

GIB = 2**30
H100 = Budget(gpus=1, memory=80 * GIB, weights=2 * 8_030_000_000, utilisation_percent=90, overheads={"graphs": 2 * GIB})


def test_by_hand() -> None:
    article = Geometry.by_hand(layers=32, heads=32, kv_heads=32, head_dim=128)
    assert max_context(article, Budget(1, 16 * GIB, utilisation_percent=100)).value == 32768
    assert max_sequences(article, Budget(1, 16 * GIB, utilisation_percent=100), 2048).value == 16


@pytest.mark.parametrize("engine", ["ideal", "llama.cpp", "vLLM", "SGLang", "transformers"])
@pytest.mark.parametrize("name", ["llama-3.1-8b", "gemma-3-4b", "qwen3-next-80b", "gpt-oss-20b"])
def test_inverses_are_tight(engine: str, name: str) -> None:
    model = preset(name)
    context = max_context(model, H100, 100, engine=engine)
    if 0 < context.value < model.max_context:
        assert context.limits == "memory"
        assert size(model, context.value, 100, engine=engine).per_gpu <= H100.for_cache
        assert size(model, context.value + 1, 100, engine=engine).per_gpu > H100.for_cache
    sequences = max_sequences(model, H100, 8192, engine=engine).value
    assert size(model, 8192, sequences, engine=engine).per_gpu <= H100.for_cache
    assert size(model, 8192, sequences + 1, engine=engine).per_gpu > H100.for_cache


def test_an_engine_that_splits_layers_may_use_all_gpus_together() -> None:
    """llama.cpp on four GPUs of 4 GiB holds what one of 16 GiB does; 512 KiB a token in float16."""
    article = Geometry.by_hand(layers=32, heads=32, kv_heads=32, head_dim=128)
    four = max_context(article, Budget(4, 4 * GIB, utilisation_percent=100), engine="llama.cpp").value
    assert four == max_context(article, Budget(1, 16 * GIB, utilisation_percent=100), engine="llama.cpp").value
    assert 3 * 8192 < four <= 32768


def test_what_limits_is_named() -> None:
    full = Budget(gpus=1, memory=10 * GIB, weights=16 * GIB)
    assert max_context(preset("llama-3.1-8b"), full).limits.startswith("weights")
    assert max_context(preset("llama-3.1-8b"), full).value == 0
    assert max_context(preset("llama-3.1-8b"), H100).limits == "the model's longest context"


def test_dtypes_that_fit_come_largest_first() -> None:
    small = Budget(gpus=1, memory=16 * GIB, weights=8 * GIB, utilisation_percent=100)
    assert fitting_dtypes(preset("llama-3.1-8b"), small, 65536, 1)[:2] == ("bf16", "f16")
    assert fitting_dtypes(preset("llama-3.1-8b"), small, 131072, 1)[0] == "fp8"  # 8 GiB to the byte
    assert fitting_dtypes(preset("llama-3.1-8b"), small, 131072, 1, engine="vllm")[0] == "nvfp4"  # no null block free
