"""Sends logits and vocabulary labels to the browser once; other components find them there by name."""

import gzip
import json
import zlib
from functools import lru_cache

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from lm_core.labels import label
from lm_core.text.tokenizers import Tokenizer
from pages.shared import components

_component = st.components.v2.component("payload", js=components.script("payload/payload.js"))


def logits(values: NDArray[np.floating]) -> str:
    """Sends one row of logits; returns its name. float32 stays float32, anything else goes as float64."""
    exact = values.astype("<f4" if values.dtype == np.float32 else "<f8")
    return _send("logits", exact.tobytes(), "f4" if values.dtype == np.float32 else "f8")


def vocabulary(tokenizer: Tokenizer) -> str:
    """Sends the label of every token; returns its name."""
    return _send("vocabulary", _labels(tokenizer), "json.gz")


@lru_cache(maxsize=2)
def _labels(tokenizer: Tokenizer) -> bytes:
    every = [label(tokenizer.token_bytes(i)) for i in range(tokenizer.vocab_size)]
    return gzip.compress(json.dumps(every, ensure_ascii=False).encode(), mtime=0)


def _send(kind: str, content: bytes, form: str) -> str:
    name = f"{kind}:{zlib.crc32(content):08x}.{form}"
    encoded = name.encode()
    _component(data=len(encoded).to_bytes(4, "little") + encoded + content, key=f"_payload_{kind}")
    return name
