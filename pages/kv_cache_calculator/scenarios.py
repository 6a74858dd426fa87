"""Up to four scenarios side by side: this one, and those stored in the link."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

import streamlit as st

from lm_core.errors import InvalidInput
from lm_core.kv_sizing import Scenario, served
from lm_core.kv_sizing.report import amounts
from pages.kv_cache_calculator import parameters
from pages.kv_cache_calculator.parameters import Values
from pages.shared import markup, tables, url_state

_MOST, _BETWEEN = 3, "|"


def render(scenario: Scenario, values: Values) -> None:
    """The comparison, and the buttons that keep and drop scenarios."""
    kept = [piece for piece in values["beside"].split(_BETWEEN) if piece][:_MOST]
    others = {number: _read(piece, values["gpus"], number) for number, piece in enumerate(kept, start=2)}
    shown = {number: other for number, other in others.items() if other}
    if shown:
        _compare({1: scenario, **shown})
    with st.container(horizontal=True, vertical_alignment="center"):
        private = values["arch"] == parameters.IMPORTED
        here = urlencode(parameters.own(values)) or "arch=by-hand"
        st.button(
            "Keep this scenario beside", on_click=_hold, args=([*kept, here],), key="_kv_keep",
            icon=":material/splitscreen_right:", disabled=private or len(kept) >= _MOST or here in kept,
        )  # fmt: skip
        for number, piece in enumerate(kept, start=2):
            rest = [each for n, each in enumerate(kept, start=2) if n != number]
            st.button(
                f"Open {number}", on_click=_open, args=(piece, [here, *rest]), key=f"_kv_open_{number}",
                type="tertiary", disabled=private or number not in shown,
            )  # fmt: skip
            st.button(f"Drop {number}", on_click=_hold, args=(rest,), key=f"_kv_drop_{number}", type="tertiary")
    if private:
        st.caption("An imported model is part of no link: change it into layer groups to compare it.")


def _read(piece: str, gpus: str, number: int) -> Scenario | None:
    """The scenario of that piece of the link, on the GPUs of this page; None, and a sentence, for a wrong one."""
    try:
        found = parameters.scenario(parameters.read({**dict(parse_qsl(piece)), "gpus": gpus}))
        return found if found.sizing else None
    except InvalidInput as error:
        markup.note(f"Scenario {number} is left out: {error}")
        return None


def _hold(pieces: list[str]) -> None:
    st.session_state[url_state.key_of("beside")] = _BETWEEN.join(pieces)


def _open(piece: str, rest: list[str]) -> None:
    """Changes places: the one opened is asked, the one that was is beside. The GPUs stay as they are."""
    replaced = [name for name in parameters.PARAMETERS if name != "gpus"]
    url_state.follow({**dict(parse_qsl(piece)), "beside": _BETWEEN.join(rest)}, replaces=replaced)


def _compare(numbered: dict[int, Scenario]) -> None:
    scenarios = list(numbered.values())
    base = scenarios[0].total
    rows = {
        "model": [s.geometry.name for s in scenarios],
        "asked": [f"{s.sequences:,} x {s.context:,} tokens" for s in scenarios],
        "stored by": [_stored(s) for s in scenarios],
        "total": [amounts.binary(s.total) for s in scenarios],
        "against the first": [f"x {s.total / base:.3g}" for s in scenarios],
        "on each GPU": [amounts.binary(s.need()) for s in scenarios],
        "one more token": [amounts.binary(s.sizing.per_added_token) for s in scenarios],
        "weights": [amounts.binary(s.weights) if s.weights else "not known" for s in scenarios],
        "on these GPUs": [f"{s.verdict}, {s.split.gpus} x {s.gpu.name}" for s in scenarios],
        "most users": [_most(s) for s in scenarios],
        "a step takes at least": [f"{1000 * served(s).step.seconds:,.2f} ms" for s in scenarios],
    }
    head = ["", *("this" if number == 1 else str(number) for number in numbered)]
    tables.render(head, [(name, *cells) for name, cells in rows.items()], "Side by side")


def _most(s: Scenario) -> str:
    fewest, highest = s.most_between
    return f"{s.most_sequences.value:,}{f' ({fewest:,} to {highest:,})' if fewest < highest else ''}"


def _stored(s: Scenario) -> str:
    load = s.sizing.load
    dtypes = load.dtype_k.name if load.dtype_k == load.dtype_v else f"{load.dtype_k.name} / {load.dtype_v.name}"
    return f"{'payload alone' if s.engine.name == 'ideal' else s.engine.name}, {dtypes}"
