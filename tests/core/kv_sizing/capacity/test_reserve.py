"""The reserve beside what engines printed when they started: memory left for the cache, in GiB on one GPU.

The first half of the logs is what the reserve was fitted on; the second was looked at afterwards. `id N` marks a public
log without a repository name.
"""

from typing import NamedTuple

import pytest

from lm_core.kv_sizing import Budget, Scenario, Span, Split, engine, gpu, preset
from lm_core.kv_sizing.capacity.reserve import estimate

GIB = 2**30


class Start(NamedTuple):
    """Vocabulary, GPU, percent, GPUs, weights and what is left for the cache, both as printed."""

    vocabulary: int
    gpu: str
    percent: int
    gpus: int
    weights: float
    left: float


FITTED = {
    "Qwen2 7B, vLLM 0.10.1 (id 48864453570)": Start(152_064, "A100 80 GB", 25, 1, 14.2488, 5.01),
    "gpt-oss 120B, vLLM 0.10.1 (id 48642760746)": Start(201_088, "A100 80 GB", 80, 4, 17.2217, 45.32),
    "EXAONE 4.0 32B, vLLM 0.11 (id 67319049985)": Start(102_400, "L40S 48 GB", 95, 1, 30.9891, 10.31),
    "Qwen2.5 14B, vLLM 0.17.1 (id 55116362269)": Start(152_064, "MI300X 192 GB", 90, 1, 27.63, 141.96),
    "gpt-oss 20B, vLLM 0.19 (myoceane.fr)": Start(201_088, "A100 80 GB", 65, 1, 13.72, 36.56),
    "Gemma 4 26B-A4B (myoceane.fr)": Start(262_144, "A100 80 GB", 90, 1, 48.5, 21.5),
    "gpt-oss 20B (id 28022205292)": Start(201_088, "H100 80 GB", 90, 1, 13.47, 50.28),
    "gpt-oss 120B (id 28022205292)": Start(201_088, "H100 80 GB", 95, 1, 64.38, 3.33),
    "Llama 3.3 70B fp8 (id 28022205292)": Start(128_256, "H100 80 GB", 90, 2, 33.88, 32.0),
    "Llama 3.1 8B (id 28022205292)": Start(128_256, "H100 80 GB", 90, 1, 14.99, 51.38),
    "Qwen3 0.6B (id 28022205292)": Start(151_936, "H100 80 GB", 90, 1, 1.12, 64.45),
    "Qwen3 32B (id 28022205292)": Start(151_936, "H100 80 GB", 90, 1, 61.03, 4.45),
    "Qwen3 32B on two (id 28022205292)": Start(151_936, "H100 80 GB", 90, 2, 30.59, 34.49),
    "Llama 3.3 70B fp8 on four, 42.01x": Start(128_256, "H100 80 GB", 92, 4, 16.93, 52.52),
}
AFTERWARDS = {
    "Qwen3 Next 80B, vLLM 0.10.2 (id 7292846353)": Start(151_936, "H200 141 GB", 90, 2, 74.2812, 44.59),
    "Qwen3 30B-A3B fp8, vLLM 0.13 (id 55144767765)": Start(151_936, "DGX Spark 128 GB", 30, 1, 29.0435, 4.04),
    "Llama 3.1 8B on a Jetson Thor (id 33178493884)": Start(128_256, "DGX Spark 128 GB", 85, 1, 14.9889, 85.79),
    "Qwen3 Next 80B int4, vLLM 0.13 (id 33676930891)": Start(151_936, "L40S 48 GB", 92, 2, 22.5313, 17.58),
}


def left(start: Start) -> Span:
    reserve = estimate("vLLM", gpu(start.gpu), start.vocabulary, start.gpus).total
    budget = Budget(gpu(start.gpu).memory, Span.exactly(round(start.weights * GIB)), reserve, start.percent)
    return budget.for_cache


@pytest.mark.parametrize("name", [*FITTED, *AFTERWARDS])
def test_what_was_printed_lies_inside(name: str) -> None:
    start = {**FITTED, **AFTERWARDS}[name]
    found = left(start)
    assert found.least <= start.left * GIB + GIB / 200
    assert found.most >= start.left * GIB - GIB / 200


@pytest.mark.parametrize("starts", [FITTED, AFTERWARDS], ids=["fitted", "afterwards"])
def test_half_of_the_likely_figures_are_within_a_tenth(starts: dict[str, Start]) -> None:
    errors = sorted(abs(left(start).likely / GIB / start.left - 1) for start in starts.values())
    assert errors[len(errors) // 2] <= 0.1


@pytest.mark.parametrize(("device", "of", "ranks", "gib"), [
    ("H100 80 GB", "qwen3-32b", 1, 13.1),  # 512 + 1.5 x 8,192 + 2 x 256 + 1,024 / 8 MiB
    ("RTX 4090 24 GB", "llama-3.1-8b", 1, 6.7),
])  # fmt: skip
def test_sglang_by_its_rule(device: str, of: str, ranks: int, gib: float) -> None:
    assert estimate("SGLang", gpu(device), preset(of).checkpoint.vocabulary, ranks).total.likely / GIB == pytest.approx(
        gib, abs=0.1
    )


@pytest.mark.parametrize(("vocabulary", "n_ubatch", "mib"), [(151_936, 512, 300.75), (151_936, 2048, 1552.9)])
def test_llama_cpps_compute_buffer(vocabulary: int, n_ubatch: int, mib: float) -> None:
    """Printed on an A100 (id 28957180799) and on an RX 7900 XT (id 56782362357)."""
    buffer = estimate("llama.cpp", gpu("A100 40 GB"), vocabulary, 1, n_ubatch).parts[0].bytes
    assert buffer.least <= mib * 2**20 <= buffer.most


TENSORRT = {  # ai-dynamo/aiconfigurator: (GPUs, length reserved, share of free memory in percent) -> sequences at once
    "qwen3-32b": {(1, 5096, 80): 27, (2, 5096, 80): 75, (4, 5096, 80): 169, (1, 7144, 80): 19, (4, 9192, 80): 93},
    "llama-3.1-8b": {(1, 5096, 80): 78, (2, 5096, 80): 173, (4, 5096, 80): 363, (1, 9192, 80): 43, (4, 9192, 80): 201},
}  # fmt: skip


@pytest.mark.parametrize("name", TENSORRT)
def test_tensorrt_llm_beside_measured_concurrencies(name: str) -> None:
    """H100; Qwen3 32B as an fp8 checkpoint. The measured number lies between our worst and best case."""
    for (ranks, length, percent), measured in TENSORRT[name].items():
        s = Scenario(
            preset(name), length, 1, engine=engine("TensorRT-LLM"), weight_format="fp8" if "32b" in name else "",
            split=Split(ranks), percent=percent,
        )  # fmt: skip
        fewest, highest = s.most_between
        assert fewest <= measured <= highest, (ranks, length, s.most_between)
