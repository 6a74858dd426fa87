"""Expanders whose content is computed only while they are open."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import streamlit as st

P = ParamSpec("P")


def runs_when_open(title: str, key: str) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Puts what a function draws into an expander, and calls it only while that is open."""

    def wrap(draw: Callable[P, None]) -> Callable[P, None]:
        @wraps(draw)
        def render(*args: P.args, **options: P.kwargs) -> None:
            expander = st.expander(title, on_change="rerun", key=key)
            if expander.open:
                with expander:
                    draw(*args, **options)

        return render

    return wrap
