"""Start logs from public threads: what is read of them, every figure reproduced or its difference named.

The lines are cut down to their figures. `id N` marks a public log without a repository name.
"""

import pytest

from lm_core.errors import InvalidInput
from lm_core.kv_sizing import Geometry, LayerGroup, preset
from lm_core.kv_sizing.logs.comparison import compare
from lm_core.kv_sizing.logs.start_log import read

EXAONE = Geometry(
    "EXAONE 4.0 32B", (LayerGroup("sliding", 48, 8, 128, 128, 4096), LayerGroup("full", 16, 8, 128, 128)),
    family="exaone4",
)  # fmt: skip
REPRODUCED = {  # (address, model, GPUs, text)
    "id 48864453570, vLLM 0.10.1.1, A100": ("qwen2.5-7b", 1, """Initializing a V1 LLM engine (v0.10.1.1) with config:
        model='Qwen2-7B-Instruct', max_seq_len=16384, tensor_parallel_size=1, kv_cache_dtype=auto
        Available KV cache memory: 5.01 GiB
        GPU KV cache size: 93,872 tokens
        Maximum concurrency for 16,384 tokens per request: 5.73x
        vllm cache_config_info with initialization after num_gpu_blocks is: 5867"""),
    "id 39328153190, vLLM 0.10.2, two L40S": ("qwen3-30b-a3b", 2, """--max-model-len 32K
        Available KV cache memory: 25.91 GiB
        GPU KV cache size: 566,016 tokens
        Maximum concurrency for 32,768 tokens per request: 17.27x"""),
    "id 55594152188, vLLM 0.7.2, T4": ("qwen2.5-1.5b", 1, """the rest of the memory reserved for KV Cache is 2.36GiB
        Maximum concurrency for 32768 tokens per request: 2.69x"""),
    "vllm-project/vllm#10517, RTX 3090": ("llama-3.1-8b", 1, """kv_cache_size=3.81GiB gpu_memory_utilization=0.90
        # GPU blocks: 1952, # CPU blocks: 2048
        Maximum concurrency for 20000 tokens per request: 1.56x"""),
    "id 55116362269, vLLM 0.17.1, MI300X": ("qwen2.5-14b", 1, """Available KV cache memory: 141.96 GiB
        GPU KV cache size: 775,280 tokens
        Maximum concurrency for 32,768 tokens per request: 23.66x"""),
    "id 70347757402, vLLM 0.31.0, H200": ("qwen2.5-7b", 1, """Available KV cache memory: 34.79 GiB
        GPU KV cache size: 651,504 tokens
        Maximum concurrency for 4,096 tokens per request: 159.06x"""),
    "redhat-performance/configiq#112, vLLM 0.24, H200": ("gemma-4-31b", 1, """max_model_len=262144
        max_num_batched_tokens=8192, async_scheduling=False
        Available KV cache memory: 64.68 GiB
        GPU KV cache size: 626,949 tokens"""),
    "the same, with weights of 4 bits": ("gemma-4-31b", 1, """max_model_len=262144, async_scheduling=False
        Available KV cache memory: 103.92 GiB
        GPU KV cache size: 1,007,303 tokens"""),
    "id 17919029371, gpt-oss 120B": ("gpt-oss-120b", 1, """max seq len (131072), async_scheduling=False
        max_model_len=131072 (4.79 GiB KV cache is needed"""),
    "id 47376055009, SGLang 0.4.3, four L4": ("qwen2.5-32b", 4, """Load weight end. mem usage=15.54 GB.
        KV Cache is allocated. #tokens: 46611, K size: 1.42 GB, V size: 1.42 GB"""),
    "sgl-project/sglang#18263, MI355X": ("qwen3-30b-a3b", 1, """Load weight end. mem usage=56.98 GB.
        KV Cache is allocated. #tokens: 2227073, K size: 101.95 GB, V size: 101.95 GB"""),
    "ikawrakow/ik_llama.cpp#398, two T4": ("qwen3-30b-a3b", 1, """llama_new_context_with_model: n_ctx      = 32768
        llama_kv_cache_init:      CUDA0 KV buffer size =  1600.00 MiB
        llama_kv_cache_init:      CUDA1 KV buffer size =  1472.00 MiB
        KV self size  = 3072.00 MiB, K (f16): 1536.00 MiB, V (f16): 1536.00 MiB"""),
}  # fmt: skip


@pytest.mark.parametrize("address", REPRODUCED)
def test_every_figure_is_reproduced(address: str) -> None:
    name, ranks, text = REPRODUCED[address]
    found = compare(read(text), preset(name), ranks)
    assert found
    assert [(each.printed.name, each.printed.text, each.low, each.high) for each in found if not each.agrees] == []


def test_a_difference_is_named_with_what_explains_it() -> None:
    """Asynchronous scheduling off, which the text does not say: Gemma 4's windows then keep half as many in flight."""
    text = "Available KV cache memory: 64.68 GiB\nGPU KV cache size: 626,949 tokens, max_model_len=262144"
    (found,) = compare(read(text), preset("gemma-4-31b"))
    assert not found.agrees
    assert found.bytes is not None
    assert -16 < found.bytes / 2**30 < -14
    assert found.explained == "async_scheduling False"


def test_an_older_rule_is_named_in_bytes() -> None:
    """vLLM 0.11 gave hybrids' tokens by another rule (id 67319049985): 42,224, ours 42,068 to 42,140; 30 MiB apart."""
    text = "Available KV cache memory: 10.31 GiB\nGPU KV cache size: 42,224 tokens\nmax_seq_len=4096"
    (found,) = compare(read(text), EXAONE)
    assert not found.agrees
    assert found.bytes is not None
    assert 0 < -found.bytes / 2**20 < 40


def test_what_a_start_says() -> None:
    log = read(REPRODUCED["id 48864453570, vLLM 0.10.1.1, A100"][2])
    assert (log.engine, log.version, log.model) == ("vLLM", "0.10.1.1", "Qwen2-7B-Instruct")
    assert log.settings == {"n": 16384, "tp": 1}
    available = log.figure("available")
    assert available is not None
    assert (available.value, available.half) == (5.01 * 2**30, 0.005 * 2**30)


@pytest.mark.parametrize("text", ["", "hello", "KV cache", "Available KV cache memory: many GiB", "x" * 2_000_001])
def test_what_is_no_start_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="`log` must be"):
        read(text)


@pytest.mark.parametrize("cut", range(0, 400, 7))
def test_a_text_cut_anywhere_is_read_or_refused(cut: int) -> None:
    text = "\n".join(text for _, _, text in REPRODUCED.values())
    try:
        log = read(text[cut : 2 * cut + 60])
    except InvalidInput:
        return
    for each in compare(log, preset("llama-3.1-8b")):
        assert each.low <= each.high


def test_the_gpu_with_the_least_decides() -> None:
    """Nemotron 3 Nano on two GPUs, nvcr.io/nvidia/vllm:26.01: one of them is printed, the other had 1.33 GiB."""
    state = LayerGroup("state", 23, state_values=64 * 64 * 128, conv_channels=64 * 64 + 2 * 8 * 128, conv_kernel=4)
    model = Geometry("Nemotron 3 Nano 30B", (state, LayerGroup("full", 6, 2, 128, 128)), family="nemotron_h")
    text = """--max-model-len 131072 --kv-cache-dtype fp8 --tensor-parallel-size 2
        Available KV cache memory: 4.02 GiB
        GPU KV cache size: 183,744 tokens
        Maximum concurrency for 131,072 tokens per request: 6.17x"""
    found = compare(read(text), model)
    assert [each.printed.name for each in found] == ["tokens", "concurrency"]
    for each in found:
        assert each.explained == "1.33 GiB left on another GPU, by vLLM’s rules of 0.13 and before"
    for each in compare(read(text.replace("183,744", "170,000")), model):
        assert "another GPU" not in each.explained
