"""How fast the question's GPUs can be at most, and what a million tokens cost: bounds, each as an interval."""

from __future__ import annotations

import streamlit as st

from lm_core import kv_sizing
from lm_core.kv_sizing import Scenario, Service
from lm_core.kv_sizing.report import amounts
from pages.shared import on_demand, tables

Row = tuple[str, str, str, str]


@on_demand.expander("How fast, and at what price?", key="_kv_service")
def expander(scenario: Scenario, hits: float) -> None:
    """Time for each token, time to the first, tokens a second and price, each from a bound to twice that.

    `hits`: the share of a prompt that a prefix cache holds.
    """
    if not scenario.weights:
        st.write("The weights of this model are not known: state them under “More”.")
        return
    speed = kv_sizing.served(scenario, hits)
    cells = [
        [tables.heading(name, sentence=True), *figures]
        for name, *figures in (*_times(speed, hits), *_rates(speed, scenario.gpu.price))
    ]
    tables.render(["", "by bandwidth", "by arithmetic", "interval"], cells)
    weights, cache = map(amounts.binary, speed.step.read)
    st.caption(
        f"Bounds, and no promise. Each step reads {weights} of weights and {cache} of cache on each GPU, at "
        f"{scenario.gpu.bandwidth / 10**9:,.0f} GB/s; an interval goes from the higher bound to twice that. Not "
        "counted: launches, communication, queues, sampling, prompts that interrupt answers. The first token is that "
        "of one prompt on GPUs with nothing else to do, the price that of GPUs that are never idle; RunPod’s of "
        "5 September 2026, to be changed under “Which GPUs, and how many?”."
    )


def _times(speed: Service, hits: float) -> list[Row]:
    named = [("time for each token of an answer", speed.step)]
    found = f", {100 * hits:.0f} % of it found" if hits else ""
    named += [(f"time to the first token of a prompt of {speed.prompt:,}{found}", speed.first)] if speed.first else []
    return [
        (name, _ms(bound.bandwidth), "not known" if bound.compute is None else _ms(bound.compute),
         f"{1000 * bound.interval[0]:,.1f} to {1000 * bound.interval[1]:,.1f} ms")
        for name, bound in named
    ]  # fmt: skip


def _rates(speed: Service, price: float) -> list[Row]:
    slow, fast = speed.tokens_a_second
    each = f"{slow / speed.sequences:,.1f} to {fast / speed.sequences:,.1f}"
    rows = [
        ("tokens a second, all users together", "", "", f"{slow:,.0f} to {fast:,.0f}"),
        ("tokens a second for each user", "", "", each),
    ]
    if price:
        low, high = speed.cost(price)
        name = f"a million tokens of answers, US dollars, at {price:,.2f} for a GPU an hour"
        rows.append((name, "", "", f"{low:,.2f} to {high:,.2f}"))
    return rows


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:,.2f} ms"
