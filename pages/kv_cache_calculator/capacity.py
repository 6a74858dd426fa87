"""Capacity: whether it fits and how many users, what each GPU's memory goes to, how fast it can be, which GPUs."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from lm_core import kv_sizing
from lm_core.errors import InvalidInput
from lm_core.kv_sizing import GPUS, Layout, Scenario
from lm_core.kv_sizing.capacity import gpu_layouts
from lm_core.kv_sizing.capacity.budget import Span
from lm_core.kv_sizing.capacity.gpus import Gpu, runs_on
from lm_core.kv_sizing.report import amounts, html_page
from pages.kv_cache_calculator import doubts, editable_tables, memory_bar, parameters
from pages.kv_cache_calculator.answer import logged, many
from pages.kv_cache_calculator.parameters import Values
from pages.shared import markup, on_demand, tables, url_state

_VERDICTS = {
    kv_sizing.FITS: "It fits.", kv_sizing.CLOSE: "Too close to call.", kv_sizing.TOO_LARGE: "It does not fit.",
}  # fmt: skip


def fits(scenario: Scenario) -> None:
    """The answer as a picture and in words, right under the figure; on a stage the picture alone."""
    memory_bar.render(scenario)
    if url_state.presenting():
        return
    if not scenario.weights:
        markup.note("The weights of this model are not known: state them under “More”, or the answer leaves them out.")
    if not scenario.reserve.parts and not scenario.pool:
        markup.note("No engine is chosen: nothing is set aside for activations, CUDA graphs and the runtime.")
    if scenario.pool:
        markup.note("The pool is as stated: whether these GPUs hold the weights beside it is not looked at.")
    left, need = scenario.budget.for_cache, scenario.need()
    margin = left.likely - need
    words = "likely to be left" if margin >= 0 else "likely to be missing"
    asked = f"{many(scenario.sequences)} of {scenario.context:,} tokens"
    st.write(
        f"**{_VERDICTS[scenario.verdict]}** {asked[0].upper()}{asked[1:]} on {_gpus(scenario)}: this takes "
        f"**{amounts.binary(need)}**, and {_room(left)} for the cache{' on each' if scenario.split.gpus > 1 else ''}; "
        f"{amounts.signed(abs(margin))} {words}."
    )
    st.write(_users(scenario))
    if scenario.verdict != kv_sizing.FITS:
        _remedies(scenario)
    doubts.deciding(scenario)


def _gpus(scenario: Scenario) -> str:
    split = {name: ways for name, ways in vars(scenario.split).items() if ways > 1 and name != "context"}
    ways = " x ".join(f"{name} {number}" for name, number in split.items())
    name = scenario.gpu.name
    return f"{scenario.split.gpus} x {name}{f' ({ways})' if len(split) > 1 else ''}" if split else f"one {name}"


def _room(left: Span) -> str:
    if left.most <= 0:
        return "weights and reserve leave no room"
    if left.least == left.most:
        return f"**{amounts.signed(left.likely)}** are left"
    worst = amounts.signed(left.least) if left.least > 0 else "nothing, as weights and reserve alone are too much,"
    return f"**{amounts.signed(left.likely)}** are left ({worst} at worst, {amounts.signed(left.most)} at best)"


def _users(scenario: Scenario) -> str:
    """How many users, with the interval."""
    most, (fewest, highest) = scenario.most_sequences, scenario.most_between
    between = f", {fewest:,} at worst and {highest:,} at best" if fewest < highest else ""
    mean = f" If all had the mean, {scenario.mean:,}: {many(scenario.most_at_mean.value)}." if scenario.mean else ""
    fit = "fits" if most.value == 1 else "fit"
    return f"**{many(most.value)}** {fit}{between}; the limit is {most.limits}.{mean}"


def _remedies(scenario: Scenario) -> None:
    """What would help, each computed: a shorter length, another dtype, latents kept once, a smaller peak."""
    longest = scenario.longest
    found = [f"With {many(scenario.sequences)}: at most **{longest.value:,} tokens** each. {_dtypes(scenario)}"]
    split = scenario.split
    if split.tensor > 1 and split.data == 1 and any(group.kind == "latent" for group in scenario.geometry.groups):
        other = replace(scenario, split=replace(split, tensor=1, data=split.tensor, context=1))
        found.append(
            "Each GPU keeps every latent. Data-parallel attention keeps each once: set GPUs (tensor parallel) to 1 "
            f"and, under “More”, data-parallel attention to {split.tensor}; then it {_TURNED[other.verdict]}, with "
            f"**{many(other.most_sequences.value)}** at most."
        )
    peak = max((part.bytes.likely for part in scenario.reserve.parts if part.name == "activation peak"), default=0)
    if peak > 2**30:
        found.append(f"vLLM’s activation peak, {amounts.signed(peak)}, shrinks with a lower max_num_seqs.")
    st.write(" ".join(found))


_TURNED = {
    kv_sizing.FITS: "fits", kv_sizing.CLOSE: "is too close to call", kv_sizing.TOO_LARGE: "does not fit either",
}  # fmt: skip


def _dtypes(scenario: Scenario) -> str:
    """Which ways of storing make it fit even at worst, the one that keeps the most bits first."""
    fitting = scenario.fitting_dtypes
    if not fitting:
        return f"{scenario.engine.name} can store the cache in no type that would surely fit."
    first, cheapest = fitting[0], fitting[-1]
    if first == cheapest:
        return f"It fits stored as **{first}**."
    return f"It fits stored as **{first}** and anything smaller, down to **{cheapest}**."


def memory(scenario: Scenario) -> None:
    """What each GPU's memory goes to, with the source of each estimate and its spread."""
    if scenario.verdict == kv_sizing.FITS:
        longest = scenario.longest
        st.write(
            f"With {many(scenario.sequences)}: at most **{longest.value:,} tokens** each; the limit is "
            f"{longest.limits}. {_dtypes(scenario)}"
        )
    logged(scenario)
    stored, gib = scenario.stored_weights, amounts.signed
    rows = [("the driver reports", gib(scenario.gpu.memory), "", html_page.model_uses(scenario))]
    if stored and not scenario.pool:
        shared = scenario.weights_on_each
        says = f"{stored.format}, {stored.says}; {amounts.binary(stored.likely)} in all"
        rows.append(("weights", gib(shared.likely), _spread(shared), says))
    rows += [
        (part.name, gib(part.bytes.likely), _spread(part.bytes), part.says)
        for part in scenario.reserve.parts
        if not scenario.pool
    ]
    left = scenario.budget.for_cache
    rows.append(("left for the cache", gib(left.likely), _spread(left), ""))
    if scenario.on_processor:
        rows.append(("in the processor’s memory", gib(scenario.on_processor), "", "layers and cache that no GPU holds"))
    cells = [[tables.heading(name, sentence=True), *figures, tables.words(says)] for name, *figures, says in rows]
    tables.render(["on each GPU", "likely", "between", "how it is known"], cells, "Each GPU’s memory")


def _spread(span: Span) -> str:
    return f"{amounts.signed(span.least)} to {amounts.signed(span.most)}" if span.least < span.most else ""


@on_demand.expander("Which GPUs, and how many?", key="_kv_fleet")
def fleet(scenario: Scenario, values: Values) -> None:
    """Expander: for each kind of GPU the smallest number that holds the load, with what one hour costs."""
    st.write(
        f"For {many(scenario.sequences)} of {scenario.context:,} tokens: the smallest number of each kind, as "
        "replicas (copies of the server) x GPUs that share one model. Memory only, by the likely figures."
    )
    catalogue = parameters.catalogue(values["gpus"])
    rows = [_layout(scenario, gpu) for gpu in catalogue.values() if runs_on(scenario.engine.name, gpu)]
    best = kv_sizing.cheapest((layout, layout.gpu.price) for layout, _ in rows if layout)
    chosen = [number for number, (layout, _) in enumerate(rows) if best and layout is best[0]]
    head = ["GPU", "GPUs", "layout", "users each", "free on each", "limit", "an hour"]
    tables.render(head, [cells for _, cells in rows], chosen=chosen)
    marked = "The marked row costs least. " if chosen else ""
    st.caption(
        f"{marked}Prices: US dollars, RunPod’s secure cloud on 5 September 2026, where it had that GPU. Memory and "
        "price can be changed here, and a GPU of your own added."
    )
    values["gpus"] = _edited(values["gpus"], catalogue)


Row = tuple[Layout | None, list[object]]


def _layout(scenario: Scenario, gpu: Gpu) -> Row:
    """The smallest layout and its cells; why there is none, where there is none."""
    try:
        found = gpu_layouts.layouts(scenario, gpu)
    except InvalidInput as refused:
        return None, [gpu.name, tables.across(str(refused), 6)]
    if not found:
        return None, [gpu.name, tables.across("not one user fits on 16 of them", 6)]
    best = found[0]
    cells = [
        f"{best.gpus:,}", f"{best.replicas:,} x {best.ways}", f"{best.sequences:,}", amounts.binary(best.headroom),
        best.limits, f"{best.gpus * gpu.price:,.2f}" if gpu.price else "–",
    ]  # fmt: skip
    return best, [gpu.name, *cells]


def _edited(changes: str, catalogue: dict[str, Gpu]) -> str:
    """The catalogue as a table to change and to add to; returns the changes as they stand in a link."""
    rows = [
        {"GPU": gpu.name, "memory, GiB": gpu.memory / 2**30, "price": gpu.price, "GB/s": gpu.bandwidth / 10**9}
        for gpu in catalogue.values()
    ]
    config = {
        "memory, GiB": st.column_config.NumberColumn(min_value=1, max_value=10_000, format="%.2f"),
        "price": st.column_config.NumberColumn(
            "price of one, an hour", min_value=0, max_value=1_000_000, format="%.2f"
        ),
        "GB/s": st.column_config.NumberColumn("bandwidth, GB/s", min_value=1, max_value=1_000_000, format="%.0f"),
    }
    edited = editable_tables.render("gpus", rows, tuple(rows[0]), num_rows="dynamic", column_config=config, height=240)
    kept = {}
    for row in edited:
        name = str(row.get("GPU", "")).strip()[:40]
        known = GPUS.get(name)
        memory, price = row.get("memory, GiB"), row.get("price", 0)
        if not name or (memory is None and known is None):
            continue  # a row that is being typed
        stated = known.memory / 2**30 if known else 0
        memory = stated if memory is None else memory
        if known is None:
            kept[name] = [memory, price, row.get("GB/s", parameters.OWN_BANDWIDTH)]
        elif (round(memory, 6), price) != (round(stated, 6), known.price):
            kept[name] = [memory, price]
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
    other = scenario.scaled(length, users)
    return f"{amounts.binary(other.total)}, {other.verdict}"
