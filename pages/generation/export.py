"""Exports a branch: the code that makes it, its trace as JSON and CSV, picture and link; opens a trace again."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any

import streamlit as st

from lm_core.csv_table import csv_table
from lm_core.errors import InvalidInput, whole_number
from lm_core.generation.branch_tree import BranchTree
from lm_core.generation.trace import Trace
from lm_core.generation.trace_file import LARGEST, TraceFile
from lm_core.labels import label
from pages.generation import component, state, strategy_controls
from pages.shared import markup, on_demand, url_state
from pages.shared.controls import offered_models
from pages.shared.pictures import export

_OPENED, _PLACE, _UPLOADER, _PROBLEM = (f"_recording_{word}" for word in ("opened", "place", "uploader", "problem"))


@on_demand.expander("Show the code, export", key="_export")
def expander(
    offered: offered_models.OfferedModel,
    tree: BranchTree,
    text: str,
    choice: strategy_controls.StrategyChoice,
    view: component.ViewSettings,
) -> None:
    """Expander with the code and the exports of the branch in view, up to the reader's place."""
    trace = tree.trace()
    st.code(code(offered, tree, text, choice), language="python")
    # What travels with a reader is left out of a link where it has its default; here it must be said.
    link = url_state.scene() | {offered.prompt: text, "seed": str(choice.settings.seed)}
    trace_file = TraceFile.of(trace, tree.model.tokenizer, tree.model.vocab_size, offered.name, link)
    with st.container(horizontal=True):
        export.download("JSON, trace", trace_file.to_bytes, "trace.json", "application/json")
        export.download("CSV, steps", partial(csv_of, trace_file), "trace.csv", "text/csv")
    shown = tree.look(choice.strategy()) if not tree.finish else trace.steps[-1]
    title = (text + tree.model.tokenizer.decode(tree.here))[-90:]
    export.take(_picture(shown, trace_file, view.size), title, view.axis, url_state.link_with(**{offered.prompt: text}))


def code(
    offered: offered_models.OfferedModel, tree: BranchTree, text: str, choice: strategy_controls.StrategyChoice
) -> str:
    """The lines of lm_core that make this branch, runnable as they stand."""
    limits = tree.limits
    said = [str(limits.max_new_tokens)]
    said += [f"stop_strings={limits.stop_strings!r}"] if limits.stop_strings else []
    said += [f"policy_words={limits.policy_words!r}"] if limits.policy_words else []
    said += [f"window={limits.window}"] if limits.window else []
    said += [f"policy=ContextPolicy({str(limits.policy)!r})", f"keep={limits.keep}"] if limits.policy.forgets else []
    models = {
        offered_models.PRETRAINED: f"from lm_core import pretrained\nmodel = pretrained.load({offered.name!r})\n",
        "table": (
            "from lm_core.models.table_model import ORDER_SHIPPED, TableModel\nmodel = TableModel(ORDER_SHIPPED)\n"
        ),
    }
    own = offered.name.startswith(f"{offered_models.OWN}/")
    path = "your-model.safetensors" if own else f"{offered_models.FILES / offered.kind}.safetensors"
    file = (
        f"from pathlib import Path\nfrom lm_core.models import model_file\nmodel, _ = model_file.read(Path({path!r}))\n"
    )
    begin = (
        f"[*{list(offered.begin)}, *model.tokenizer.encode({text!r})]"
        if offered.begin
        else f"model.tokenizer.encode({text!r})"
    )
    return (
        "from lm_core.decoding.strategies import strategy\nfrom lm_core.generation.branch_tree import BranchTree\n"
        "from lm_core.generation.loop import ContextPolicy, Limits\n"
        f"{file if own else models.get(offered.kind, file)}\n"
        f"chosen_by = {choice.code()}\ntree = BranchTree(model, {begin}, Limits({', '.join(said)}))\n"
        f"tree.follow({tree.here!r}, chosen_by)  # or list(tree.run(chosen_by)) to let it choose\n"
        "for step in tree.steps:\n"
        "    print(step.position, repr(model.tokenizer.decode([step.id])), step.u, step.log_probability)\n"
        "print(tree.trace().log_probability, tree.finish)\n"
    )


def csv_of(trace_file: TraceFile) -> bytes:
    """One row a step, at full precision."""
    head = [
        "position", "id", "token", "probability_by_model_ln_nats", "probability_drawn_ln_nats", "u", "by_hand",
        "entropy_nats", "seconds",
    ]  # fmt: skip
    rows = (
        [
            step.position, step.id, label(trace_file.token_bytes(step.id)), step.log_probability,
            step.drawn_log_probability, step.u, step.by_hand, step.entropy, step.seconds,
        ]
        for step in trace_file.trace.steps
    )  # fmt: skip
    return csv_table(head, rows).encode("utf-8-sig")


def _picture(step: Any, trace_file: TraceFile, size: int) -> dict[str, Any]:
    """The bars of one turn as a drawing takes them."""
    names = dict(trace_file.names)
    turn = component.turn_of(step, lambda i: names.get(i, b"?"), size)
    bands = [{"label": f"all other {turn['rest']['count']:,}", "p": turn["rest"]["p"]}]
    return {"rows": turn["rows"], "bands": bands if turn["rest"]["count"] else [], "caption": "after filters"}


# ---- opening a trace ---------------------------------------------------------------------------------------------


def upload_expander() -> None:
    """The place to open an exported trace; works without any model."""
    with st.expander("Open an exported trace"):
        key = f"_upload_{st.session_state.get(_UPLOADER, 0)}"
        st.file_uploader("Trace (JSON)", key=key, on_change=_read, args=(key,), max_upload_size=LARGEST // 1_000_000)
        if st.session_state.get(_PROBLEM):
            markup.note(st.session_state[_PROBLEM], "error")


def _read(key: str) -> None:
    file = st.session_state[key]
    st.session_state[_PROBLEM] = ""
    if file is None:
        return
    try:
        trace_file = TraceFile.read(file.getvalue(), file.name)
    except InvalidInput as error:
        st.session_state[_PROBLEM] = f"{error} What stood here before is still there."
        return
    st.session_state[_OPENED], st.session_state[_PLACE] = trace_file, len(trace_file.trace.steps)


def _close() -> None:
    st.session_state[_OPENED] = None
    st.session_state[_UPLOADER] = st.session_state.get(_UPLOADER, 0) + 1
    url_state.follow(url_state.scene(), replaces=())  # the controls were out of sight and come back as the link says


def open_trace_file() -> TraceFile | None:
    """The trace on the screen, if one is open."""
    trace_file: TraceFile | None = st.session_state.get(_OPENED)
    return trace_file


def render(trace_file: TraceFile, view: component.ViewSettings) -> None:
    """Draws a trace, with the ways out of it."""
    act = state.ACTS.take()
    if act and act.get("kind") == "move":
        with suppress(InvalidInput):  # a browser may send anything
            st.session_state[_PLACE] = whole_number("place", act.get("at"), 0, len(trace_file.trace.steps))
    trace: Trace = trace_file.trace
    scene = dict(trace_file.scene)
    markup.note(
        f"An exported trace, as it was recorded with the model {trace_file.model}: {len(trace.steps)} steps, ln P = "
        f"{markup.nats(trace.log_probability)} nats. Nothing is computed anew, and your own text waits behind it."
    )
    with st.container(horizontal=True):
        st.button("Close the trace", on_click=_close)
        if offered_models.is_offered(trace_file.model):
            st.button("Go on from here with the model", on_click=_go_on, args=(scene,))
        else:
            markup.note(f"This trace is from another model, {trace_file.model}, which is not here: it cannot go on.")
    component.render(
        component.picture_of_trace_file(trace_file, st.session_state[_PLACE]),
        view,
        "As recorded.",
        handled=state.ACTS.last(),
    )


def _go_on(scene: dict[str, str]) -> None:
    _close()
    url_state.follow(scene, replaces=[*st.query_params.to_dict()])
