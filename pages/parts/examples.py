"""A page's examples: each restores its exact scene, as its link would."""

import streamlit as st

from pages.parts import url_state


def menu(examples: dict[str, dict[str, str]]) -> None:
    """A button that opens the examples of the page it stands on."""

    def follow() -> None:
        url_state.follow(examples[st.session_state["_example"]])

    st.menu_button("Examples", list(examples), key="_example", on_click=follow, icon=":material/lightbulb:")
