"""The model picker: over the catalogue, the engines, and the model that this visitor has trained or opened."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

import streamlit as st

from lm_core import pretrained, remote
from lm_core.errors import DamagedFile
from lm_core.serving import ServedModel, registry
from pages.shared import markup, url_state

if TYPE_CHECKING:
    from lm_core.serving.engine_with_fallback import EngineWithFallback

_NAME = "_model_name"
OWN, YOURS = "own", "Yours"
_OWN_KEPT = "_own_model"
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


def render() -> None:
    """The picker; the choice goes with the reader from page to page."""
    known = {entry.name: entry for entry in (*pretrained.catalogue(), *remote.engines())}
    own = own_model()
    names = [*known, *([OWN] if own else [])]
    key = url_state.choice("model", names, pretrained.DEFAULT)
    if url_state.presenting():
        name = st.session_state[key]
    else:
        name = st.sidebar.selectbox(
            "Model", names, format_func=lambda n: known[n].title if n in known else YOURS, key=key
        )
        if own and name == OWN:
            st.sidebar.caption(f"{own.name}. It knows the words of its text and no others.")
        else:
            entry = known[name]
            st.sidebar.caption(entry.about if entry.ready else f"{entry.about}; not installed")
    st.session_state[_NAME] = name
    url_state.carry("model", name, pretrained.DEFAULT)


def name() -> str:
    """The chosen model's name in the catalogue, or that of the visitor's own, which says which one it is."""
    own = own_model()
    chosen = str(st.session_state[_NAME])
    return f"{OWN}/{own.key}" if own and chosen == OWN else chosen


def loading(name: str) -> str:
    """The lines of Python that load the model of this name, for those who want to do without the page."""
    if name.startswith(f"{OWN}/"):
        return _own_code()
    # An engine's address is its operator's alone: these lines load the same model here.
    name = next((entry.local_name for entry in remote.engines() if entry.name == name), name)
    if not name:
        return "model = ...  # an engine on another server holds it; its operator knows how to reach it\n"
    if isinstance(entry := pretrained.entry(name), pretrained.LocalEntry):
        adapted = ", adapted=True" if entry.adapted else ""
        return (
            "from pathlib import Path\nfrom lm_core.models.prefixed_model import PrefixedModel\n"
            "from lm_core.pretrained import local\n\n"
            f"model = PrefixedModel(*local.load(Path({entry.place.name!r}){adapted}))\n"
        )
    return f"from lm_core import pretrained\n\nmodel = pretrained.load({name!r})\n"


def base() -> ServedModel:
    """The pretrained model, also where the visitor's own is chosen. Raises ModelUnavailable."""
    return registry.get(pretrained.DEFAULT if name().startswith(f"{OWN}/") else name())


def pretrained_alone() -> ServedModel:
    """The pretrained model for texts that the visitor's own cannot read; says so while it loads.

    Raises ModelUnavailable.
    """
    model()
    return base()


def pretrained_name() -> str:
    """The pretrained model's name in the catalogue; empty where the visitor's own is chosen."""
    return "" if name().startswith(f"{OWN}/") else name()


def is_remote() -> bool:
    """Whether the chosen model is computed by an engine elsewhere."""
    return st.session_state.get(_NAME) in [entry.name for entry in remote.engines()]


def looked_into() -> str:
    """The chosen model's name; of an engine elsewhere that of a model here, which can be looked into: the same one, or
    the default where the engine alone holds it."""
    return next((entry.local_name or pretrained.DEFAULT for entry in remote.engines() if entry.name == name()), name())


def engine() -> EngineWithFallback | None:
    """That engine, once it has been asked for. Loads nothing."""
    if not is_remote() or not registry.loaded(name()):
        return None
    from lm_core.serving.engine_with_fallback import EngineWithFallback

    found = registry.get(name())
    return found if isinstance(found, EngineWithFallback) else None


def default() -> ServedModel:
    """The pretrained model that ships with the app, whichever is chosen. Raises ModelUnavailable."""
    return registry.get(pretrained.DEFAULT)


def model() -> ServedModel:
    """The chosen model, shared by all visitors; says so while it loads. Raises ModelUnavailable."""
    own = own_model()
    if own and name().startswith(f"{OWN}/"):
        return own.begun
    if registry.loaded(name()):
        return registry.get(name())
    usual = "Loading the language model: about 2 seconds, about 10 the very first time."
    known = name() == pretrained.DEFAULT
    with st.spinner(usual if known else f"Loading {markup.plain_text(name())}: the larger, the longer."):
        return registry.get(name())


def open_own(data: bytes, name: str) -> OwnModel:
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
    st.session_state[_OWN_KEPT] = own
    return own


def _own_code(file: str = "your-model.safetensors") -> str:
    """The lines that load it, from the file it was downloaded as."""
    own = own_model()
    begin = list(own.begin) if own else []
    return (
        "from pathlib import Path\nfrom lm_core.models import model_file\n"
        "from lm_core.models.prefixed_model import PrefixedModel\n\n"
        f"model = PrefixedModel(model_file.read(Path({file!r}))[0], {begin})\n"
    )


def own_model() -> OwnModel | None:
    """The visitor's model, if there is one."""
    own: OwnModel | None = st.session_state.get(_OWN_KEPT)
    return own
