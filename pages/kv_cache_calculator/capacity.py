"""Capacity: what so much memory holds, which GPUs a workload takes, and what 25 % more or less would change."""

from __future__ import annotations

import streamlit as st

from lm_core import kv_sizing
from lm_core.errors import InvalidInput
from lm_core.kv_sizing import GPUS, Layout, Scenario
from lm_core.kv_sizing.capacity.gpus import Gpu
from lm_core.kv_sizing.report import amounts, html_page
from pages.kv_cache_calculator import doubts, editable_tables, parameters
from pages.kv_cache_calculator.answer import logged, many
from pages.kv_cache_calculator.parameters import Values
from pages.shared import markup, on_demand, tables, url_state


def fits(scenario: Scenario) -> None:
    """One kind of GPU, as many as the cache is split over."""
    st.subheader("Does it fit?", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        on_demand.control(url_state.key_of("gpu"), on_demand.select, "GPU", tuple(GPUS), width=170)
        _number("used", "Memory the engine may use, %", 1, 100, 1, 190)
        _number("weights", "Weights, GB (0: 2 bytes a parameter)", 0.0, 1e6, 1.0, 230)
        _number("aside", "Set aside on each GPU, GB", 0.0, 1e6, 0.5, 190)
    if not scenario.weights:
        markup.note("The weights of this model are not known: state them, or the answer leaves them out.")
    sizing, load, budget = scenario.sizing, scenario.sizing.load, scenario.budget
    name = scenario.gpu.name
    gpus = f"{load.tensor_parallel} x {name}" if load.tensor_parallel > 1 else f"One {name}"
    left, need = amounts.binary(max(0, budget.for_cache)), amounts.binary(sizing.per_gpu)
    verdict = "It fits." if scenario.fits else "It does not fit."
    used = scenario.utilisation_percent
    each = " of each" if load.tensor_parallel > 1 else ""
    st.write(f"{gpus} at {used} %: **{left}**{each} left for the cache, this takes **{need}**. {verdict}")
    doubts.deciding(scenario)
    longest, most = scenario.longest, scenario.most_sequences
    mean = f" At a mean of {scenario.mean:,}: **{many(scenario.most_at_mean.value)}**." if scenario.mean else ""
    st.write(
        f"With {many(load.sequences)}: at most **{longest.value:,} tokens** each; the limit is {longest.limits}. "
        f"At {load.context:,} tokens: at most **{many(most.value)}**; the limit is {most.limits}.{mean}"
    )
    st.write(_dtypes(scenario))
    logged(scenario)
    st.caption("Not counted: activations, CUDA graphs, the runtime itself. Set some memory aside for them.")


def _number(name: str, label: str, low: float, high: float, step: float, width: int) -> None:
    """A box that may appear later than its value, when a model is imported."""
    on_demand.control(
        url_state.key_of(name), st.number_input, label, min_value=low, max_value=high, step=step, width=width
    )


def _dtypes(scenario: Scenario) -> str:
    """Which ways of storing make it fit, the one that keeps the most bits first."""
    fitting = scenario.fitting_dtypes
    if not fitting:
        return f"No dtype that {scenario.engine.name} has makes it fit."
    first, cheapest = fitting[0], fitting[-1]
    if first == cheapest:
        return f"Of {scenario.engine.name}’s dtypes, it fits stored as **{first}**."
    return f"It fits stored as **{first}** and anything smaller, down to **{cheapest}**."


@on_demand.expander("Which GPUs, and how many?", key="_kv_fleet")
def fleet(scenario: Scenario, values: Values) -> None:
    """Expander: for each kind of GPU the smallest number that holds the load, with what one hour costs."""
    st.write(
        f"For {many(scenario.sequences)} of {scenario.context:,} tokens: the smallest number of each kind, as "
        "replicas (copies of the server) x GPUs that share one model (tensor parallel). Memory only."
    )
    catalogue = parameters.catalogue(values["gpus"])
    rows = [_layout(scenario, gpu, price) for gpu, price in catalogue.values()]
    best = kv_sizing.cheapest((layout, price) for layout, price, _ in rows if layout)
    chosen = [number for number, (layout, _, _) in enumerate(rows) if best and layout is best[0]]
    mean = ["at the mean"] if scenario.mean else []
    head = ["GPU", "GPUs", *mean, "layout", "sequences each", "free on each", "limit", "an hour"]
    tables.render(head, [cells for _, _, cells in rows], chosen=chosen)
    marked = "The marked row costs least. " if chosen else ""
    st.caption(f"{marked}Memory and price can be changed here; prices are yours, in your currency.")
    values["gpus"] = _edited(values["gpus"], catalogue)


Row = tuple[Layout | None, float, list[object]]


def _layout(scenario: Scenario, gpu: Gpu, price: float) -> Row:
    """The smallest layout, its price, and its cells; why there is none, where there is none."""
    try:
        found = scenario.layouts(gpu)
        at_mean = scenario.layouts(gpu, at_mean=True) if scenario.mean else ()
    except InvalidInput as refused:
        return None, price, [gpu.name, tables.across(str(refused), 6)]
    if not found:
        return None, price, [gpu.name, tables.across("not one sequence fits on 16 of them", 6)]
    best = found[0]
    cells = [
        f"{best.gpus:,}", *([f"{at_mean[0].gpus:,}"] if at_mean else []),
        f"{best.replicas:,} x {best.tensor_parallel}", f"{best.sequences:,}", amounts.binary(best.headroom),
        best.limits, f"{best.gpus * price:,.2f}" if price else "–",
    ]  # fmt: skip
    return best, price, [gpu.name, *cells]


def _edited(changes: str, catalogue: dict[str, tuple[Gpu, float]]) -> str:
    """The catalogue as a table to change; returns the changes as they stand in a link."""
    rows = [
        {"GPU": name, "memory, GiB": gpu.memory / 2**30, "price": price} for name, (gpu, price) in catalogue.items()
    ]
    config = {
        "memory, GiB": st.column_config.NumberColumn(min_value=1, max_value=10_000, format="%.1f"),
        "price": st.column_config.NumberColumn(
            "price of one, an hour", min_value=0, max_value=1_000_000, format="%.2f"
        ),
    }
    edited = editable_tables.render("gpus", rows, tuple(rows[0]), disabled=["GPU"], column_config=config, height=240)
    kept = {}
    for row in edited:
        stated = GPUS[row["GPU"]].memory / 2**30
        memory, price = row.get("memory, GiB", stated), row.get("price", 0)
        if (memory, price) != (stated, 0):
            kept[row["GPU"]] = [memory, price]
    text = parameters.compact(kept) if kept else ""
    if text != changes:
        st.session_state[url_state.key_of("gpus")] = text
        st.rerun()
    return text


@on_demand.expander("If length or users are off by 25 %", key="_kv_off")
def off(scenario: Scenario) -> None:
    """Expander: length and users at 75, 100 and 125 %."""
    head = ["", *(f"{users} % of the users" for users in html_page.PERCENTS)]
    rows = [
        [f"{length} % of the length", *(_scaled(scenario, length, users) for users in html_page.PERCENTS)]
        for length in html_page.PERCENTS
    ]
    tables.render(head, rows)


def _scaled(scenario: Scenario, length: int, users: int) -> str:
    sizing = scenario.scaled(length, users)
    room = sizing.per_gpu <= scenario.budget.for_cache
    return f"{amounts.binary(sizing.total)}, {'fits' if room else 'does not fit'}"
