"""A page's examples: each sets its scene and leaves the visitor's own view of it as it is."""

from collections.abc import Iterable

import streamlit as st

from pages.shared import url_state


def render(examples: dict[str, dict[str, str]], resets: Iterable[str] = ()) -> None:
    """A button that opens the examples of the page it stands on. What `resets` names goes back to its default too."""

    def follow() -> None:
        every = {name for scene in examples.values() for name in scene}
        url_state.follow(examples[st.session_state["_example"]], replaces=every | set(resets))

    st.menu_button("Examples", list(examples), key="_example", on_click=follow, icon=":material/lightbulb:")
