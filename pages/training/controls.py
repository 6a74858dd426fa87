"""Controls of a training run: text, model and settings; together a recipe."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lm_core.text.corpus import Corpus, from_bytes
from lm_core.training.recipe import ARTICLE, FAMILIES, OPTIMISERS, RANGES, RATES, SCHEDULES, UNITS, Recipe, check_recipe
from lm_core.training_runs.run_folder import RunFolder
from lm_core.training_runs.scheduler import scheduler
from pages.shared import markup, on_demand, url_state
from pages.shared.controls import corpora

_KINDS = (corpora.LOG, corpora.ARTICLES, corpora.SIX, corpora.ROW, corpora.PYTHON, corpora.OWN)
TITLES = {kind: corpora.TITLES[kind] for kind in _KINDS}
KINDS = {FAMILIES[0]: "Neural n-gram", FAMILIES[1]: "GRU", FAMILIES[2]: "Transformer", FAMILIES[3]: "No mask"}
SHORT = {FAMILIES[0]: "ngram", FAMILIES[1]: "gru", FAMILIES[2]: "transformer", FAMILIES[3]: "unmasked"}
_BY_SHORT = {short: family for family, short in SHORT.items()}
_STORED = "_train_stored"
_DEFAULTS = {
    FAMILIES[0]: Recipe(FAMILIES[0], context=3, embedding=16, hidden=64, learning_rate=1e-2),
    FAMILIES[1]: Recipe(FAMILIES[1], learning_rate=1e-2),
    FAMILIES[2]: Recipe(),
    FAMILIES[3]: Recipe(FAMILIES[3]),
}
SETTINGS = (
    "steps", "learning_rate", "batch", "context", "embedding", "hidden", "layers", "heads", "optimiser", "schedule",
)  # fmt: skip
_LABELS: dict[str, tuple[str, str]] = {
    "context": ("Context length", "Tokens the model may look back on, the last one included."),
    "embedding": ("Embedding", "Length of a token’s vector."),
    "hidden": ("Hidden width", "Of the hidden layer, the GRU’s state, the feed-forward part."),
    "layers": ("Layers", "Of a Transformer."),
    "heads": ("Heads", "Of a Transformer’s attention; twice their number must divide the embedding."),
    "learning_rate": ("Learning rate", "How far one step goes; the schedule shrinks it."),
    "batch": ("Batch", "Lines a step; 0: all of them each time."),
    "steps": ("Steps", "Updates of the weights in the whole run."),
}


def text_kind() -> str:
    """Which text is chosen; after `read_controls`."""
    return str(url_state.value("text"))


def _family() -> str:
    return _BY_SHORT[url_state.value("net")]


def default_of(family: str) -> Recipe:
    """The settings a model starts from."""
    return _DEFAULTS[family]


def _default(kind: str, family: str) -> Recipe:
    """The settings a text and a model start from; the article's sentences come with the article's own."""
    return ARTICLE if kind == corpora.ARTICLES and family == ARTICLE.family else _DEFAULTS[family]


def _reader(name: str) -> Callable[[str], object]:
    """How a setting is read from a link."""

    def read(text: str) -> object:
        value: object = text
        if name == "batch" and text == "all":
            value = None
        elif name in RANGES and text.isascii() and text.isdigit() and len(text) < 12:
            value = int(text)
        elif name == "learning_rate" and len(text) < 30:
            with suppress(ValueError):
                value = float(text)
        check_recipe(name, value)
        return value

    return read


def read_controls(place: DeltaGenerator) -> tuple[Recipe, Corpus]:
    """The controls. Raises InvalidInput for settings that do not fit, UnreadableText for own text without words."""
    presenting = url_state.presenting()
    text_key = url_state.choice("text", list(TITLES), corpora.LOG)
    net_key = url_state.choice("net", list(_BY_SHORT), SHORT[FAMILIES[2]])
    by_key = url_state.choice("by", UNITS, "word")
    kind, net = text_kind(), _family()
    default = _default(kind, net)
    seed_key = url_state.number("run_seed", default.seed, 0, 2**32 - 1)
    keys = {n: url_state.parsed(n, getattr(default, n), _reader(n), _as_text) for n in SETTINGS}
    _follow_default((kind, net), default, {**keys, "seed": seed_key})
    if not presenting:
        with place:
            on_demand.control(
                net_key, st.segmented_control, "Model trained", list(_BY_SHORT), starts="default", required=True,
                format_func=lambda short: KINDS[_BY_SHORT[short]], label_visibility="collapsed",
            )  # fmt: skip
            with st.popover("Text"):
                _radio(text_key, "Learns from", list(TITLES), TITLES.__getitem__)
                _radio(by_key, "Tokens", list(UNITS), str.capitalize)
            with st.popover("Settings"):
                _settings(keys, _family().startswith("Transformer"))
    kind, net = text_kind(), _family()
    try:
        corpus = corpora.built_in(kind) if kind != corpora.OWN else _own(place)
    finally:
        values = {n: st.session_state[keys[n]] for n in SETTINGS}
    settled = {**default.to_json(), **values, "family": net, "by": st.session_state[by_key]}
    return Recipe.from_json({**settled, "seed": st.session_state[seed_key]}), corpus


def _follow_default(now: tuple[str, str], default: Recipe, keys: dict[str, str]) -> None:
    """Another text or model brings its own settings, unless a link has just said others."""
    before = st.session_state.get("_train_defaults")
    st.session_state["_train_defaults"] = now
    if before in (None, now) or url_state.arriving():
        return
    to_article = ARTICLE in (default, _default(*before))
    for name, key in keys.items():
        if to_article or name not in ("seed", "steps"):  # what a run and its rival have in common stays
            st.session_state[key] = getattr(default, name)


def _as_text(value: object) -> str:
    return "all" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _radio(key: str, title: str, options: list[str], name: Callable[[str], str]) -> None:
    def draw(value: str, **more: object) -> str:
        return str(st.radio(title, options, index=options.index(value), format_func=name, **more))  # type: ignore[call-overload]

    on_demand.control(key, draw)


def _settings(keys: dict[str, str], transformer: bool) -> None:
    for name, key in keys.items():
        if name in ("optimiser", "schedule"):
            _radio(key, name.capitalize(), list(OPTIMISERS if name == "optimiser" else SCHEDULES), str)
        elif name == "learning_rate":
            title, help_ = _LABELS[name]
            least, most = RATES
            on_demand.control(
                key, st.number_input, title, help=help_, min_value=least, max_value=most, step=1e-3, format="%g"
            )
        elif transformer or name not in ("layers", "heads"):
            on_demand.control(key, _whole, name)


def _whole(name: str, value: int | None, **more: Any) -> int | None:
    """A number box; 0 stands for all rows, where that is possible."""
    title, help_ = _LABELS[name]
    least, most = RANGES[name]
    if name == "batch":
        return st.number_input(title, 0, most, value or 0, 1, help=help_, **more) or None
    return st.number_input(title, least, most, value, 1, help=help_, **more)


def _own(place: DeltaGenerator) -> Corpus:
    with place.container():
        typed, file = corpora.own_text("own", "_training_file")
    fits = len(typed) <= corpora.LONGEST
    if file or not fits:
        corpus = from_bytes(file.name, file.getvalue()) if file else corpora.typed_corpus(typed)
        st.session_state[_STORED] = corpus
        markup.note(
            "This text is too long for a link. A link finds it for as long as its run is stored on this server."
        )
        return corpus
    stored = _stored() if typed == corpora.EXAMPLE else None
    return stored or corpora.typed_corpus(typed)


def _stored() -> Corpus | None:
    """The text of the run that a link names, where that run is still here: a file does not fit into a link."""
    run = str(st.session_state[url_state.text("run", "", 16)])
    folder = RunFolder(scheduler().root / run)
    if not re.fullmatch("[0-9a-f]{16}", run) or not folder.head:
        return None
    st.session_state[_STORED] = folder.corpus()
    markup.note("The text of this link is stored with its run, and taken from there.")
    return folder.corpus()


def link_run(folder: RunFolder, corpus: Corpus) -> None:
    """Lets a link find a run whose text is too long for it."""
    url_state.text("run", "", 16)
    long = text_kind() == corpora.OWN and corpus == st.session_state.get(_STORED)
    url_state.put("run", folder.id if long else "")
