"""Controls of the calculator: the question in the words of the job, everything else behind “More”."""

from __future__ import annotations

from typing import Any

import streamlit as st

from lm_core import kv_sizing
from lm_core.kv_sizing import ENGINES, FORMATS, Geometry, Scenario
from lm_core.kv_sizing.engines.as_stored import AUTO
from lm_core.kv_sizing.engines.profiles import Engine
from pages.kv_cache_calculator import editable_tables, model_import, parameters
from pages.kv_cache_calculator.parameters import LONGEST, MOST, MOST_GPUS, Values
from pages.shared import markup, on_demand, url_state

_TITLES = {
    parameters.BY_HAND: "By hand", parameters.GROUPS: "Layer groups of your own",
    parameters.IMPORTED: "Import a config.json or GGUF",
}  # fmt: skip
_FIELDS = {"layers": "Layers", "heads": "Query heads", "kv": "KV heads", "dim": "Head width"}
_OPTIONS = {
    "unified": "One buffer for all slots (unified)",
    "swa_full": "Sliding layers kept in full (swa-full)",
    "n_ubatch": "Micro-batch, tokens (n_ubatch)",
    "block_size": "Block, tokens (block_size)",
    "tokens_per_block": "Block, tokens (tokens_per_block)",
    "max_num_batched_tokens": "Batched tokens at most (max_num_batched_tokens)",
    "async_scheduling": "Asynchronous scheduling",
    "mamba_align": "Prefix caching keeps a second state (mamba_align)",
    "page_size": "Page, tokens (page_size)",
    "swa_full_tokens_ratio": "Sliding pool / full pool (swa_full_tokens_ratio)",
    "draft_tokens": "Drafted tokens: each keeps a state more (MTP, EAGLE)",
}


def read_controls(values: Values) -> Geometry | None:
    """Draws the controls; the imported model where there is one. What a table changes is written into `values`."""
    if url_state.presenting():  # on a stage the link and the examples say it
        return model_import.current_import() if values["arch"] == parameters.IMPORTED else None
    names = (parameters.BY_HAND, parameters.GROUPS, parameters.IMPORTED, *kv_sizing.names())
    with _row():
        st.selectbox("Model", names, key=_key("arch"), format_func=_title, width=190)
        _weights(values)
        st.number_input("Users at once", 1, MOST, key=_key("batch"), width=120)
        st.number_input("Tokens for each user", 1, LONGEST, key=_key("n"), width=140)
    if values["arch"] == parameters.BY_HAND:
        with _row():
            for name, label in _FIELDS.items():
                on_demand.control(_key(name), st.number_input, label, min_value=1, max_value=65_536, width=130)
    _storage(values)
    if values["arch"] == parameters.GROUPS:
        values["groups"] = st.session_state[_key("groups")] = editable_tables.linked_groups(values["groups"])
    return model_import.read_model() if values["arch"] == parameters.IMPORTED else None


def _weights(values: Values) -> None:
    """The format of the weights: the makers' own, or another in which such models are published."""
    own = kv_sizing.preset(values["arch"]).checkpoint if values["arch"] in kv_sizing.names() else None
    first = f"as published ({own.format})" if own and own.format else "as published"
    formats = ("", *FORMATS)
    on_demand.control(
        _key("wf"), on_demand.select, "Weights stored as", formats, width=180,
        format_func=lambda name: FORMATS[name].says if name else first,
    )  # fmt: skip


def _storage(values: Values) -> None:
    """Engine, dtype and GPUs; what an engine does not have is not offered."""
    kind = ENGINES[values["engine"]]
    gpus = tuple(parameters.catalogue(values["gpus"]))
    with _row():
        st.selectbox("Engine", tuple(ENGINES), key=_key("engine"), format_func=_engine, width=170)
        st.selectbox("Cache stored as", kind.dtypes, key=_key("dtype"), width=150, format_func=_dtype)
        on_demand.control(_key("gpu"), on_demand.select, "GPU", gpus, width=165)
        number, label = ("tp", "GPUs (tensor parallel)") if kind.splits_heads else ("pp", "GPUs (layers shared out)")
        on_demand.control(_key(number), st.number_input, label, min_value=1, max_value=MOST_GPUS, width=150)
        with st.popover("More", icon=":material/tune:", key="_kv_more"):
            _more(values, kind)


def _more(values: Values, kind: type[Engine]) -> None:
    _whole("shared", "Tokens that all users share at the beginning", 0, LONGEST)
    if not kind.one_dtype:
        on_demand.control(
            _key("dv"), on_demand.select, "Values stored as", ("", *kind.dtypes[1:]),
            format_func=lambda name: name or "as keys",
        )  # fmt: skip
    if kind.splits_heads:
        _whole("dp", "Data-parallel attention, experts over all GPUs (times as many GPUs)", 1, MOST_GPUS)
        _whole("pp", "Pipeline: layers in so many parts (times as many GPUs)", 1, MOST_GPUS)
        _whole("cp", "Context parallel: tokens in so many parts", 1, MOST_GPUS)
    if values["engine"] in parameters.OFFLOADING:
        _whole("ngl", "Layers on the GPUs (-ngl; 0: all)", 0, 65_536)
        on_demand.control(
            _key("nkvo"), on_demand.select, "The cache is kept", (0, 1),
            format_func=lambda kept: "in the processor’s memory (-nkvo)" if kept else "where its layers are",
        )  # fmt: skip
    _whole("draft", "Draft layers with a cache of their own (MTP, EAGLE)", 0, 64)
    for field in parameters.OPTIONS[values["engine"]]:
        _option(field.name, values[field.name])
    _whole("used", "Memory the engine may use, % (0: its default)", 0, 100)
    on_demand.control(
        _key("weights"), st.number_input, "Weights, GB (0: by their format)", min_value=0.0, max_value=1e6, step=1.0
    )
    on_demand.control(
        _key("aside"), st.number_input, "Engine’s reserve on each GPU, GB", min_value=0.0, max_value=1e6, step=0.5,
        placeholder="estimated",
    )  # fmt: skip
    on_demand.control(
        _key("pool"), st.number_input, "A pool of this size on each GPU, GB (0: what is left)", min_value=0.0,
        max_value=1e6, step=1.0,
    )  # fmt: skip


def _whole(name: str, label: str, least: int, most: int) -> None:
    on_demand.control(_key(name), st.number_input, label, min_value=least, max_value=most)


def _option(name: str, value: object) -> None:
    """A setting of the engine that changes the bytes."""
    if isinstance(value, bool):
        on_demand.control(_key(name), st.toggle, _OPTIONS[name])
    elif isinstance(value, float):
        least = parameters.LEAST_RATIO
        on_demand.control(_key(name), st.number_input, _OPTIONS[name], min_value=least, max_value=1.0, step=0.05)
    else:
        _whole(name, _OPTIONS[name], 0 if name == "draft_tokens" else 1, parameters.HIGHEST[name])


def change(scenario: Scenario, values: Values) -> None:
    """Under a model that is not by groups: a way to change its groups."""
    if values["arch"] == parameters.GROUPS or url_state.presenting():
        return
    scene = {"arch": parameters.GROUPS, "groups": parameters.groups_text(scenario.geometry)}
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Change these layer groups", on_click=url_state.follow, args=(scene, [*scene]), key="_kv_change",
            icon=":material/edit:", type="tertiary",
        )  # fmt: skip
        if values["arch"] == parameters.IMPORTED:
            st.caption("They are then part of the link.")
        elif scenario.geometry.source:
            st.caption(f"Source of this shape: {scenario.geometry.source}.")


def longer_than_made(scenario: Scenario) -> None:
    """Says so where the model was not made for such lengths."""
    most = scenario.geometry.max_context
    if most and scenario.context > most:
        markup.note(f"{scenario.geometry.name} was made for {most:,} tokens; the figure is for more.")


def _row() -> Any:
    return st.container(horizontal=True, vertical_alignment="bottom")


def _key(name: str) -> str:
    return url_state.key_of(name)


def _title(name: str) -> str:
    return _TITLES.get(name) or kv_sizing.preset(name).name


def _dtype(name: str) -> str:
    return "engine’s default" if name == AUTO else name


def _engine(name: str) -> str:
    return f"{name} {ENGINES[name].version}" if name != "ideal" else "none: the payload alone"
