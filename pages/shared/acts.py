"""Acts: what a visitor does in a component, noted in its callback and done by the page, once. See shared/acts.js."""

from typing import Any

import streamlit as st

from lm_core.errors import InvalidInput, whole_number
from pages.shared import url_state


class Acts:
    """The acts of one component. Its trigger is named `act`: a mapping with `kind` and `id`.

    `seed` is the link parameter that an act of kind "seed" sets, before any control of the run reads it.
    """

    def __init__(self, key: str, seed: str) -> None:
        self.key = key
        self._seed = seed
        self._act, self._handled = f"_{key}_act", f"_{key}_handled"

    def on_event(self) -> None:
        """The component's callback. An act that was done already is one whose answer was lost."""
        act = getattr(st.session_state.get(self.key), "act", None)  # a component on its way out has left nothing
        if not isinstance(act, dict) or act.get("id") == self.last():
            return
        if act.get("kind") == "seed":
            try:
                seed = whole_number("seed", act.get("seed"), 0, 2**32 - 1)
            except InvalidInput:
                return
            st.session_state[url_state.key_of(self._seed)] = seed
        st.session_state[self._act] = act

    def take(self) -> dict[str, Any] | None:
        """What the visitor wants and has not got yet; from now on it counts as done."""
        act: dict[str, Any] | None = st.session_state.pop(self._act, None)
        if act:
            st.session_state[self._handled] = act.get("id")
        return act

    def last(self) -> str:
        """The id of the last act that was done, so that the component knows."""
        return str(st.session_state.get(self._handled, ""))
