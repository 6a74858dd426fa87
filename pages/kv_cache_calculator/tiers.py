"""Beside the running users: cached conversations in the pool, in the processor's memory and on disk."""

from __future__ import annotations

import streamlit as st

from lm_core import kv_sizing
from lm_core.kv_sizing import Scenario
from lm_core.kv_sizing.capacity import tiers
from lm_core.kv_sizing.capacity.tiers import Tier
from lm_core.kv_sizing.report import amounts
from pages.kv_cache_calculator.answer import many
from pages.kv_cache_calculator.parameters import Values
from pages.shared import on_demand, tables, url_state

_GB = 10**9
_BOXES = {
    "cpu": ("Processor’s memory, GB", "cpuspeed", "Way to the GPUs, GB/s"),
    "disk": ("Disk, GB", "diskspeed", "Disk, GB/s"),
}  # fmt: skip


@on_demand.expander("Conversations kept for later", key="_kv_tiers")
def expander(scenario: Scenario, values: Values) -> None:
    """How many the pool holds beside the users, how many other tiers hold, and how long the way back takes."""
    each = tiers.conversation_bytes(scenario)
    tokens = tiers.cached_tokens(scenario)
    st.write(
        f"Beside {many(scenario.sequences)} the GPUs’ pool likely holds **{tokens:,} tokens** of conversation that "
        f"nobody runs (a prefix cache). A conversation of {scenario.context:,} tokens takes **{amounts.binary(each)}**."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for name, (size, speed, way) in _BOXES.items():
            _number(name, size, 0.0)
            _number(speed, way, 0.001)
    rows = []
    for name in _BOXES:
        size, speed = values[name], values[_BOXES[name][1]]
        if size:
            found = tiers.kept(scenario, Tier(name, round(size * _GB), max(1, round(speed * _GB))))
            title = "in the processor’s memory" if name == "cpu" else "on disk"
            rows.append([title, f"{found.conversations:,}", f"{1000 * found.seconds:,.1f} ms"])
    if rows:
        tables.render(["kept", "conversations", "the way back, at least"], rows)
    first = kv_sizing.served(scenario).first if scenario.weights else None
    if first:
        anew = f"{1000 * first.seconds:,.0f} ms"
        st.caption(f"Computed anew, the first token after {scenario.context:,} tokens takes {anew} at least.")


def _number(name: str, label: str, least: float) -> None:
    on_demand.control(
        url_state.key_of(name), st.number_input, label, min_value=least, max_value=1e6, step=1.0, width=165
    )
