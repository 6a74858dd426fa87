"""Whole questions: what fits, what it costs, how long a step takes at least, and the page to hand in."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from lm_core.errors import InvalidInput
from lm_core.kv_sizing import (
    CLOSE,
    FITS,
    GPUS,
    TOO_LARGE,
    Geometry,
    LayerGroup,
    Scenario,
    Split,
    cheapest,
    engine,
    gpu,
    names,
    preset,
    served,
    size,
)  # fmt: skip
from lm_core.kv_sizing.capacity.gpu_layouts import layouts
from lm_core.kv_sizing.report import html_page

GIB = 2**30
SEVENTY = Scenario(preset("llama-3.1-70b"), context=32768, sequences=64, split=Split(tensor=8), mean=8192)


def test_an_engineers_question_by_hand() -> None:
    """79.22 GiB x 92 % - 141.107 GB / 8 leaves 56.45 GiB; a sequence of 32,768 tokens takes 10 / 8 GiB of a GPU."""
    assert SEVENTY.sizing.per_gpu == SEVENTY.need() == 80 * GIB
    assert SEVENTY.total == 640 * GIB
    assert SEVENTY.verdict == TOO_LARGE
    assert SEVENTY.budget.for_cache.likely / GIB == pytest.approx(79.22 * 0.92 - 141_107_412_992 / 8 / GIB, abs=0.01)
    assert SEVENTY.most_sequences.value == 45
    assert SEVENTY.most_at_mean.value == 180
    assert SEVENTY.sizing_at_mean.total == 160 * GIB
    assert layouts(SEVENTY, gpu("H100 80 GB"))[0].gpus == 16
    assert SEVENTY.fitting_dtypes[:2] == ("mlx_q8", "q8_0")  # 42.5 GiB of 56.45; bf16's 80 are too many


def test_a_bound_by_hand() -> None:
    """Weights of 141.107 GB without the input table, and 160 GiB of cache (64 at their mean) over 8 x 3,350 GB/s."""
    speed = served(SEVENTY)
    read = 141_107_412_992 - 2 * 128_256 * 8192
    assert speed.step.seconds == pytest.approx((read + 160 * GIB) / 8 / 3350e9, rel=1e-6)
    assert speed.step.limit == "bandwidth"
    slow, fast = speed.tokens_a_second
    assert (slow, fast) == pytest.approx((32 / speed.step.seconds, 64 / speed.step.seconds))
    assert speed.cost(3.0) == pytest.approx((8 * 3.0 / 3600 / fast * 1e6, 8 * 3.0 / 3600 / slow * 1e6))
    assert speed.first is not None
    operations = 2 * (read // 2) * 8192 + 2 * 80 * 64 * 128 * 8192**2
    assert speed.first.seconds == pytest.approx(operations / 8 / 989.5e12, rel=1e-3)


def test_a_mixture_of_experts_reads_what_is_chosen() -> None:
    """gpt-oss 120B reads some 5.4 GB a token, not 65: 1.6 ms on an H100, where all of it would take 20."""
    one = Scenario(preset("gpt-oss-120b"), 1024, 1)
    assert 0.0014 < served(one).step.seconds < 0.0020
    assert served(replace(one, sequences=512)).step.read[0] > 10 * served(one).step.read[0]


@pytest.mark.parametrize("name", names())
def test_more_is_never_faster(name: str) -> None:
    asked = Scenario(preset(name), 4096, 1)
    steps = [served(replace(asked, sequences=many)).step.seconds for many in (1, 2, 8, 64)]
    assert steps == sorted(steps)


@settings(max_examples=60, deadline=None)
@given(some.sampled_from(names()), some.integers(1, 64), some.integers(20, 42))
def test_the_crossing_is_tight(name: str, sequences: int, power: int) -> None:
    model, weights = preset(name), 1 << power
    found = Scenario(model, sequences=sequences, stated_weights=weights).crossing
    if found is None:
        assert size(model, 1 << 40, sequences).total <= weights
    else:
        assert size(model, found, sequences).total > weights
        assert found == 1 or size(model, found - 1, sequences).total <= weights


def test_a_state_never_outgrows_the_weights() -> None:
    states = Geometry("states", (LayerGroup("state", 2, state_values=8),))
    assert Scenario(states, stated_weights=2**20).crossing is None


def test_prices_decide_between_layouts() -> None:
    found = [(layouts(SEVENTY, GPUS[name])[0], price) for name, price in
             (("H100 80 GB", 2.0), ("H200 141 GB", 3.5), ("B200 180 GB", 0.0))]  # fmt: skip
    best = cheapest(found)
    assert best is not None
    assert best[0].gpu.name == "H200 141 GB"  # 8 x 3.50 against 16 x 2.00; a GPU without a price is not compared
    assert best[0].gpus * 3.5 < found[0][0].gpus * 2.0


def test_off_by_a_quarter() -> None:
    assert SEVENTY.scaled(125, 75).total == 40960 * 48 * 327_680
    assert SEVENTY.scaled(100, 100).total == SEVENTY.total


@pytest.mark.parametrize("kind", ["ideal", "llama.cpp", "vLLM", "SGLang", "TensorRT-LLM", "Ollama", "transformers"])
@pytest.mark.parametrize("name", ["llama-3.1-8b", "gemma-3-4b", "qwen3-next-80b", "gpt-oss-20b"])
def test_inverses_are_tight(kind: str, name: str) -> None:
    s = Scenario(preset(name), 8192, 100, engine=engine(kind), gpu=gpu("B200 180 GB"))
    room = s.budget.for_cache.likely
    if 0 < s.longest.value < s.geometry.max_context:
        assert s.longest.limits == "memory"
        assert s.need(s.longest.value) <= room < s.need(s.longest.value + 1)
    most = s.most_sequences.value
    assert s.need(sequences=most) <= room < s.need(sequences=most + 1)
    fewest, highest = s.most_between
    assert fewest <= most <= highest


def test_what_limits_is_named() -> None:
    full = Scenario(preset("llama-3.1-8b"), gpu=gpu("RTX 3060 12 GB"))
    assert full.longest.limits.startswith("weights")
    assert full.longest.value == 0
    assert Scenario(preset("llama-3.1-8b")).longest.limits == "the model’s longest context"


def test_dtypes_that_fit_come_largest_first() -> None:
    """8 GiB of cache at 65,536 tokens in 16 bits, on a card whose driver reports 23.57 GiB, with 15 GiB of weights."""
    small = Scenario(preset("llama-3.1-8b"), 65536, 1, gpu=gpu("RTX 4090 24 GB"), percent=100)
    assert small.fitting_dtypes[:2] == ("bf16", "f16")
    assert replace(small, context=131072, engine=engine("vllm")).fitting_dtypes == ("nvfp4", "int4_per_token_head")


def test_three_verdicts() -> None:
    """gpt-oss 120B on one H100 in vLLM: logs left -2.28 to 4.06 GiB for the cache, and 131,072 tokens take 5.07."""
    asked = Scenario(preset("gpt-oss-120b"), 131072, 1, engine=engine("vLLM"))
    left = asked.budget.for_cache
    assert asked.verdict == CLOSE
    assert left.least / GIB < -2.28
    assert left.most / GIB > 5.07
    assert replace(asked, gpu=gpu("H200 141 GB")).verdict == FITS
    assert replace(asked, gpu=gpu("A100 40 GB")).verdict == TOO_LARGE
    assert replace(asked, stated_reserve=0).verdict == FITS  # whoever states the reserve is believed


def test_a_pool_of_ones_own() -> None:
    """1.81 GB hold 132,096 tokens of a cache of 54,728 B a token that 4 GPUs share by context (a log of vLLM)."""
    model = Geometry.by_hand(1, 1, 1, 13_682)  # 2 x 13,682 x 2 B = 54,728 B
    pool = replace(Scenario(model, engine=engine("vLLM"), split=Split(tensor=4, context=4)), pool=1_810_000_000)
    assert abs(pool.longest.value - 132_096) < 64 + 300  # GB rounded to two digits, blocks of 16 on each of 4


def test_a_shared_beginning_is_kept_once() -> None:
    """128 KiB a token in Llama 3.1 8B: of ten sequences nine do not keep their first 1,000 again."""
    alone = Scenario(preset("llama-3.1-8b"), 4096, 10)
    assert alone.need() - replace(alone, shared=1000).need() == 9 * 1000 * 128 * 1024


def test_drafts_of_llama_cpp() -> None:
    """Qwen3.6 27B with six drafted tokens (llama.cpp#23269): 7 states of 149.62 MiB, 1,024 MiB for one draft layer."""
    plain = Scenario(preset("qwen3.5-27b"), 262_144, 1, engine=engine("llama.cpp"))
    drafted = replace(plain, engine=engine("llama.cpp", draft_tokens=6), draft_layers=1)
    states, rows = (line.bytes / 2**20 for line in drafted.on_each.lines)
    assert round(states, 1) == 1047.4  # the log rounds each of its two parts
    assert rows == 16_384 + 1024
    assert round(plain.on_each.lines[0].bytes / 2**20, 2) == 149.62


def test_the_page_to_hand_in_says_everything() -> None:
    own = Geometry("<b>mine</b>", (LayerGroup("full", 2, 1, 64, 64),), notes=("Something was assumed.",), unread=("x",))
    page = html_page.html_report(
        Scenario(own, 1000, 3, engine=engine("vllm", block_size=32)), "2026-05-06", "http://a/?b&c"
    )
    text = re.sub("<[^>]+>", " ", page)
    for words in ("&lt;b&gt;mine", "block_size 32", "vLLM 0.33.0", "2026-05-06", "Something was assumed.", "1 key of",
                  "weights left out", "125 % of the users", "http://a/?b&amp;c"):  # fmt: skip
        assert words in text, words
    assert "<b>mine" not in page
    seventy = html_page.html_report(SEVENTY, "2026-05-06")
    assert "640.00 GiB (687.19 GB)" in seventy
    assert "On 8 x H100 80 GB, of which 92 % of their memory may be used: <b>does not fit</b>" in seventy


def test_refusals() -> None:
    with pytest.raises(InvalidInput, match="`mean` must be at most the longest length, 100"):
        Scenario(preset("gpt2"), context=100, mean=101)
    with pytest.raises(InvalidInput, match="`context`"):
        Scenario(preset("gpt2"), context=0)
