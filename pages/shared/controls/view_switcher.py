"""Switches between the views of a page; the parameters of closed views stay in the link."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.shared import markup, url_state
from pages.shared.controls import examples

View = Callable[[DeltaGenerator], Callable[[], None] | None]
"""Asks, beside the controls it is given; returns what shows the answer once the link is written, if there is one."""


def render(
    scenes: dict[str, dict[str, str]],
    resets: Iterable[str],
    views: Mapping[str, tuple[str, View]],
    declare: Callable[[], None],
) -> None:
    """The page: examples, the choice of a view by its title, and that view. The first is open unless a link says else.

    `declare` declares the parameters of all views, so that those of closed ones stay in the link.
    """
    presenting = url_state.presenting()
    hero, below = st.container(), st.container()
    toolbar = (below if presenting else hero).container(horizontal=True, vertical_alignment="center")
    first = next(iter(views))
    with toolbar:
        examples.render(scenes, resets)
        look = st.segmented_control(
            "Look at", tuple(views), key=url_state.choice("look", tuple(views), first), required=True,
            format_func=lambda name: views[name][0], label_visibility="collapsed",
        ) or first  # fmt: skip
    declare()
    with markup.plain_errors(), hero:
        with url_state.controls():
            show = views[look][1](toolbar)
        if show:
            show()
