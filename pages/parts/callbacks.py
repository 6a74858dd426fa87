"""Carries out each callback whole, and once, however soon the next message of the same visitor comes.

Streamlit interrupts a run where it touches session state or the screen, also inside a callback. A token taken was lost
when a key was pressed in the same moment: the next run knows of the key, and no longer of the click.
"""

from typing import Any

from streamlit.runtime.state.safe_session_state import SafeSessionState


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
