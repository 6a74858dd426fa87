"""Whole questions: what fits, what it costs, how long a step takes at least, and the page to hand in."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from lm_core.errors import InvalidInput
from lm_core.kv_sizing import (
    GPUS,
    Geometry,
    LayerGroup,
    Scenario,
    cheapest,
    crossing,
    engine,
    gpu,
    names,
    preset,
    size,
)  # fmt: skip
from lm_core.kv_sizing.capacity.gpus import Gpu
from lm_core.kv_sizing.report import html_page

SEVENTY = Scenario(preset("llama-3.1-70b"), context=32768, sequences=64, tensor_parallel=8, mean=8192)


def test_an_engineers_question_by_hand() -> None:
    """79 GiB x 92 % - 141.108 GB / 8 leaves 56.25 GiB; a sequence of 32,768 tokens takes 10 / 8 GiB of a GPU."""
    assert SEVENTY.sizing.per_gpu == 80 * 2**30
    assert not SEVENTY.fits
    assert SEVENTY.most_sequences.value == 45
    assert SEVENTY.most_at_mean.value == 180
    assert SEVENTY.sizing_at_mean.total == 160 * 2**30
    assert SEVENTY.layouts(gpu("H100 80 GB"))[0].gpus == 16
    assert SEVENTY.layouts(gpu("H100 80 GB"), at_mean=True)[0].gpus == 8
    assert SEVENTY.fitting_dtypes[0] == "q8_0"  # 42.5 GiB of 56.25; bf16's 80 are too many


def test_a_bound_by_hand_and_against_its_definition() -> None:
    """Weights of 141.108 GB and 160 GiB of cache (64 sequences at their mean) over 8 GPUs of 3,350 GB/s."""
    assert SEVENTY.bound.seconds == pytest.approx((141.108e9 + 160 * 2**30) / 8 / 3350e9)
    assert SEVENTY.bound.seconds_cache_alone < SEVENTY.bound.seconds
    with pytest.raises(InvalidInput, match="bandwidth"):
        _ = Scenario(preset("gpt2"), gpu=Gpu("none", 2**30, 0)).bound


@settings(max_examples=60, deadline=None)
@given(some.sampled_from(names()), some.integers(1, 64), some.integers(20, 42))
def test_the_crossing_is_tight(name: str, sequences: int, power: int) -> None:
    model, weights = preset(name), 1 << power
    found = crossing(model, weights, sequences)
    if found is None:
        assert size(model, 1 << 40, sequences).total <= weights
    else:
        assert size(model, found, sequences).total > weights
        assert found == 1 or size(model, found - 1, sequences).total <= weights


def test_a_state_never_outgrows_the_weights() -> None:
    assert crossing(Geometry("states", (LayerGroup("state", 2, state_values=8),)), 2**20) is None


def test_prices_decide_between_layouts() -> None:
    found = [(SEVENTY.layouts(GPUS[name])[0], price) for name, price in
             (("H100 80 GB", 2.0), ("H200 141 GB", 3.5), ("B200 180 GB", 0.0))]  # fmt: skip
    best = cheapest(found)
    assert best is not None
    assert best[0].gpu.name == "H200 141 GB"  # 8 x 3.50 against 16 x 2.00; a GPU without a price is not compared
    assert best[0].gpus * 3.5 < found[0][0].gpus * 2.0


def test_off_by_a_quarter() -> None:
    assert SEVENTY.scaled(125, 75).total == 40960 * 48 * 327_680
    assert SEVENTY.scaled(100, 100).total == SEVENTY.sizing.total


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
    assert "does not fit into 8 x H100 80 GB" in seventy


def test_refusals() -> None:
    with pytest.raises(InvalidInput, match="`mean` must be at most the longest length, 100"):
        Scenario(preset("gpt2"), context=100, mean=101)
    with pytest.raises(InvalidInput, match="`context`"):
        Scenario(preset("gpt2"), context=0)
