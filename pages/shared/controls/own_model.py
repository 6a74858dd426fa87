"""The model that this visitor has trained or opened: kept for the visit, and offered where models are chosen."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

import streamlit as st

from lm_core.errors import DamagedFile
from lm_core.serving import ServedModel

_OWN = "_own_model"
LARGEST = 16_000_000
"""Bytes of a model file that is opened."""
_KV_BYTES, _RESULT_BYTES = 4 * 2**20, 2**20
"""What is kept of its answers: a small part of what a model of all visitors may keep, because each may bring one."""


@dataclass(frozen=True)
class OwnModel:
    """A model of the visitor's own."""

    name: str
    key: str
    """Changes with its content."""
    model: ServedModel
    """The bare model."""
    begin: tuple[int, ...]
    """What it reads before any text."""
    begun: ServedModel
    """The same, which reads that by itself."""
    prompt: str
    """Words it knows, to begin with."""


def open_model(data: bytes, name: str) -> OwnModel:
    """Keeps the model of a file. Raises DamagedFile saying what is wrong with it; the one kept before stays."""
    from lm_core.models import model_file
    from lm_core.models.network import NeuralModel
    from lm_core.models.prefixed_model import PrefixedModel
    from lm_core.text.corpus import BOS, SPECIAL  # here, because pages that show no model should not wait for torch
    from lm_core.text.tokenizers import WordTokenizer

    if len(data) > LARGEST:
        raise DamagedFile(f"{name} has {len(data):,} bytes.", f"choose a file of at most {LARGEST:,} bytes.")
    model, _ = model_file.from_bytes(data, name)
    words = model.tokenizer
    if not isinstance(model, NeuralModel) or not isinstance(words, WordTokenizer):
        raise DamagedFile(f"{name} holds no model that was trained here.", "choose a file that was saved on this page.")
    begin = (BOS,) if words.special[:2] == SPECIAL and model.context_length != 1 else ()
    begun, bare = (
        ServedModel(each, kv_bytes=_KV_BYTES, result_bytes=_RESULT_BYTES)
        for each in (PrefixedModel(model, begin), model)
    )
    own = OwnModel(name, sha256(data).hexdigest()[:12], bare, begin, begun, words.words[0])
    st.session_state[_OWN] = own
    return own


def code(file: str = "your-model.safetensors") -> str:
    """The lines that load it, from the file it was downloaded as."""
    own = current()
    begin = list(own.begin) if own else []
    return (
        "from pathlib import Path\nfrom lm_core.models import model_file\n"
        "from lm_core.models.prefixed_model import PrefixedModel\n\n"
        f"model = PrefixedModel(model_file.read(Path({file!r}))[0], {begin})\n"
    )


def current() -> OwnModel | None:
    """The visitor's model, if there is one."""
    own: OwnModel | None = st.session_state.get(_OWN)
    return own
