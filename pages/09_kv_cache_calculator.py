"""How much memory a KV cache takes, for any model, length, batch and engine, and what fits into a GPU."""

TITLE = "KV-cache calculator"
SECTION = "Serving"
ICON = "calculate"
PROMISE = "Choose a model, GPUs, users and a length: read whether it fits, how fast it can be, and where the bytes go."
MODEL = False
EXAMPLES = {
    "The article: 2,048 tokens": {"n": "2048"},
    "The article: 32,768 tokens": {"n": "32768"},
    "Fewer KV heads: Llama 3.1 8B": {"arch": "llama-3.1-8b", "n": "32768"},
    "64 users of Llama 3.1 70B on 8 GPUs": {
        "arch": "llama-3.1-70b", "n": "32768", "batch": "64", "tp": "8", "engine": "vLLM", "dtype": "fp8",
    },
    "The same on 16 GPUs: heads stored twice": {"arch": "llama-3.1-70b", "n": "32768", "batch": "64", "tp": "16"},
    "A latent: DeepSeek V3": {"arch": "deepseek-v3", "n": "32768"},
    "Sliding windows: Gemma 3 27B in vLLM": {"arch": "gemma-3-27b", "n": "131072", "engine": "vLLM"},
    "A state that does not grow: Qwen3 Next": {"arch": "qwen3-next-80b", "n": "131072"},
    "8-bit cache in llama.cpp": {"arch": "gpt-oss-20b", "n": "131072", "engine": "llama.cpp", "dtype": "q8_0"},
    "Two engines side by side": {
        "arch": "gemma-3-27b", "n": "131072", "engine": "vLLM",
        "beside": "arch=gemma-3-27b&n=131072&engine=llama.cpp&dtype=f16|arch=gemma-3-27b&n=131072",
    },
}  # fmt: skip
PARAMETERS = (
    "arch",
    "aside",
    "async_scheduling",
    "batch",
    "beside",
    "block_size",
    "cp",
    "cpu",
    "cpuspeed",
    "dim",
    "disk",
    "diskspeed",
    "dp",
    "draft",
    "draft_tokens",
    "dtype",
    "dv",
    "engine",
    "gpu",
    "gpus",
    "groups",
    "heads",
    "hits",
    "kv",
    "layers",
    "lengths",
    "mamba_align",
    "max_num_batched_tokens",
    "mean",
    "n",
    "n_ubatch",
    "ngl",
    "nkvo",
    "over",
    "p95",
    "page_size",
    "pool",
    "pp",
    "shared",
    "swa_full",
    "swa_full_tokens_ratio",
    "tokens_per_block",
    "tp",
    "unified",
    "used",
    "weights",
    "wf",
)

from pages.shell.navigation import ensure_entry

ensure_entry()

import streamlit as st

from lm_core.kv_sizing.geometry import NOT_KNOWN
from pages.kv_cache_calculator import (
    answer,
    capacity,
    controls,
    doubts,
    export,
    mixed_lengths,
    parameters,
    scenarios,
    speed,
    start_log,
    tiers,
)
from pages.shared import markup, url_state
from pages.shared.controls import page_toolbar

presenting = url_state.presenting()
figure = st.container()
page_toolbar.examples(EXAMPLES, PARAMETERS)
values = parameters.fill()
with markup.plain_errors():
    parameters.settle(values)
    with url_state.controls():
        imported = controls.read_controls(values)
        parameters.note_too_long(values)
    if imported or values["arch"] != parameters.IMPORTED:
        scenario = doubts.settled(parameters.scenario(values, imported))
        known = scenario.geometry.reading != NOT_KNOWN
        curve_on_stage = presenting and values["over"] != parameters.PLOTS[0]
        with figure:
            if known:
                answer.total(scenario)
                doubts.rests_on(scenario)
                if not curve_on_stage:
                    capacity.fits(scenario)
                    if not presenting:
                        mixed_lengths.promise(scenario, values)
            else:
                doubts.not_known(scenario)
        if known and curve_on_stage:
            answer.plot(scenario, values)
        if known and not presenting:
            controls.longer_than_made(scenario)
            answer.plot(scenario, values)
            answer.parts(scenario)
            controls.change(scenario, values)
            capacity.memory(scenario)
            speed.expander(scenario, values["hits"] / 100)
            capacity.fleet(scenario, values)
            mixed_lengths.expander(scenario, values)
            tiers.expander(scenario, values)
            start_log.expander(scenario)
            scenarios.render(scenario, values)
            capacity.off(scenario)
            answer.mistakes_expander(scenario)
            export.expander(scenario, values)
