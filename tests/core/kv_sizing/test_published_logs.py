"""Figures that engines printed in public, with the engine's defaults; each with where it can be read.

Logs round: GiB to two digits, a concurrency to two. What is counted in bytes or blocks is exact.
"""

from dataclasses import replace

import pytest

from lm_core.kv_sizing import Geometry, LayerGroup, from_config, preset, size
from lm_core.kv_sizing.engines.vllm import Plan, Vllm
from lm_core.kv_sizing.workload import Workload
from tests.core.kv_sizing import field_cases as field

MIB, GIB = 2**20, 2**30


def planned(model: Geometry, context: int, dtype: str = "bf16", ranks: int = 1, engine: Vllm | None = None) -> Plan:
    return (engine or Vllm()).plan(model, Workload.of(context, 1, dtype, dtype, ranks))


def block_size(plan: Plan) -> set[int]:
    return {pool.block for pool in plan.pools if pool.group.kind != "indexer"}


def test_sglang_deepseek_v3_2() -> None:
    """sgl-project/sglang#11309: one rank of data-parallel attention, 975,424 tokens: 43.67 GB."""
    assert size(preset("deepseek-v3.2"), 975_424, engine="SGLang", dtype_k="fp8", page_size=64).total == 46_889_757_184


def test_sglang_mimo_v2_flash() -> None:
    """sgl-project/sglang#18039: TP 4, page 64, 375,360 full and 300,288 sliding slots: K 8.38 + V 5.59 GB."""
    sizing = size(from_config(field.MIMO_V2), 375_360, engine="SGLang", tensor_parallel=4, page_size=64)
    sliding = next(line.bytes for line in sizing.lines if "sliding" in line.label)
    assert sliding == 14_993_571_840
    assert round(sliding / GIB, 2) == round(8.38 + 5.59, 2) - 0.01  # K and V were rounded apart


def test_sglang_nemotron() -> None:
    """Nemotron-3-Nano, TP 4, 1,557,504 tokens: K 2.23 + V 2.23 GB."""
    sizing = size(from_config(field.NEMOTRON_NANO), 1_557_504, engine="SGLang", tensor_parallel=4)
    full = next(line.bytes for line in sizing.lines if "full" in line.label)
    assert full / GIB == pytest.approx(2 * 2.23, abs=0.01)


@pytest.mark.parametrize(
    ("model", "context", "dtype", "ranks", "gib", "block", "tokens", "concurrency"),
    [
        ("qwen3.5-27b", 131_072, "fp8", 2, 4.99, 1568, 302_921, 2.31),  # mitchross/talos-argocd-proxmox#1995
        ("qwen3.5-35b-a3b", 65_536, "fp8", 1, 2.95, 2096, None, 3.87),  # vLLM 0.20
        ("qwen3.5-35b-a3b", 131_072, "fp8", 1, 5.98, 2096, 567_978, 4.33),  # club-3090#612
    ],
)
def test_vllm_hybrids_as_the_server_starts(
    model: str, context: int, dtype: str, ranks: int, gib: float, block: int, tokens: int | None, concurrency: float
) -> None:
    plan = planned(preset(model), context, dtype, ranks)
    found = plan.log(round(gib * GIB), context)
    assert block_size(plan) == {block}
    assert round(found[1], 2) == concurrency
    assert tokens in (None, found[0])


def test_vllm_bytes_of_one_request() -> None:
    """Traced out of vLLM 0.29 for one request of 262,144 tokens; the second figure is without prefix caching."""
    apart = Vllm(mamba_align=False)
    for model, (with_caching, without) in {
        preset("qwen3.5-27b"): (17_520_656_384, 17_366_515_712), preset("qwen3.5-35b-a3b"): (5_514_854_400, None),
        from_config(field.NEMOTRON_NANO): (1_725_628_416, None),
    }.items():  # fmt: skip
        plan = planned(model, 262_144)
        assert plan.blocks_per_request * plan.bytes_per_block == with_caching
        other = planned(model, 262_144, engine=apart)
        assert without in (None, other.blocks_per_request * other.bytes_per_block)
    assert planned(preset("gemma-4-31b"), 262_144).blocks_per_request == 13_637
    assert planned(preset("gemma-4-31b"), 262_144).bytes_per_block == 2_621_440
    smaller = planned(preset("gemma-4-31b"), 262_144, engine=Vllm(max_num_batched_tokens=2048))
    assert smaller.blocks_per_request == 9797


def test_vllm_refusals() -> None:
    """vllm-project/vllm#25350: 10.12 GiB needed for 221,000 tokens in fp8; gpt-oss 120B: 4.79 GiB (before 0.30, which
    schedules asynchronously by default)."""
    plan = planned(preset("qwen3-30b-a3b"), 221_000, "fp8")
    assert round(plan.blocks_per_request * plan.bytes_per_block / GIB, 2) == 10.12
    plan = planned(preset("gpt-oss-120b"), 131_072, engine=Vllm(async_scheduling=False))
    assert round(plan.blocks_per_request * plan.bytes_per_block / GIB, 2) == 4.79


def test_vllm_kimi_linear() -> None:
    """vllm-project/vllm#28228: TP 2, 2.30 GiB, 120,000 tokens: block 960, 2.48x (no prefix caching then)."""
    plan = planned(from_config(field.KIMI_LINEAR), 120_000, ranks=2, engine=Vllm(mamba_align=False))
    assert block_size(plan) == {960}
    least, most = (plan.log(round(gib * GIB), 120_000)[1] for gib in (2.295, 2.305))
    assert round(least, 2) <= 2.48 <= round(most, 2)


@pytest.mark.parametrize(
    ("model", "dtype", "block", "padding"),
    [("qwen3.5-9b", "bf16", 528, None), ("qwen3.5-9b", "fp8", 1056, None), ("qwen3.5-35b-a3b", "bf16", 1056, 0.76),
     ("qwen3.5-27b", "bf16", 784, 0.13)],
)  # fmt: skip
def test_vllm_block_sizes(model: str, dtype: str, block: int, padding: float | None) -> None:
    plan = planned(preset(model), 8192, dtype)
    assert block_size(plan) == {block}
    if padding:
        full = next(group for group in preset(model).groups if group.kind == "full")
        page = block * full.kv_heads * (full.k_dim + full.v_dim) * (2 if dtype == "bf16" else 1)
        state = preset(model).groups[0]
        each = state.state_values * 4 + state.conv_channels * 3 * 2
        assert round(100 * (page / each - 1), 2) == padding


def test_llama_cpp_qwen() -> None:
    """Qwen3.5-9B with `-np 4` unified; Qwen3.6-27B and 35B-A3B: attention and state buffers in MiB."""
    nine = size(preset("qwen3.5-9b"), 33_792, 4, engine="llama.cpp", unified=True)
    assert [round(line.bytes / MIB, 2) for line in nine.lines] == [201.0, 4224.0]
    state, full = size(preset("qwen3.5-27b"), 262_144, engine="llama.cpp").lines
    assert (round(state.bytes / MIB, 2), full.bytes / MIB) == (149.62, 16_384)
    four, _ = size(preset("qwen3.5-35b-a3b"), 8192, 4, engine="llama.cpp").lines
    assert four.bytes / MIB == 251.25


def test_llama_cpp_whisper() -> None:
    """whisper.cpp's log of medium: kv self 50.33 MB, kv cross 150.99 MB."""
    medium = {
        **field.WHISPER_TURBO, "d_model": 1024, "decoder_layers": 24, "encoder_layers": 24, "num_hidden_layers": 24,
        "encoder_attention_heads": 16, "decoder_attention_heads": 16,
    }  # fmt: skip
    found = size(from_config(medium), 448, engine="llama.cpp")
    assert [round(line.bytes / 1e6, 2) for line in found.lines] == [50.33, 150.99]


def test_quantised_caches_of_a_hybrid() -> None:
    """GenerelSchwerz/llama.cpp#62: in q8_0, 7,072 and 34,816 bytes a token."""
    for layers, heads, expected in ((13, 1, 7072), (16, 4, 34_816)):
        model = Geometry("hybrid", (LayerGroup("full", layers, heads, 256, 256),))
        assert size(model, 256, 1, "q8_0", engine="llama.cpp").per_added_token == expected


def test_pools_of_tensorrt_llm_as_payload() -> None:
    """Its logs, one of them triton-inference-server/tutorials#150: 68.69, 16.05, 26.91 and 78.30 GiB."""
    pools = [(643_136, 28, 8, 128, 2, 68.69), (263_008, 32, 8, 128, 1, 16.05), (220_480, 32, 8, 128, 2, 26.91),
             (3_731_744, 22, 4, 64, 2, 78.30)]  # fmt: skip
    for tokens, layers, heads, width, bytes_, gib in pools:
        model = Geometry("pool", (LayerGroup("full", layers, heads, width, width),))
        total = size(model, tokens, dtype_k="bf16" if bytes_ == 2 else "fp8").total
        assert total / GIB == pytest.approx(gib, abs=0.006)


def test_latents_of_mistral_small_and_glm_flash() -> None:
    """kaito-project/kaito#2132: 36 latents of 320 at 1,048,576 tokens, 22.5 GiB. ollama/ollama#13789: GLM-4.7-Flash
    takes 423 MiB at 8,192 tokens where an engine absorbs the latent, 7.34 GiB where it does not."""
    small = Geometry("Mistral Small 4", (LayerGroup("latent", 36, 1, 256, 64),))
    assert size(small, 1_048_576).total == 24_159_191_040
    flash = Geometry("GLM-4.7-Flash", (LayerGroup("latent", 47, 1, 512, 64),))
    assert size(flash, 8192).total == 423 * MIB
    expanded = replace(flash, groups=(LayerGroup("full", 47, 20, 256, 256),))
    assert round(size(expanded, 8192).total / GIB, 2) == 7.34
