"""Carries out each callback whole, and once, however soon the next message of the same visitor comes.

Streamlit interrupts a run where it touches session state or the screen, also inside a callback. A token taken was lost
when a key was pressed in the same moment: the next run knows of the key, and no longer of the click. So what a button
does is done in its callback; what takes long, or draws, is asked for there and done in the run.
"""

from typing import Any

import streamlit as st
from streamlit.runtime.state.safe_session_state import SafeSessionState

_WANTED = "_wanted_{}"


def want(what: str) -> None:
    """A button's callback: asks for what the next run that gets so far will do."""
    st.session_state[_WANTED.format(what)] = True


def wanted(what: str) -> bool:
    """Whether it was asked for and not done since."""
    return _WANTED.format(what) in st.session_state


def done(what: str) -> None:
    """It has been done, and is not to be done again."""
    st.session_state.pop(_WANTED.format(what), None)


def carry_out_whole() -> None:
    """Lets a run be interrupted only before or after its callbacks. Called once, while the server starts."""
    uninterrupted = SafeSessionState.on_script_will_rerun
    if hasattr(uninterrupted, "of_streamlit"):
        return

    def on_script_will_rerun(self: SafeSessionState, *states: Any, **more: Any) -> None:
        runner = self._yield_callback.__self__  # type: ignore[attr-defined]
        runner._execing = False  # it is asked to give way only while this is set
        try:
            uninterrupted(self, *states, **more)
        finally:
            runner._execing = True

    on_script_will_rerun.of_streamlit = uninterrupted  # type: ignore[attr-defined]
    SafeSessionState.on_script_will_rerun = on_script_will_rerun  # type: ignore[method-assign]
