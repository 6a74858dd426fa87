"""How much memory a KV cache takes, for any model, length, batch and engine, and what fits into a GPU."""

TITLE = "KV-cache calculator"
SECTION = "Serving"
ICON = "calculate"
PROMISE = "Choose a model, a length and how many sequences: read the bytes its keys and values take, and where they go."
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

from pages.parts.navigation import ensure_entry

ensure_entry()

import streamlit as st

from pages.parts import (
    examples,
    frame,
    kv_answer,
    kv_beside,
    kv_choice,
    kv_fits,
    kv_scene,
    kv_take,
    url_state,
)  # fmt: skip

presenting = url_state.presenting()
figure = st.container()
examples.menu(EXAMPLES, resets=kv_scene.NAMES)
values = kv_scene.fill()
with frame.plain_errors():
    kv_scene.settle(values)
    try:
        imported = kv_choice.ask(values)
    finally:
        url_state.write(**kv_scene.link(values))
    if imported or values["arch"] != kv_scene.IMPORTED:
        scenario = kv_scene.scenario(values, imported)
        with figure:
            kv_answer.total(scenario)
        if not presenting:
            kv_choice.longer_than_made(scenario)
        kv_answer.plot(scenario, values)
        if not presenting:
            kv_answer.parts(scenario)
            kv_choice.change(scenario, values)
            kv_fits.fits(scenario)
            kv_fits.fleet(scenario, values)
            kv_beside.table(scenario, values)
            kv_fits.off(scenario)
            kv_answer.wrong(scenario)
            kv_take.fold(scenario, values)
