"""A start log pasted: each figure it prints beside ours, and its settings for the question above."""

from __future__ import annotations

import streamlit as st

from lm_core.errors import InvalidInput
from lm_core.kv_sizing import Scenario
from lm_core.kv_sizing.logs import comparison, start_log
from lm_core.kv_sizing.logs.comparison import Compared
from lm_core.kv_sizing.logs.start_log import StartLog
from lm_core.kv_sizing.presets import named_like
from lm_core.kv_sizing.report import amounts
from pages.kv_cache_calculator import parameters
from pages.shared import markup, on_demand, tables, url_state

_NAMES = {
    "tokens": "tokens that the pool holds", "concurrency": "requests of the longest length at once",
    "blocks": "blocks", "needed": "needed for one request", "keys and values": "keys and values, on each GPU",
    "keys": "keys, on each GPU", "cache": "cache, all GPUs", "states": "states, all GPUs",
}  # fmt: skip
_BYTES = ("needed", "keys and values", "keys", "cache", "states")


@on_demand.expander("Paste the log of a start", key="_kv_log")
def expander(scenario: Scenario) -> None:
    """The log's figures and ours, for the model chosen above."""
    text = st.text_area(
        "What vLLM, SGLang or llama.cpp’s server printed when it started", key="_kv_log_text", height=140,
        max_chars=start_log.MOST_CHARACTERS, placeholder="Available KV cache memory: ...",
    )  # fmt: skip
    if not text:
        st.caption("It is read here and kept nowhere: no link holds it.")
        return
    try:
        log = start_log.read(text)
        found = comparison.compare(log, scenario.model, scenario.split.tensor, scenario.sequences)
    except InvalidInput as refused:
        markup.note(str(refused), "error")
        return
    _said(log, scenario)
    if not found:
        markup.note("The text has no figure of the cache that could be compared; its length may be missing.")
        return
    rows = [
        (tables.heading(_NAMES[each.printed.name], sentence=True), each.printed.text, _ours(each), _verdict(each))
        for each in found
    ]
    tables.render(["figure", "printed", "ours", ""], rows, f"For {scenario.geometry.name}")


def _said(log: StartLog, scenario: Scenario) -> None:
    """What was read, and a button that asks the page's question with it."""
    settings = ", ".join(f"{name} {value}" for name, value in log.settings.items())
    read = " ".join(part for part in (log.engine, log.version) if part)
    about = f"; model {log.model}" if log.model else ""
    st.write(f"Read: {read}{about}{f'; {settings}' if settings else ''}.")
    name = named_like(log.model)
    scene = _scene(log, name)
    if name and name not in scenario.geometry.name.lower().replace(" ", "-"):
        markup.note(f"The log seems to speak of {name}; the figures below are of {scenario.geometry.name}.")
    st.button(
        "Ask the question of this log", on_click=url_state.follow, args=(scene, parameters.PARAMETERS),
        key="_kv_log_take", icon=":material/input:",
    )  # fmt: skip


def _scene(log: StartLog, name: str | None) -> dict[str, str]:
    """The log's settings as parameters of a link; those that the page has no place for are left out."""
    scene = {"engine": log.engine, **({"arch": name} if name else {})}
    for key, value in log.settings.items():
        said = str(int(value)) if isinstance(value, bool) else str(value)
        try:
            parameters.PARAMETERS[key].read(said)
        except (InvalidInput, KeyError):
            continue
        scene[key] = said
    available = log.figure("available")
    if available and available.value > 0:
        scene["pool"] = f"{available.value / 10**9:.6g}"
    return scene


def _ours(each: Compared) -> str:
    if each.printed.name in _BYTES:
        return amounts.binary(round(each.low))
    digits = 2 if each.printed.name == "concurrency" else 0
    low, high = f"{each.low:,.{digits}f}", f"{each.high:,.{digits}f}"
    return low if low == high else f"{low} to {high}"


def _verdict(each: Compared) -> str:
    if each.agrees:
        return "the same, within its rounding"
    difference = "" if each.bytes is None else f"{amounts.signed(each.bytes)} apart"
    return f"{difference}: the same with {each.explained}" if each.explained else f"{difference}; not explained"
