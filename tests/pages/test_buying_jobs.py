"""Five buying jobs on the calculator's page, by choosing from lists; typed are users, length and the number of GPUs."""

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.opening import components, open_page, said
from tests.pages.touching import fill, find, press

URL = "kv_cache_calculator"


def choose(app: AppTest, label: str, shown: str) -> None:
    """Takes the entry of a list that is shown so."""
    box = find(app, label, "selectbox")
    box.select_index(list(box.proto.options).index(shown)).run()
    assert not app.exception


def asked(
    model: str, weights: str, engine: str, cache: str, gpu: str, users: int, tokens: int, gpus: int = 1
) -> AppTest:
    app = open_page(URL)
    choose(app, "Model", model)
    if weights:
        choose(app, "Weights stored as", weights)
    choose(app, "Engine", engine)
    choose(app, "Cache stored as", cache)
    choose(app, "GPU", gpu)
    fill(app, "Users at once", str(users))
    fill(app, "Tokens for each user", str(tokens))
    if gpus > 1:
        fill(app, "GPUs (tensor parallel)", str(gpus))
    return app


def test_how_many_users_of_llama_70b_on_four_h100() -> None:
    """vLLM's log of this deployment says 42.01x."""
    app = asked("Llama 3.3 70B", "fp8 (8 bits)", "vLLM 0.33.0", "fp8", "H100 80 GB", 30, 32_768, 4)
    assert "It fits." in said(app)
    assert "**42 users** fit, 37 at worst and 43 at best; the limit is memory." in said(app)


def test_qwen_32b_on_a_4090() -> None:
    """8.50 GiB of cache beside a file of 18.40: it does not fit, and 27,904 tokens did in the same test before."""
    app = asked("Qwen3 32B", "Q4_K_M (GGUF)", "llama.cpp 0.5", "q8_0", "RTX 4090 24 GB", 1, 65_536)
    assert "It does not fit." in said(app)
    assert "this takes **8.50 GiB**" in said(app)


def test_deepseek_on_eight_h200() -> None:
    app = asked("DeepSeek V3.2", "", "SGLang 0.5.23", "fp8", "H200 141 GB", 16, 131_072, 8)
    text = said(app)
    assert "It does not fit." in text
    assert "data-parallel attention to 8; then it fits, with **40 users** at most." in text
    fill(app, "GPUs (tensor parallel)", "1")
    fill(app, "Data-parallel attention, experts over all GPUs (times as many GPUs)", "8")
    assert "It fits." in said(app)
    assert app.query_params["dp"] == "8"
    assert said(open_page(URL, **app.query_params)) == said(app)


def test_gpt_oss_on_one_h100() -> None:
    """Logs left from -2.28 to 4.06 GiB where 5.07 are needed."""
    text = said(asked("gpt-oss 120B", "", "vLLM 0.33.0", "engine’s default", "H100 80 GB", 1, 131_072))
    assert "Too close to call." in text


def test_gemma_of_four_bits_on_a_4090() -> None:
    name = "Q4_0 QAT (GGUF)"
    app = asked("Gemma 3 27B", name, "llama.cpp 0.5", "engine’s default", "RTX 4090 24 GB", 4, 32_768)
    assert "It does not fit." in said(app)
    assert "this takes **12.44 GiB**" in said(app)
    assert "It fits stored as **q5_1** and anything smaller" in said(app)
    choose(app, "Cache stored as", "q8_0")
    assert "Too close to call." in said(app)
    choose(app, "Cache stored as", "q5_1")
    assert "It fits." in said(app)


def test_the_bar_shows_what_the_words_say() -> None:
    app = asked("Llama 3.3 70B", "fp8 (8 bits)", "vLLM 0.33.0", "fp8", "H100 80 GB", 42, 32_768, 4)
    bar = components(app)["memory_bar"]
    assert dict(bar["stops"])[42] == pytest.approx(52.5 * 2**30, rel=1e-4)
    assert bar["users"] == 42
    assert bar["left"][0] < bar["left"][1] < bar["left"][2]
    assert bar["allowed"] == bar["left"][1] + bar["weights"] + bar["reserve"]


LOG = """model='google/gemma-4-31b-it', max_model_len=262144, async_scheduling=False
Available KV cache memory: 64.68 GiB
GPU KV cache size: 626,949 tokens"""
BOX = "What vLLM, SGLang or llama.cpp’s server printed when it started"


@pytest.mark.usefixtures("_folds_open")
@pytest.mark.long("every fold of the page is open")
def test_a_pasted_log() -> None:
    app = open_page(URL, arch="llama-3.1-8b", engine="vLLM")
    fill(app, BOX, LOG)
    assert "The log seems to speak of gemma-4-31b; the figures below are of Llama 3.1 8B." in said(app)
    press(app, "Ask the question of this log")
    assert app.query_params["arch"] == "gemma-4-31b"
    assert app.query_params["async_scheduling"] == "0"
    text = said(app)
    assert "tokens that the pool holds 626,949 626,886 to 627,012 the same, within its rounding" in text
    fill(app, BOX, "nonsense")
    assert "`log` must be the text of a start" in said(app)


@pytest.mark.usefixtures("_folds_open")
@pytest.mark.long("every fold of the page is open")
def test_what_is_kept_elsewhere() -> None:
    """128 KiB a token: 1 GiB for 8,192; 256 GB of memory hold 238 of them, and 25 GB/s bring one back in 43 ms."""
    app = open_page(URL, arch="llama-3.1-8b", n="8192", cpu="256")
    assert "in the processor’s memory 238 42.9 ms" in said(app)
    text = said(open_page(URL, arch="llama-3.1-8b", n="8192", engine="llama.cpp", ngl="24"))
    assert "held by the processor" in text
    assert "In the processor’s memory 3.99 GiB" in text or "in the processor’s memory 3.99 GiB" in text


@pytest.mark.usefixtures("_folds_open")
@pytest.mark.long("every fold of the page is open")
def test_users_whose_lengths_differ() -> None:
    """A GiB for 8,192 tokens, 3/4 of it for the others: 100 GB hold 106 on average, fewer for certain."""
    app = open_page(URL, arch="llama-3.1-8b", n="8192", pool="100", weights="16.06")
    assert "State a mean and what 95 % of the users stay within, or paste a histogram" in said(app)
    fill(app, "Or a histogram: a length in tokens, a comma, how often it occurs", "8192, 1\n6144, 1\n")
    text = said(app)
    assert "Lengths of **7,168 tokens** on average, half within 6,144, 95 % within 8,192." in text
    assert "at best 50 % 106 106 106 95 % 104 104 104 99 % 103 103 103 99.9 % 102 102 102" in text
    fill(app, "Prompt found in the prefix cache, %", "90")
    assert "With 90 % of a prompt of 8,192 tokens in the prefix cache, its first token comes after" in said(app)
    fill(app, "Or a histogram: a length in tokens, a comma, how often it occurs", "9000, 1")
    assert "`a length of the histogram` must be a whole number from 1 to 8192, but is 9000" in said(app)
    text = said(open_page(URL, arch="llama-3.1-8b", n="32768", mean="4000", p95="12000", engine="vLLM", wf="bf16"))
    assert "With the lengths you stated, **85 users** fit at once with a chance of 99 %" in text
    assert "Lengths of **4,000 tokens** on average" in text
    text = said(open_page(URL, arch="llama-3.1-8b", n="8192", mean="1000", p95="500", engine="vLLM"))
    assert "`what 95 % stay within` must be a whole number from 1000 to 8192, but is 500" in text
    text = said(open_page(URL, arch="llama-3.1-8b", n="8192", mean="1000", p95="3000", engine="llama.cpp"))
    assert "llama.cpp reserves the longest length for everybody: shorter users make no room." in text


def test_a_gpu_of_ones_own_and_bad_input() -> None:
    own = '{"Mine 48 GB":[47.5,1.25,900]}'
    text = said(open_page(URL, arch="llama-3.1-8b", gpu="Mine 48 GB", gpus=own))
    assert "on one Mine 48 GB:" in text
    text = said(open_page(URL, arch="llama-3.1-8b", gpu="Yours"))
    assert "There is no GPU “Yours” here: an H100 is taken." in text
    text = said(open_page(URL, arch="llama-3.1-8b", tp="3"))
    assert "3" in text
    assert "a divisor or a multiple of 8 KV heads" in text
    text = said(open_page(URL, arch="llama-3.1-8b", n="100", shared="200", tp="4", cp="3"))
    assert "200 shared tokens are more than 100 in all: they are left out." in text
    assert "3 parts of the context do not divide 4 GPUs: it is not divided." in text
