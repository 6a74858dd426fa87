"""What appears only on demand: expanders computed while they are open, controls in popovers nobody has opened yet."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import streamlit as st

_STARTS, _COUNT = "_late_starts", "_late_count"
P = ParamSpec("P")
T = TypeVar("T")


def expander(title: str, key: str) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Decorates a function: what it draws stands in an expander, and it is called only while that is open."""

    def wrap(draw: Callable[P, None]) -> Callable[P, None]:
        @wraps(draw)
        def render(*args: P.args, **options: P.kwargs) -> None:
            drawn = st.expander(title, on_change="rerun", key=key)
            if drawn.open:
                with drawn:
                    draw(*args, **options)

        return render

    return wrap


def restart() -> None:
    """Lets every control start from the value under its key. Called when a link is followed."""
    st.session_state[_STARTS] = {}


def control(key: str, widget: Callable[..., T], *args: object, starts: str = "value", **options: object) -> T:
    """A widget for the value under `key`, that may stand in a popover nobody has opened yet.

    Streamlit tells the browser what a page has set in the run that sets it and no more; a control that appears later
    would start from its least value, and send that. So the value is its default, under a key of its own.
    """
    state = st.session_state
    held: dict[str, tuple[str, object]] = state.setdefault(_STARTS, {})
    if key not in held or held[key][0] not in state or state[key] != state[held[key][0]]:
        state[_COUNT] = state.get(_COUNT, 0) + 1
        held[key] = (f"{key}#{state[_COUNT]}", state[key])
    name, start = held[key]
    value = widget(*args, **{starts: start}, key=name, on_change=_take, args=(key, name), **options)
    state[key] = value
    return value


def select(label: str, options: Sequence[T], value: T, **rest: Any) -> T:
    """A selectbox that starts from a value, not from a place, for `control`."""
    return st.selectbox(label, options, index=options.index(value), **rest)


def _take(key: str, name: str) -> None:
    """What the visitor has set, before anything of the next run compares it with what the page holds.

    A message sent on the way to another scene still speaks of a control that is gone: that is no wish.
    """
    if st.session_state[_STARTS].get(key, ("",))[0] == name:
        st.session_state[key] = st.session_state[name]
