"""The guided tour: twelve things to do, each ticked when it is done on any page; stored in the browser too.

A stop is done when the address bar holds its scene, so that pages report nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from pages.shared import components, markup, page_declarations, url_state

Scene = dict[str, str]
_DONE, _ON, _COMPLETE, _FORGOTTEN = (f"_tour_{word}" for word in ("done", "on", "complete", "forgotten"))
_keeper = st.components.v2.component("guided_tour", js=components.script("guided_tour/guided_tour.js"))


@dataclass(frozen=True)
class Stop:
    """What is to be done on which page, and how its link shows that it was."""

    key: str
    page: str
    say: str
    done: Callable[[Scene], bool]


def _number(scene: Scene, name: str, default: float) -> float:
    try:
        return float(scene.get(name, default))
    except ValueError:
        return default


STOPS = (
    Stop("loop", "", "Take the top token once: the text grows, and the bars follow.", lambda s: "prompt" in s),
    Stop("compare", "next_token", "Switch on “Compare two prompts” and change one word of B.", lambda s: "b" in s),
    Stop("sharpen", "temperature", "Drag temperature down to 0.6 or less.", lambda s: _number(s, "t", 1) <= 0.6),
    Stop("dart", "temperature", "Throw 1,000 darts.", lambda s: s.get("darts") == "1"),
    Stop("steps", "generation", "Take five steps.", lambda s: s.get("path", "").count(".") >= 4),
    Stop("count", "bigram_counts", "Open a row, then one of its counts.", lambda s: "next" in s),
    Stop("loss", "loss", "Look at another token than the worst one.", lambda s: "at" in s),
    Stop("train", "training", "Press Play, then go to a step of the training.", lambda s: _number(s, "at", 0) > 0),
    Stop("mask", "inside_the_transformer", "Take the mask away under “No peeking”.", lambda s: s.get("mask") == "0"),
    Stop("cache", "kv_cache", "Run another prompt length.", lambda s: "length" in s),
    Stop("size", "kv_cache_calculator", "Size the cache for 32,768 tokens, or for another model.",
         lambda s: "arch" in s or _number(s, "n", 0) >= 32_768),
    Stop("policy", "limits", "Put a policy into the context, and read what it moved.",
         lambda s: s.get("look") == "policy"),
)  # fmt: skip


def done() -> set[str]:
    """Keys of the stops that are done."""
    kept: set[str] = st.session_state.setdefault(_DONE, set())
    return kept


def on() -> bool:
    """Whether the visitor takes the tour."""
    return bool(st.session_state.get(_ON))


def start(wanted: bool = True) -> None:
    """Begins or ends the tour. For callbacks."""
    st.session_state[_ON] = wanted


def restart() -> None:
    """Forgets what was done, here and in the browser; pages are as at first again. For callbacks."""
    url_state.forget()
    st.session_state[_DONE], st.session_state[_COMPLETE] = set(), False
    st.session_state[_FORGOTTEN] = st.session_state.get(_FORGOTTEN, 0) + 1


def complete() -> None:
    """The test was passed."""
    st.session_state[_COMPLETE] = True


def completed() -> bool:
    """Whether it was, in this visit or an earlier one with this browser."""
    return bool(st.session_state.get(_COMPLETE))


def keep() -> None:
    """Lets the browser remember, and takes over what it remembers: a reload forgets nothing."""
    _take()
    forgotten = st.session_state.get(_FORGOTTEN, 0)
    data = {"done": sorted(done()), "complete": completed(), "on": on(), "forget": forgotten}
    _keeper(data=data, key="_keep", on_kept_change=_take)


def _take() -> None:
    kept = st.session_state.get("_keep", {}).get("kept")
    if not isinstance(kept, dict) or kept.get("forget") != st.session_state.get(_FORGOTTEN, 0):
        return
    known = {stop.key for stop in STOPS}
    given = kept.get("done")
    st.session_state[_DONE] = done() | (known & {str(key) for key in given} if isinstance(given, list) else set())
    st.session_state[_COMPLETE] = completed() or kept.get("complete") is True
    if kept.get("on") is True and _ON not in st.session_state:
        start()


def notice(page: str, scene: Scene) -> None:
    """Ticks what this page's link shows to be done."""
    st.session_state[_DONE] = done() | {stop.key for stop in STOPS if stop.page == page and stop.done(scene)}


def following(page: str) -> Stop | None:
    """The next stop that is not done, from this page on, then from the beginning."""
    first = next((n for n, stop in enumerate(STOPS) if stop.page == page), 0)
    return next((stop for stop in (*STOPS[first:], *STOPS[:first]) if stop.key not in done()), None)


def render_hint(page: str) -> None:
    """What the tour asks for on this page, or where it goes on."""
    here = [stop for stop in STOPS if stop.page == page]
    if not on() or not here:
        return
    left = [stop for stop in here if stop.key not in done()]
    if left:
        markup.note(f"Tour: {left[0].say}", "tour")
    else:
        _onward(page, "Tour, done here. ")


def _onward(page: str, before: str = "") -> None:
    stop = following(page)
    if stop:
        page_declarations.show_link(
            stop.page, f"{before}Next stop: {page_declarations.target(stop.page)[0].menu_title}"
        )
    else:
        page_declarations.show_link("test_yourself", f"{before}All done: test yourself")


def render_sidebar(page: str) -> None:
    """How far the tour is, and the way to its next stop."""
    if not on():
        return
    with st.sidebar:
        st.caption(f"Tour: {len(done())} of {len(STOPS)} done")
        _onward(page)
        st.button("End the tour", on_click=start, args=(False,), type="tertiary")


def render_overview() -> None:
    """All stops with their ticks."""
    finished = done()
    title = f"The tour: {len(STOPS)} things to do, {len(finished)} done"
    opened = st.expander(title, expanded=on(), on_change="rerun", key="_tour_stops")
    if not opened.open:
        return
    with opened:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button("Take the tour" if not on() else "End the tour", on_click=start, args=(not on(),))
            if finished or completed():
                st.button("Forget what I did", on_click=restart, type="tertiary")
        for stop in STOPS:
            _line(stop.page, f"{page_declarations.target(stop.page)[0].menu_title}: {stop.say}", stop.key in finished)
        st.write("And then:")
        _line("test_yourself", "Test yourself: 8 of 10 complete the lesson.", completed())


def _line(page: str, text: str, ticked: bool) -> None:
    tick = "check_circle" if ticked else "radio_button_unchecked"
    page_declarations.show_link(page, f"{text}{' Done.' if ticked else ''}", f":material/{tick}:")
