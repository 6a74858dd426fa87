"""Sizes by hand, against figures other people measured and published, and what must hold for any model."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from lm_core.errors import InvalidInput
from lm_core.kv_sizing import Geometry, LayerGroup, Scenario, Sizing, engine, names, preset, size
from lm_core.kv_sizing.engines.vllm import Vllm
from lm_core.kv_sizing.workload import Workload

MIB, GIB = 2**20, 2**30


def test_the_article() -> None:
    model = Geometry.by_hand(layers=32, heads=32, kv_heads=32, head_dim=128)
    assert size(model, 2048).total == 2**30
    assert size(model, 32768).total == 2**34


def test_figures_of_llama_cpp_logs() -> None:
    """`llama_kv_cache: size =` lines of llama.cpp, in MiB per buffer (ik_llama.cpp for Command A, which keeps all)."""
    oss = size(preset("gpt-oss-20b"), 131072, 1, "f16", engine="llama.cpp")
    assert [line.bytes for line in oss.lines] == [18 * MIB, 3072 * MIB]
    assert size(preset("qwen2.5-3b"), 4096, 1, "f16", engine="llama.cpp").total == 144 * MIB
    state = size(preset("qwen3.5-27b"), 4096, 3, "f16", engine="llama.cpp").lines[0].bytes
    assert round(state / MIB, 2) == 448.88
    llama_30b = Geometry.by_hand(layers=60, heads=52, kv_heads=52, head_dim=128)
    assert size(llama_30b, 512, 1, "f32", engine="llama.cpp").total == 1560 * MIB
    gemma = size(preset("gemma-4-12b"), 2048, 4, "q8_0", engine="llama.cpp", unified=True)
    assert [line.bytes for line in gemma.lines] == [765 * MIB, 68 * MIB]
    assert size(preset("gemma-4-31b"), 32768, 1, "f16", engine="llama.cpp").total == 3760 * MIB
    assert size(preset("command-a"), 32768, 1, "q8_0", engine="llama.cpp", swa_full=True).total == 4352 * MIB
    latent = size(preset("deepseek-v3.2"), 32768, 1, "f16", engine="llama.cpp")
    assert latent.lines[1].bytes == 488 * MIB


@pytest.mark.parametrize(
    ("model", "tokens", "expected"),
    [  # "GB" of these tables are GiB: Hugging Face's Llama 3.1 announcement; Jamba's paper, table 1
        ("llama-3.1-8b", 1024, 0.125), ("llama-3.1-8b", 16000, 1.95), ("llama-3.1-8b", 128000, 15.62),
        ("llama-3.1-70b", 1024, 0.313), ("llama-3.1-70b", 16000, 4.88), ("llama-3.1-70b", 128000, 39.06),
        ("llama-2-7b", 2**18, 128), ("mistral-7b-v0.3", 2**18, 32), ("mixtral-8x7b", 2**18, 32),
        ("jamba-v0.1", 2**18, 4),
    ],
)  # fmt: skip
def test_figures_of_published_tables(model: str, tokens: int, expected: float) -> None:
    sizing = size(preset(model), tokens)
    assert (sizing.total - sizing.fixed) / GIB == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize(
    ("model", "expected"),
    [  # kB per token: "Insights into DeepSeek-V3" (ISCA 2025), table 1
        ("deepseek-v3", 70_272), ("qwen2.5-72b", 327_680), ("llama-3.1-405b", 516_096),
    ],
)  # fmt: skip
def test_bytes_per_token_of_a_paper(model: str, expected: int) -> None:
    assert size(preset(model), 1000).per_added_token == expected


def test_figures_of_papers_on_serving() -> None:
    """PagedAttention (SOSP 2023): OPT-13B takes 800 KB a token and 1.6 GB at 2,048. Mistral 7B: a window saves 8x."""
    opt = Geometry.by_hand(layers=40, heads=40, kv_heads=40, head_dim=128)
    assert size(opt, 1).total == 800 * 1024
    assert round(size(opt, 2048).total / GIB, 1) == 1.6
    assert size(preset("mistral-7b-v0.3"), 32768).total == 8 * size(preset("mistral-7b-v0.1"), 32768).total


def test_figures_of_vllm() -> None:
    """Its planner: 17.98 GiB for Gemma 3 27B at 131,072; Qwen3.5 27B with fp8: block 1568, page padded by 0.13 %."""
    assert round(size(preset("gemma-3-27b"), 131072, engine="vllm").total / GIB, 2) == 17.98
    plan = Vllm().plan(preset("qwen3.5-27b"), Workload.of(131072, 1, "fp8", "fp8"))
    assert {pool.block for pool in plan.pools} == {1568}
    page = plan.bytes_per_block / 16
    assert round(100 * (page / 3_207_168 - 1), 2) == 0.13
    every_layer = Geometry.by_hand(layers=36, heads=64, kv_heads=8, head_dim=64)
    assert size(every_layer, 16, engine="vllm").per_added_token == 73_728  # gpt-oss 120B as older versions charged it


def test_a_refusal_of_vllm_in_public() -> None:
    """vllm-project/recipes#12: Qwen3-Coder 480B at 262,144 tokens needs 62.00 GiB; 48.66 GiB hold 205,728 tokens,
    55.65 GiB 235,296 (the log rounds GiB to two digits: 21 tokens either way, and blocks of 16)."""
    model = preset("qwen3-coder-480b")
    one_request = size(model, 262_144, engine="vllm").lines[0].bytes
    assert round(one_request / GIB, 2) == 62.00
    for gib, tokens in ((48.66, 205_728), (55.65, 235_296)):
        longest = Scenario(model, engine=engine("vllm"), pool=round(gib * GIB)).longest.value
        assert abs(longest - tokens) <= 21 + 16 + 16  # and our null block


def test_quantised_caches_in_public() -> None:
    """ggml-org/llama.cpp#21551, "kvcache size" of two models: 24B (40 layers) and 8B (36 layers), 8 KV heads of 128."""
    logged = {
        (40, 6656): {"f16": 1040.0, "q8_0": 552.5, "q4_0": 292.5},
        (36, 2560): {"f16": 360.0, "q8_0": 191.25, "q4_0": 101.25, "iq4_nl": 101.25},
    }
    for (layers, context), sizes in logged.items():
        model = Geometry.by_hand(layers, 32, 8, 128)
        found = {name: size(model, context, 1, name, engine="llama.cpp").total / MIB for name in sizes}
        assert found == sizes


def test_what_vllm_logs_about_its_blocks() -> None:
    plan = Vllm().plan(preset("llama-3.1-8b"), Workload.of(8192, 1, "bf16", "bf16"))
    assert plan.bytes_per_block == 16 * 131072
    assert plan.log(10 * GIB, 8192) == (81920, 10.0)


def test_a_fleet_of_heads() -> None:
    """80 GB GPUs: at 16 ranks every one of 8 KV heads is stored twice."""
    wide, narrow = (size(preset("llama-3.1-70b"), 32768, 64, tensor_parallel=tp) for tp in (16, 8))
    assert (narrow.total, narrow.replication) == (640 * GIB, 0)
    assert (wide.total, wide.replication) == (1280 * GIB, 640 * GIB)


GROUPS = some.one_of(
    some.builds(LayerGroup, some.just("full"), some.integers(1, 64), some.sampled_from([1, 2, 4, 8]),
                some.sampled_from([64, 128, 192]), some.sampled_from([64, 128])),
    some.builds(LayerGroup, some.just("sliding"), some.integers(1, 64), some.sampled_from([1, 2, 8]),
                some.just(128), some.just(128), some.integers(1, 8192)),
    some.builds(LayerGroup, some.just("latent"), some.integers(1, 64), some.just(1), some.just(512), some.just(64)),
    some.builds(lambda n, v: LayerGroup("state", n, state_values=v, conv_channels=v, conv_kernel=4),
                some.integers(1, 64), some.sampled_from([1024, 1 << 20])),
)  # fmt: skip
GEOMETRIES = some.lists(GROUPS, min_size=1, max_size=3).map(lambda groups: Geometry("any", tuple(groups)))
PLAIN = [("ideal", {}), ("llama.cpp", {}), ("llama.cpp", {"unified": True}), ("SGLang", {}), ("transformers", {})]


@settings(max_examples=150, deadline=None)
@given(GEOMETRIES, some.integers(1, 300_000), some.integers(1, 300), some.sampled_from(PLAIN))
def test_need_grows_and_is_never_below_the_payload(
    geometry: Geometry, context: int, sequences: int, profile: tuple[str, dict[str, bool]]
) -> None:
    name, options = profile

    def total(geometry: Geometry = geometry, context: int = context, sequences: int = sequences) -> int:
        return size(geometry, context, sequences, "f16", engine=name, **options).total

    sizing = size(geometry, context, sequences, "f16", engine=name, **options)
    assert sum(line.bytes for line in sizing.lines) == sizing.total >= sizing.payload
    assert sizing.payload + sizing.replication + sizing.padding == sizing.total
    assert total(context=context + 1) >= sizing.total
    assert total(sequences=sequences + 1) >= sizing.total
    *others, last = geometry.groups
    assert total(Geometry("more", (*others, replace(last, layers=last.layers + 1)))) > sizing.total


def planned(geometry: Geometry, context: int, sequences: int) -> Sizing | None:
    """None where vLLM's own rule refuses; any other refusal is a defect."""
    try:
        return size(geometry, context, sequences, "f16", engine="vllm")
    except InvalidInput as refused:
        if "pages equal" not in str(refused):
            raise
        return None


@settings(max_examples=200, deadline=None)
@given(GEOMETRIES, some.integers(1, 300_000), some.integers(1, 300), some.integers(1, 512))
def test_vllm_too_or_it_says_why_not(geometry: Geometry, context: int, sequences: int, more: int) -> None:
    """Pages of layers that differ may be impossible to make equal; what is planned grows and holds the payload."""
    sizing = planned(geometry, context, sequences)
    if sizing is None:
        return
    assert sum(line.bytes for line in sizing.lines) == sizing.total >= sizing.payload
    assert size(geometry, context + more, sequences, "f16", engine="vllm").total >= sizing.total
    assert size(geometry, context, sequences + more, "f16", engine="vllm").total > sizing.total


@pytest.mark.parametrize("name", names())
def test_every_preset_on_every_engine(name: str) -> None:
    """Each has a source; what an engine cannot hold is refused in words, everything else is at least the payload."""
    model = preset(name)
    assert model.source
    for kind, context in itertools.product(("llama.cpp", "vLLM", "SGLang", "transformers"), (100, 9000, 131072)):
        sizing = size(model, context, 3, "f16", engine=kind)
        longer = size(model, context + 1, 3, "f16", engine=kind)
        assert longer.total >= sizing.total
        if not any(group.kind == "indexer" for group in model.groups):  # engines keep that one in fp8
            assert sizing.total >= sizing.payload


@pytest.mark.parametrize("ranks", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("name", ["llama-3.1-70b", "qwen3-next-80b", "gemma-3-27b", "deepseek-v3", "gpt-oss-20b"])
def test_splitting_loses_no_heads(name: str, ranks: int) -> None:
    model = preset(name)
    split = size(model, 10_000, tensor_parallel=ranks)
    assert split.total == split.payload + split.replication
    assert split.replication >= 0
    assert split.per_gpu * ranks == split.total


def test_refusals() -> None:
    """What must not be sized is said in one sentence, and each of these is a different one."""
    model = preset("llama-3.1-8b")
    odd = Geometry("odd", (LayerGroup("full", 2, 1, 80, 80),))
    unknown = Geometry("new", (LayerGroup("unknown", 3, label="ring_attention"),))
    faults = [
        lambda: size(unknown, 10),
        lambda: size(model, 0),
        lambda: size(model, 10, tensor_parallel=3),
        lambda: size(model, 10, dtype_k="fp7"),
        lambda: size(model, 10, dtype_k="fp8", engine="llama.cpp"),
        lambda: size(model, 10, dtype_k="bf16", dtype_v="fp8", engine="vllm"),
        lambda: size(odd, 10, dtype_k="q8_0"),
        lambda: size(model, 10, dtype_k="fp8_ds_mla"),
        lambda: size(model, 10, engine="llama.cpp", tensor_parallel=2),
        lambda: engine("vllm", block=3),
        lambda: engine("tgi"),
        lambda: LayerGroup("full", True, 1, 1, 1),
        lambda: LayerGroup("sliding", 1, 1, 1, 1, 0),
        lambda: Geometry.from_json({"groups": [{"kind": "full", "layers": 1, "heads": 3}]}),
    ]
    said = []
    for fault in faults:
        with pytest.raises(InvalidInput) as refused:
            fault()
        said.append(str(refused.value))
    assert len(set(said)) == len(said)


def test_a_geometry_survives_json() -> None:
    for name in names():
        assert Geometry.from_json(preset(name).to_json()).groups == preset(name).groups
