"""What others get wrong: factors that public calculators were measured to be off by."""

import pytest

from lm_core.kv_sizing import curves, mistakes, preset, size


@pytest.mark.parametrize(
    ("model", "context", "mistake", "factor"),
    [  # measured on the calculators of gpu_poor, EleutherAI, llm-analysis and hf-mem
        ("llama-3.1-70b", 32768, "query heads counted instead of KV heads", 8.0),
        ("qwen3-32b", 32768, "head width taken as hidden size / heads", 0.625),
        ("gemma-3-27b", 131072, "sliding and chunked layers charged in full", 5.96),
        ("qwen3.5-27b", 131072, "linear and Mamba layers charged as attention", 3.93),
        ("deepseek-v3", 32768, "a latent counted twice, as K and as V", 2.0),
    ],
)
def test_factors(model: str, context: int, mistake: str, factor: float) -> None:
    found = {each.name: each.factor for each in mistakes(size(preset(model), context))}
    assert found[mistake] == pytest.approx(factor, abs=0.005)


def test_a_model_with_nothing_to_forget_has_none() -> None:
    assert mistakes(size(preset("llama-2-7b"), 4096)) == ()


def test_a_curve_passes_through_the_size() -> None:
    sizing = size(preset("gpt-oss-20b"), 8192, 4, engine="vllm", tensor_parallel=2)
    (curve,) = curves(sizing, [4])
    assert dict(zip(curve.contexts, curve.totals))[8192] == sizing.total
    assert list(curve.totals) == sorted(curve.totals)
    assert curve.contexts[-1] == preset("gpt-oss-20b").max_context
