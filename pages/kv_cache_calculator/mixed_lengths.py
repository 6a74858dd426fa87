"""Users whose lengths differ: how many fit with which chance, and what a prefix cache saves of the wait."""

from __future__ import annotations

import streamlit as st

from lm_core import kv_sizing
from lm_core.errors import InvalidInput
from lm_core.kv_sizing import Scenario
from lm_core.kv_sizing.capacity import lengths, mixed_lengths
from lm_core.kv_sizing.capacity.lengths import Lengths
from pages.kv_cache_calculator.answer import many
from pages.kv_cache_calculator.parameters import LONGEST, Values
from pages.shared import markup, on_demand, tables, url_state

TITLE = "Users whose lengths differ, and a prefix cache"
_CHANCES = (0.5, 0.95, 0.99, 0.999)
_PROMISED = 0.99


@on_demand.expander(TITLE, key="_kv_lengths")
def expander(scenario: Scenario, values: Values) -> None:
    """The controls, how many users fit, and the time to the first token with a share of the prompt in the cache."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _whole("mean", "Mean, tokens (0: all are the longest)", LONGEST)
        _whole("p95", "95 % stay within, tokens", LONGEST)
        _whole("hits", "Prompt found in the prefix cache, %", 100)
    on_demand.control(
        url_state.key_of("lengths"), st.text_area, "Or a histogram: a length in tokens, a comma, how often it occurs",
        height=100, placeholder="1000, 30\n8000, 10",
    )  # fmt: skip
    with markup.plain_errors():
        spread = _lengths(scenario, values)
        if spread:
            _users(scenario, spread, values)
        else:
            st.write(
                "State a mean and what 95 % of the users stay within, or paste a histogram: here stands then how many "
                f"users fit, where none is longer than the {scenario.context:,} tokens above."
            )
        _first_token(scenario, values["hits"] / 100)


def _lengths(scenario: Scenario, values: Values) -> Lengths | None:
    """The histogram if there is one, else the spread of mean and 95th percentile."""
    if values["lengths"].strip():
        return lengths.read_histogram(values["lengths"], scenario.context)
    if values["mean"] and values["p95"]:
        return lengths.from_mean(values["mean"], values["p95"], scenario.context)
    return None


def promise(scenario: Scenario, values: Values) -> None:
    """One sentence beside the answer where lengths are stated: how many users fit for (almost) certain."""
    try:
        spread = _lengths(scenario, values)
    except InvalidInput:
        return  # said where the lengths are stated
    if spread is None or scenario.engine.name not in mixed_lengths.PAGED:
        return
    (likely,), (worst,), (best,) = mixed_lengths.users_within(scenario, spread, [_PROMISED])
    st.write(
        f"The verdict is for users who are all at {scenario.context:,} tokens. With the lengths you stated, "
        f"**{many(likely)}** fit at once with a chance of {100 * _PROMISED:g} % ({worst:,} at worst, {best:,} at "
        f"best): see “{TITLE}” below."
    )


def _users(scenario: Scenario, spread: Lengths, values: Values) -> None:
    if scenario.engine.name not in mixed_lengths.PAGED:
        st.write(f"{scenario.engine.name} reserves the longest length for everybody: shorter users make no room.")
        return
    room = scenario.budget.for_cache
    if room.most <= 0:
        st.write("Weights and reserve leave no room.")
        return
    found = mixed_lengths.users_within(scenario, spread, _CHANCES)
    rows = [
        [f"{100 * chance:g} %", *(f"{users:,}" for users in three)]
        for chance, *three in zip(_CHANCES, *found, strict=True)
    ]
    stated = not values["lengths"].strip()
    mean, most = (values["mean"], values["p95"]) if stated else (round(spread.mean), spread.percentile(95))
    st.write(
        f"Lengths of **{mean:,} tokens** on average, half within {spread.percentile(50):,}, 95 % within {most:,}. "
        f"If all users were the longest, {many(scenario.most_sequences.value)} would fit."
    )
    tables.render(["chance that all fit", "users at once", "at worst", "at best"], rows)
    how = "As in the histogram" if not stated else "Log-normal: most are short, few very long"
    st.caption(
        f"{how}. Each user counts with prompt and whole answer, and independently of the others: a full server at any "
        "one moment. When it does not fit, the engine lets a user wait, or computes a cache anew later."
    )


def _first_token(scenario: Scenario, hits: float) -> None:
    if not hits or not scenario.weights:
        return
    anew, less = kv_sizing.served(scenario).first, kv_sizing.served(scenario, hits).first
    if anew is None or less is None:
        return
    prompt = scenario.mean or scenario.context
    st.write(
        f"With {100 * hits:.0f} % of a prompt of {prompt:,} tokens in the prefix cache, its first token comes after "
        f"**{_ms(less.interval)}** instead of {_ms(anew.interval)} (from the bound to twice it), on GPUs that serve "
        "nobody else at that moment. Memory is counted as "
        "if no two running users shared what is found: what all of them share is stated under “More”."
    )


def _ms(interval: tuple[float, float]) -> str:
    return f"{1000 * interval[0]:,.0f} to {1000 * interval[1]:,.0f} ms"


def _whole(name: str, label: str, most: int) -> None:
    on_demand.control(url_state.key_of(name), st.number_input, label, min_value=0, max_value=most, width=250)
