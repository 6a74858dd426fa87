"""The views of the About page: words, works, the map of concepts, and the server."""

from __future__ import annotations

import html
import os
import platform
import time
from collections.abc import Callable
from functools import lru_cache
from importlib import metadata

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lm_core import pretrained, remote
from lm_core.errors import ModelUnavailable
from lm_core.pretrained import weight_cache
from lm_core.serving import faults, limits, process_resources, registry
from pages.about import concept_map as map_of_concepts
from pages.about import glossary
from pages.shared import markup, on_demand, page_declarations, tables, url_state

_ON_STAGE = 4
"""Entries of a list that fit a stage; a word to find brings others up."""
_LIBRARIES = (
    "streamlit",
    "torch",
    "numpy",
    "plotly",
    "pandas",
    "gguf",
    "tokenizers",
    "safetensors",
    "platformdirs",
    "onnx",
    "onnxruntime",
)


def declare() -> None:
    """The parameters of all views."""
    url_state.text("find", "", 60)


def _find(toolbar: DeltaGenerator, what: str) -> str:
    with toolbar:
        text = str(on_demand.control(
            url_state.key_of("find"), st.text_input, what, max_chars=60, placeholder=what, width=220,
            label_visibility="collapsed",
        ))  # fmt: skip
    return text.strip().lower()


def render_words(toolbar: DeltaGenerator) -> Callable[[], None]:
    """The glossary, with a box that narrows it."""
    wanted = _find(toolbar, "Find a word")

    def show() -> None:
        every = glossary.words()
        found = {term: said for term, said in every.items() if wanted in f"{term} {said[0]}".lower()}
        listed = list(found.items())[: _ON_STAGE if url_state.presenting() else None]
        markup.note(f"{len(listed)} of {len(every)} words.")
        for term, (meaning, page) in listed:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                markup.show(f'<p class="nte-term"><b>{html.escape(term)}</b> {html.escape(meaning)}</p>')
                page_declarations.show_link(page, "See it")

    return show


def render_how_it_works(_controls: DeltaGenerator) -> Callable[[], None]:
    """What is cited."""

    def show() -> None:
        if url_state.presenting():
            markup.show("<ul>" + "".join(map(_work, glossary.cited())) + "</ul>")
            return
        st.write(
            "This lesson grew out of two articles on next-token prediction. What pages call the article’s are their "
            "worked examples: illustrations, not measurements."
        )
        st.subheader("The seven works the lesson cites", anchor=False)
        markup.show("<ul>" + "".join(map(_work, glossary.cited())) + "</ul>")
        st.subheader("Works that the code follows", anchor=False)
        markup.show("<ul>" + "".join(map(_work, glossary.followed())) + "</ul>")

    return show


def _work(work: glossary.Work) -> str:
    said = f"{html.escape(work.who)} ({work.year}). <i>{html.escape(work.title)}.</i> {html.escape(work.where)}."
    return f"<li>{said}</li>"


def render_concepts(toolbar: DeltaGenerator) -> Callable[[], None]:
    """Every concept of the lesson, and the control that shows it."""
    wanted = _find(toolbar, "Find a concept")

    def show() -> None:
        every = map_of_concepts.read()
        shown = [(touch, concept) for touch in every for concept in touch.teaches]
        shown.sort(key=lambda each: each[1].key)
        found = [(touch, c) for touch, c in shown if wanted in f"{c.key} {c.name} {c.meaning}".lower()]
        found = found[: _ON_STAGE if url_state.presenting() else None]
        markup.note(f"{len(found)} of {len(shown)} concepts, over {len(every)} controls.")
        for touch, concept in found:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                markup.show(
                    f'<p class="nte-term"><b>{concept.key} {html.escape(concept.name)}.</b> '
                    f"{html.escape(concept.meaning)} <i>{html.escape(touch.says)}</i></p>"
                )
                page_declarations.show_link(touch.address, "Try it")

    return show


def render_server(_controls: DeltaGenerator) -> Callable[[], None]:
    """Limits, versions, the model's file, and how things stand."""

    def show() -> None:
        rows = [
            (limit.name, tables.two_lines(_value(limit), limit.key), tables.words(limit.reason))
            for limit in limits.LIMITS
        ]
        tables.render(["limit", "value, and its setting", "why"], rows, "What this server allows")
        markup.note(f"Another value is set before the start, for example {limits.PREFIX}SESSIONS=90.")
        if url_state.presenting():
            return
        _model()
        _health()
        versions = [("Python", platform.python_version()), *((name, _version(name)) for name in _LIBRARIES)]
        tables.render(["part", "version"], versions, "Versions")

    return show


def _value(limit: limits.Limit) -> str:
    if limit.unit == "bytes":
        return f"{limit.value / 2**20:,.0f} MiB"
    return f"{limit.value:,} {limit.unit if limit.value != 1 else limit.unit.removesuffix('s')}"


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


@lru_cache(maxsize=8)
def _hash(path: str, _modified: float) -> str:
    from pathlib import Path

    return weight_cache.key_of(Path(path))


def _facts(facts: dict[str, str]) -> list[tuple[str, tables.Cell]]:
    return [(name, tables.words(value)) for name, value in facts.items()]


def _model() -> None:
    rows: list[tuple[str, tables.Cell]] = []
    for entry in pretrained.catalogue():
        if isinstance(entry, pretrained.LocalEntry):
            rows += _facts({"model": entry.title, "from": entry.about, "there": "yes" if entry.ready else "no"})
            continue
        try:
            path = entry.path()
            key = _hash(str(path), path.stat().st_mtime)
        except (ModelUnavailable, OSError):
            key = "not installed"
        facts = {
            "model": entry.title, "parameters": f"{entry.parameters:,}", "licence": entry.licence, "file": entry.file,
            "SHA-256": key,
        }  # fmt: skip
        rows += _facts(facts)
    for engine in remote.engines():
        rows += _facts({"engine elsewhere": engine.title, "computes": engine.about, "measured": _measured(engine.name)})
    tables.render(["pretrained model", ""], rows)


def _measured(name: str) -> str:
    """How far an engine's numbers were from float32, once it has been asked."""
    from lm_core.serving.engine_with_fallback import EngineWithFallback

    found = registry.get(name) if registry.loaded(name) else None
    if not isinstance(found, EngineWithFallback) or found.measured is None:
        return "not asked yet"
    probe = found.measured
    if probe.nats is None or probe.probability is None:
        return f"{probe.entries:,} log-probabilities, which nothing here can test"
    return f"{probe.entries:,} log-probabilities, at most {probe.nats:.2g} nats and {probe.probability:.2g} off float32"


def _health() -> None:
    held = process_resources.resident()
    most = process_resources.descriptor_limit()
    facts = {
        "default model": "ready" if registry.warmed() else "loading, or not there",
        "memory": f"{held / 2**20:,.0f} MiB",
        "files and connections": f"{most - process_resources.free_descriptors():,} of {most:,} that may be open",
        "model loads": f"{registry.loads}",
        "processor cores": f"{os.cpu_count() or 1}",
        "model threads": os.environ.get("OMP_NUM_THREADS", "as torch decides"),
        "engine": f"onnxruntime {_version('onnxruntime')}, 4-bit weights of the file, float32 activations; "
        "within 0.001 nats of the float32 Transformer that the pages look into, on the 100 prompts of the tests",
        "system": f"{platform.system()} {platform.machine()}",
    }
    tables.render(["health", ""], _facts(facts))
    if found := faults.last():
        rows = [(time.strftime("%H:%M:%S", time.gmtime(f.at)), f.where, tables.words(f.what), f.times) for f in found]
        tables.render(["first seen (UTC)", "goes on", "after", "times"], rows, "Faults in the background")
