"""What a waiting visitor sees: the place in the queue for the model, and a full server."""

import threading

import streamlit as st
from streamlit.runtime import get_instance
from streamlit.runtime.scriptrunner import get_script_run_ctx

from lm_core.serving import inference_queue, limits, process_resources
from pages.shared import markup

_PLACE = "_waiting_place"
_admitting = threading.Lock()
_admitted: set[str] = set()


def render_placeholder() -> None:
    """Where the place in line will be said: first in the frame, out of the page's flow."""
    st.session_state[_PLACE] = st.empty()


def render(ahead: int | None, seconds: float) -> None:
    """Says it in the browser of whoever waits in this thread; None: the wait is over.

    Writing also lets Streamlit end a run that a newer one supersedes: the request then leaves the line.
    """
    if get_script_run_ctx(suppress_warning=True) is None or _PLACE not in st.session_state:
        return
    if ahead is None:
        st.session_state[_PLACE].empty()
        return
    line = f"{ahead} before you" if ahead else "it is your turn"
    about = f", about {seconds:.0f} s" if seconds >= 1 else ""
    with st.session_state[_PLACE]:
        markup.show(f'<p class="nte-waiting" role="status">In line for the model: {line}{about}.</p>')


def connect_queue() -> None:
    """Lets the line for the model talk to those who wait. Called once, when the server starts."""
    inference_queue.queue.waiting = render


def admit() -> None:
    """Ends the run with a sentence where as many visitors are here as the server takes."""
    context, runtime = get_script_run_ctx(), get_instance()
    if context is None or context.session_id in _admitted:
        return
    with _admitting:
        _admitted.difference_update([key for key in _admitted if not runtime.is_active_session(key)])
        why = f"{limits.SESSIONS} visitors are here, which is what this server takes."
        if len(_admitted) < limits.SESSIONS:
            why = "This server can open no more connections." if short_of_descriptors() else ""
        if not why:
            _admitted.add(context.session_id)
    if why:
        st.title("The room is full")
        markup.note(f"{why} Reload the page in a while.")
        st.stop()


def short_of_descriptors() -> bool:
    """Whether the process has just enough descriptors left for those who are here."""
    return process_resources.free_descriptors() < process_resources.RESERVE
