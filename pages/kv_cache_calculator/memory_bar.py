"""The answer as one picture: a GPU's memory, with the number of users as a handle on it."""

from __future__ import annotations

import streamlit as st

from lm_core.errors import InvalidInput, whole_number
from lm_core.kv_sizing import Scenario
from lm_core.kv_sizing.capacity.users import stops
from pages.kv_cache_calculator.parameters import MOST
from pages.shared import components, url_state

KEY = "memory_bar"

_component = st.components.v2.component(
    "memory_bar",
    html='<div class="memory-bar"></div>',
    css=components.styles("memory_bar/memory_bar.css"),
    js=components.script("memory_bar/memory_bar.js"),
)


def picked() -> None:
    """Callback of the component: where the handle was let go."""
    try:
        users = whole_number("users", st.session_state[KEY].users, 0, MOST)
    except InvalidInput:
        return  # a browser may send anything
    st.session_state[url_state.key_of("batch")] = max(1, users)


def render(scenario: Scenario) -> None:
    """Draws the bar of the fullest GPU."""
    budget, left = scenario.budget, scenario.budget.for_cache
    weights, reserve = budget.weights.likely, budget.reserve.likely
    _component(
        data={
            "memory": budget.memory,
            "allowed": left.likely + weights + reserve,
            "weights": weights,
            "reserve": reserve,
            "left": [left.least, left.likely, left.most],
            "stops": [list(stop) for stop in stops(scenario)],
            "users": scenario.sequences,
            "compact": url_state.presenting(),
        },
        key=KEY,
        on_users_change=picked,
    )
