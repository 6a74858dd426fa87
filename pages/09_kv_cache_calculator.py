"""How much memory a KV cache takes, for any model, length, batch and engine, and what fits into a GPU."""

TITLE = "KV-cache calculator"
SECTION = "Serving"
ICON = "calculate"
PROMISE = "Choose a model, a length and how many sequences: read the bytes its keys and values take, and where they go."
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
}  # fmt: skip

from pages.parts.navigation import ensure_entry

ensure_entry()

import streamlit as st

from pages.parts import examples, frame, kv_answer, kv_choice, url_state

_RESETS = ("arch", "n", "batch", "engine", "dtype", "tp", "layers", "heads", "kv", "dim", "gpu", "used", "weights")

figure = st.container()
examples.menu(EXAMPLES, resets=_RESETS)
link: kv_choice.Link = {}
with frame.plain_errors():
    try:
        question = kv_choice.ask(link)
        picture = st.container()
        if question and not url_state.presenting():
            kv_answer.fits(question, link)
            kv_answer.wrong(question.sizing)
            kv_answer.take(question)
    finally:
        url_state.write(**link)
    if question:
        with figure:
            kv_answer.total(question.sizing)
        with picture:
            kv_answer.plot(question)
            if not url_state.presenting():
                kv_answer.parts(question.sizing)
