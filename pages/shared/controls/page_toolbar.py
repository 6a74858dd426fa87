"""What stands above a page: its examples, and the switch between its views."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.shared import markup, url_state

View = Callable[[DeltaGenerator], Callable[[], None] | None]
"""Asks, beside the controls it is given; returns what shows the answer once the link is written, if there is one."""


def examples(examples: dict[str, dict[str, str]], resets: Iterable[str] = ()) -> None:
    """A button that opens the examples of the page it stands on. What `resets` names goes back to its default too."""

    def follow() -> None:
        every = {name for scene in examples.values() for name in scene}
        url_state.follow(examples[st.session_state["_example"]], replaces=every | set(resets))

    st.menu_button("Examples", list(examples), key="_example", on_click=follow, icon=":material/lightbulb:")


def views(
    scenes: dict[str, dict[str, str]],
    resets: Iterable[str],
    offered: Mapping[str, tuple[str, View]],
    declare: Callable[[], None],
) -> None:
    """The page: examples, the choice of a view by its title, and that view. The first is open unless a link says else.

    `declare` declares the parameters of all views, so that those of closed ones stay in the link.
    """
    presenting = url_state.presenting()
    hero, below = st.container(), st.container()
    toolbar = (below if presenting else hero).container(horizontal=True, vertical_alignment="center")
    first = next(iter(offered))
    with toolbar:
        examples(scenes, resets)
        look = st.segmented_control(
            "Look at", tuple(offered), key=url_state.choice("look", tuple(offered), first), required=True,
            format_func=lambda name: offered[name][0], label_visibility="collapsed",
        ) or first  # fmt: skip
    declare()
    with markup.plain_errors(), hero:
        with url_state.controls():
            show = offered[look][1](toolbar)
        if show:
            show()
