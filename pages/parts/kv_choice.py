"""The question of the KV-cache calculator, from controls or link: which model, how long, how many, stored how."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from lm_core import kv_sizing
from lm_core.kv_sizing import ENGINES, Geometry, Sizing
from pages.parts import frame, url_state

BY_HAND, PASTED = "by-hand", "pasted"
_LONGEST, _MOST, _MOST_WEIGHTS = 1 << 30, 1 << 20, 10**6
_FIELDS = {"layers": ("Layers", 32), "heads": ("Query heads", 32), "kv": ("KV heads", 32), "dim": ("Head width", 128)}
RANKS = (1, 2, 4, 8, 16)
Link = dict[str, tuple[object, object]]


@dataclass(frozen=True)
class Question:
    """What was asked; `weights` in bytes, 0 where nobody knows."""

    geometry: Geometry
    model: str
    sizing: Sizing
    weights: int


def _title(name: str) -> str:
    if name == BY_HAND:
        return "By hand"
    return "Paste a config.json" if name == PASTED else kv_sizing.preset(name).name


def ask(link: Link) -> Question | None:
    """Draws the controls and answers; None while a pasted config is awaited."""
    names = (BY_HAND, PASTED, *kv_sizing.names())
    keys = {
        "arch": url_state.choice("arch", names, BY_HAND), "n": url_state.number("n", 2048, 1, _LONGEST),
        "batch": url_state.number("batch", 1, 1, _MOST), "engine": url_state.choice("engine", tuple(ENGINES), "ideal"),
        "dtype": url_state.choice("dtype", tuple(kv_sizing.DTYPES), "bf16"), "tp": url_state.choice("tp", RANKS, 1),
    }  # fmt: skip
    model = str(st.session_state[keys["arch"]])
    tokens, batch = st.session_state[keys["n"]], st.session_state[keys["batch"]]
    if not url_state.presenting():  # on a stage the link and the examples say it
        with st.container(horizontal=True, vertical_alignment="bottom"):
            model = st.selectbox("Model", names, key=keys["arch"], format_func=_title, width=230)
            tokens = st.number_input("Tokens in every sequence", 1, _LONGEST, key=keys["n"], width=190)
            batch = st.number_input("Sequences", 1, _MOST, key=keys["batch"], width=130)
    stated = int(st.session_state[url_state.number("weights", 0, 0, _MOST_WEIGHTS)])
    link |= {"weights": (stated, 0)}
    link |= {"arch": (model, BY_HAND), "n": (tokens, 2048), "batch": (batch, 1)}
    geometry = _by_hand(link) if model == BY_HAND else _pasted() if model == PASTED else kv_sizing.preset(model)
    engine, dtype, ranks = _storage(keys)
    link |= {"engine": (engine, "ideal"), "dtype": (dtype, "bf16"), "tp": (ranks, 1)}
    if geometry is None:
        return None
    sizing = kv_sizing.size(geometry, tokens, batch, dtype, engine=engine, tensor_parallel=ranks)
    if geometry.max_context and tokens > geometry.max_context:
        frame.note(f"{geometry.name} was made for {geometry.max_context:,} tokens; the figure below is for more.")
    return Question(geometry, model, sizing, stated * 10**9 or 2 * geometry.parameters)


def weights_box() -> None:
    """Where the weights are stated, beside the GPU they must fit into; read before it is drawn."""
    st.number_input(
        "Weights, GB (0: 2 bytes a parameter)", 0, _MOST_WEIGHTS, key=url_state.key_of("weights"), width=230
    )


def _storage(keys: dict[str, str]) -> tuple[str, str, int]:
    """Engine, dtype and split; what an engine does not have is not offered, and a link that asks for it is told."""
    row = st.container(horizontal=True, vertical_alignment="bottom")
    drawn, state = not url_state.presenting(), st.session_state
    engine = str(state[keys["engine"]])
    if drawn:
        engine = row.selectbox("Engine", tuple(ENGINES), key=keys["engine"], format_func=_engine, width=230)
    profile = ENGINES[engine]
    if state[keys["dtype"]] not in profile.dtypes:
        frame.note(f"{engine} has no {state[keys['dtype']]} cache: {profile.dtypes[0]} is used.")
        state[keys["dtype"]] = profile.dtypes[0]
    if not profile.splits_heads and state[keys["tp"]] > 1:
        frame.note(f"{engine} splits layers over GPUs, not heads: the total stays as on one GPU.")
        state[keys["tp"]] = 1
    if drawn:
        row.selectbox("Stored as", profile.dtypes, key=keys["dtype"], width=190)
        alone = not profile.splits_heads
        row.selectbox("GPUs (tensor parallel)", RANKS, key=keys["tp"], width=190, disabled=alone)
    return engine, str(state[keys["dtype"]]), int(state[keys["tp"]])


def _engine(name: str) -> str:
    return f"{name} {ENGINES[name].version}" if name != "ideal" else "none: the payload alone"


def _by_hand(link: Link) -> Geometry:
    """Layers, heads and widths, as the textbook has them."""
    values = {}
    row = st.container(horizontal=True, vertical_alignment="bottom")
    for name, (label, default) in _FIELDS.items():
        key = url_state.number(name, default, 1, 65_536)
        if not url_state.presenting():
            row.number_input(label, 1, 65_536, key=key, width=130)
        values[name] = st.session_state[key]
        link[name] = (values[name], default)
    return Geometry.by_hand(values["layers"], values["heads"], values["kv"], values["dim"])


def _pasted() -> Geometry | None:
    """A config.json in a box; it is part of no link."""
    key, kept = url_state.key_of("config"), url_state.key_of("config_kept")
    st.session_state.setdefault(key, st.session_state.get(kept, ""))  # out of sight for a while, it is still there
    if not url_state.presenting():
        st.text_area("A model's config.json", key=key, height=160, max_chars=262_144)
    text = st.session_state[kept] = str(st.session_state[key])
    st.caption("A pasted config stays in your session and is never logged.")
    if not text.strip():
        frame.note("Paste the text of a config.json, as model pages show it.")
        return None
    geometry = kv_sizing.from_text(text)
    for sentence in geometry.notes:
        frame.note(sentence)
    if geometry.unread:
        st.expander(f"{len(geometry.unread)} keys were not read").text(", ".join(geometry.unread))
    return geometry
