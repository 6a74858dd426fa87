"""The calculator's answer: the total, its parts, its growth, and how common formulas get it wrong."""

from __future__ import annotations

import html
from dataclasses import replace

import streamlit as st

from lm_core import kv_sizing
from lm_core.kv_sizing import Scenario
from lm_core.kv_sizing.report import amounts
from pages.kv_cache_calculator import figure, parameters
from pages.kv_cache_calculator.parameters import Values
from pages.shared import markup, on_demand, tables, url_state

_PLOTS = {"length": "over length", "sequences": "over users"}


def total(scenario: Scenario) -> None:
    """The figure itself."""
    sizing = scenario.sizing
    load, model = sizing.load, sizing.geometry
    name = "; ".join(group.says() for group in model.groups) if model.name == "by hand" else model.name
    amount = f"<b>{amounts.gib(scenario.total)} GiB</b> ({amounts.decimal(scenario.total)})"
    words = f"of KV cache for {many(load.sequences)} of {load.context:,} tokens"
    mean = f"; {amounts.binary(scenario.sizing_at_mean.total)} at a mean of {scenario.mean:,}" if scenario.mean else ""
    markup.show(f'<p class="nte-sum" role="status">{amount} {words}{mean}<br>{html.escape(name)}, {_how(scenario)}</p>')


def many(users: int) -> str:
    """So many users, in words."""
    return "one user" if users == 1 else f"{users:,} users"


def _how(scenario: Scenario) -> str:
    """Dtype, engine and split, for people."""
    load, engine, gpus = scenario.sizing.load, scenario.engine, scenario.split.gpus
    where = "payload alone" if engine.name == "ideal" else f"{engine.name} {engine.version}"
    split = f", {gpus} GPUs: {amounts.binary(scenario.need())} each" if gpus > 1 else ""
    stored = load.dtype_k.name if load.dtype_k == load.dtype_v else f"K {load.dtype_k.name}, V {load.dtype_v.name}"
    weights = f"weights {scenario.stored_weights.format}, " if scenario.stored_weights else ""
    return f"{weights}cache {stored}, {where}{split}"


def parts(scenario: Scenario) -> None:
    """Where it comes from: each part as a product with its numbers, then the sums."""
    sizing, gpus = scenario.sizing, scenario.split.gpus
    lines = [(line.label, line.bytes, line.formula) for line in scenario.on_each.lines]
    if saved := scenario.need() - scenario.on_each.per_gpu:
        shared = f"{scenario.shared:,} shared tokens, kept once" if scenario.shared else ""
        away = "held by the processor" if scenario.gpu_layers or scenario.cache_on_processor else ""
        lines.append((" and ".join(filter(None, (shared, away))), saved, "not kept on these GPUs"))
    lines.append((f"together, on each of {gpus} GPUs" if gpus > 1 else "together", scenario.need(), ""))
    rows = [
        (tables.heading(name, sentence=True), amounts.binary(count), tables.words(formula))
        for name, count, formula in lines
    ]
    tables.render(["part", "size", "how it is counted"], rows)
    engine = sizing.engine.name
    payload = {
        "payload": sizing.payload,
        "of it, what does not grow": sizing.fixed,
        "one more token of one user": sizing.per_added_token,
    }
    _amounts("What the model needs on any engine", payload, ("payload",))
    if engine != "ideal" or sizing.replication:
        taken = {
            "copies of heads on further GPUs": sizing.replication,
            f"what {engine} takes besides, or saves": sizing.padding,
            "in all": sizing.total,
            "per user": sizing.per_sequence,
        }
        _amounts(f"What {'so many GPUs take' if engine == 'ideal' else f'{engine} takes'}", taken, ("in all",))
    null = " The null block is one that vLLM keeps for places nobody uses." if engine == "vLLM" else ""
    st.caption(f"Payload: each key and value stored once.{null}")


def _amounts(title: str, facts: dict[str, int], always: tuple[str, ...]) -> None:
    """Amounts in both units and in bytes, those of nothing left out."""
    kept = {name: count for name, count in facts.items() if count or name in always}
    rows = [(name, amounts.binary(count), amounts.decimal(count), f"{count:,}") for name, count in kept.items()]
    tables.render([title, "powers of 1,024", "powers of 1,000", "bytes"], rows)


def plot(scenario: Scenario, values: Values) -> None:
    """Need against length for this many sequences and for 1, or against sequences at this length."""
    stage = url_state.presenting()
    if not stage:
        on_demand.control(
            url_state.key_of("over"), st.segmented_control, "Plot over", parameters.PLOTS, starts="default",
            required=True, format_func=_PLOTS.__getitem__, label_visibility="collapsed",
        )  # fmt: skip
    sizing = scenario.sizing
    if values["over"] == "sequences":
        curve = kv_sizing.over_sequences(sizing)
        drawn = figure.over_sequences(curve, sizing.load.sequences, sizing.total, scenario.weights, stage)
    else:
        curves = kv_sizing.curves(sizing, sorted({1, sizing.load.sequences}))
        drawn = figure.growth(curves, sizing.load.context, sizing.total, scenario.weights, stage)
    st.plotly_chart(drawn, key="kv_growth", config={"displayModeBar": False})
    if not stage:
        _heavier(scenario)


def _heavier(scenario: Scenario) -> None:
    """Where the cache outweighs the weights."""
    if not scenario.weights:
        st.caption("The weights of this model are not known; state them under “More” to compare.")
        return
    crossing = scenario.crossing
    where = f"from {crossing:,} tokens on" if crossing else "at no length"
    users = many(scenario.sequences)
    step = f"{1000 * kv_sizing.served(scenario).step.seconds:,.2f} ms"
    st.write(
        f"With {users}, the cache is heavier than the weights ({amounts.binary(scenario.weights)}) {where}. A decode "
        f"step reads the weights it needs and the cache once: it takes at least **{step}** on these GPUs."
    )


def mistakes_expander(scenario: Scenario) -> None:
    """What other calculators say of this model."""
    found = kv_sizing.mistakes(scenario.sizing)
    if not found:
        return
    opened = st.expander("Common wrong answers for this model", on_change="rerun", key="_kv_wrong")
    if not opened.open:
        return
    with opened:
        rows = [
            (tables.heading(each.name, sentence=True), amounts.binary(each.bytes), f"x {each.factor:.3g}")
            for each in found
        ]
        tables.render(["what was forgotten", "their answer", "factor"], rows)
        st.write("GB read as GiB, or the reverse, is off by another 7.4 %.")


def logged(scenario: Scenario) -> None:
    """What vLLM's own log would say on these GPUs."""
    engine, room = scenario.engine, scenario.budget.for_cache.likely
    if not isinstance(engine, kv_sizing.Vllm) or room <= 0:
        return
    load = replace(scenario.on_each.load, sequences=1)
    tokens, concurrency = engine.plan(scenario.on_each.stored, load).log(room, scenario.context)
    st.caption(
        f"vLLM’s log on these GPUs, at max_model_len {scenario.context:,}, by the likely figures: “GPU KV cache size: "
        f"{tokens:,} tokens”, “Maximum concurrency … {concurrency:.2f}x”. For models of several layer kinds the tokens "
        "depend on that length; they are not bytes divided by bytes per token."
    )
