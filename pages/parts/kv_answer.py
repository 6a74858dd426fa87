"""The answer of the KV-cache calculator: the figure, where it comes from, what fits, and how others get it wrong."""

from __future__ import annotations

import html
import json

import streamlit as st

from lm_core import kv_sizing
from lm_core.kv_sizing import Budget, Sizing, amounts, as_json
from pages.figures import kv_cache
from pages.parts import frame, kv_choice, url_state
from pages.parts.kv_choice import Link, Question


def total(sizing: Sizing) -> None:
    """The figure itself."""
    load, model = sizing.load, sizing.geometry
    many = _many(load.sequences)
    name = "; ".join(group.says() for group in model.groups) if model.name == "by hand" else model.name
    figure = f"<b>{amounts.gib(sizing.total)} GiB</b> ({amounts.decimal(sizing.total)})"
    words = f"of KV cache for {many} of {load.context:,} tokens"
    frame.show(f'<p class="nte-sum" role="status">{figure} {words}<br>{html.escape(name)}, {_how(sizing)}</p>')


def _many(sequences: int) -> str:
    return "one sequence" if sequences == 1 else f"{sequences:,} sequences"


def _how(sizing: Sizing) -> str:
    """Dtype, engine and split, for people."""
    load, engine = sizing.load, sizing.engine
    where = "payload alone" if engine.name == "ideal" else f"{engine.name} {engine.version}"
    split = f", {load.tensor_parallel} GPUs: {amounts.binary(sizing.per_gpu)} each" if load.tensor_parallel > 1 else ""
    return f"{load.dtype_k.name}, {where}{split}"


def parts(sizing: Sizing) -> None:
    """Where it comes from: each part as a product with its numbers, then the sums."""
    ranks = sizing.load.tensor_parallel
    rows = "".join(_part(line.label, line.formula, line.bytes) for line in sizing.lines)
    rows += _part(f"together, on each of {ranks} GPUs" if ranks > 1 else "together", "", sizing.per_gpu)
    head = '<tr><th class="nte-text">part</th><th>size</th><th class="nte-text">how it is counted</th></tr>'
    frame.show(f'<div class="nte-wide"><table class="nte-table"><thead>{head}</thead>{rows}</table></div>')
    facts = {
        "payload": sizing.payload,
        "copies of heads on further GPUs": sizing.replication,
        f"what {sizing.engine.name} takes besides": sizing.padding,
        "one more token in one sequence": sizing.per_added_token,
        "state that does not grow": sizing.fixed,
        "per sequence": sizing.per_sequence,
    }
    body = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th><td>{amounts.binary(value)}</td><td>{amounts.decimal(value)}</td>'
        f"<td>{value:,}</td></tr>"
        for name, value in facts.items()
        if value or name in ("payload", "per sequence")
    )
    frame.show(
        '<div class="nte-wide"><table class="nte-table"><thead><tr><th></th><th>powers of 1,024</th>'
        f"<th>powers of 1,000</th><th>bytes</th></tr></thead>{body}</table></div>"
    )


def _part(label: str, formula: str, count: int) -> str:
    cells = f'<td>{amounts.binary(count)}</td><td class="nte-text">{html.escape(formula)}</td>'
    return f'<tr><th class="nte-text" scope="row">{html.escape(label)}</th>{cells}</tr>'


def plot(question: Question) -> None:
    """Need against length for this many sequences and for 1."""
    sizing = question.sizing
    many = sorted({1, sizing.load.sequences})
    stage = url_state.presenting()
    drawn = kv_cache.growth(kv_sizing.curves(sizing, many), sizing.load.context, sizing.total, question.weights, stage)
    st.plotly_chart(drawn, key="kv_growth", config={"displayModeBar": False})


def fits(question: Question, link: Link) -> None:
    """The question turned round: what so much memory holds."""
    st.subheader("Does it fit?", anchor=False)
    gpu_key = url_state.choice("gpu", tuple(kv_sizing.GPUS), "H100 80 GB")
    used_key = url_state.number("used", 92, 1, 100)
    sizing, load, weights = question.sizing, question.sizing.load, question.weights
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("GPU", tuple(kv_sizing.GPUS), key=gpu_key, width=190)
        used = st.number_input("Memory the engine may use, %", 1, 100, key=used_key, width=190)
        kv_choice.weights_box()
    link |= {"gpu": (name, "H100 80 GB"), "used": (used, 92)}
    if not weights:
        frame.note("The weights of this model are not known: state them, or the answer leaves them out.")
    budget = Budget(load.tensor_parallel, kv_sizing.gpu(name).memory, weights, used)
    asked = {
        "dtype_k": load.dtype_k.name, "dtype_v": load.dtype_v.name, "engine": sizing.engine.name,
    }  # fmt: skip
    longest = kv_sizing.max_context(question.geometry, budget, load.sequences, **asked)
    most = kv_sizing.max_sequences(question.geometry, budget, load.context, **asked)
    gpus = f"{load.tensor_parallel} x {name}" if load.tensor_parallel > 1 else f"One {name}"
    left, need = amounts.binary(max(0, budget.for_cache)), amounts.binary(sizing.per_gpu)
    verdict = "It fits." if sizing.per_gpu <= budget.for_cache else "It does not fit."
    st.write(f"{gpus} at {used} %: **{left}** of each are left for the cache, this takes **{need}**. {verdict}")
    st.write(
        f"With {_many(load.sequences)}: at most **{longest.value:,} tokens** each; the limit is {longest.limits}. "
        f"At {load.context:,} tokens: at most **{_many(most.value)}**; the limit is {most.limits}."
    )
    st.caption("Not counted: activations, CUDA graphs, the runtime itself. Keep some percent free for them.")


def wrong(sizing: Sizing) -> None:
    """What other calculators say of this model."""
    found = kv_sizing.mistakes(sizing)
    if not found:
        return
    rows = "".join(
        f'<tr><th class="nte-text" scope="row">{html.escape(each.name)}</th><td>{amounts.binary(each.bytes)}</td>'
        f"<td>x {each.factor:.3g}</td></tr>"
        for each in found
    )
    with st.expander("Common wrong answers for this model"):
        head = '<tr><th class="nte-text">what was forgotten</th><th>their answer</th><th>factor</th></tr>'
        frame.show(f'<table class="nte-table"><thead>{head}</thead>{rows}</table>')
        st.write("GB read as GiB, or the reverse, is off by another 7.4 %.")


def take(question: Question) -> None:
    """The code and the data."""
    load, sizing = question.sizing.load, question.sizing
    with st.expander("Show the code, export"):
        made = (
            f"preset({question.model!r})"
            if question.model in kv_sizing.names()
            else f"Geometry.from_json({json.dumps(question.geometry.to_json())})"
        )
        st.code(
            f"from lm_core.kv_sizing import Geometry, preset, size\n\nmodel = {made}\n"
            f"sizing = size(\n    model, {load.context}, {load.sequences}, {load.dtype_k.name!r}, "
            f"engine={sizing.engine.name!r}, tensor_parallel={load.tensor_parallel},\n)\n"
            "print(sizing.total, sizing.per_added_token)\n",
            language="python",
        )
        st.download_button(
            "JSON, in bytes", json.dumps(as_json(sizing), indent=2), "kv-cache.json", "application/json", key="_kv_json"
        )
