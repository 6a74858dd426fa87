"""The address bar as a document: fills a page's controls from the link, says what it refused, writes back.

A reader function returns the key of the control it has filled, so that a page reads
`st.text_area("Prompt", key=url_state.text("prompt", DEFAULT))`.
"""

from collections.abc import Sequence

import streamlit as st

from pages.parts import frame


def _fill(name: str, value: object) -> str:
    """Sets the control's first value; later values are the visitor's own."""
    key = f"control_{name}"
    st.session_state.setdefault(key, value)
    return key


def text(name: str, default: str) -> str:
    """A free text; reading it is the page's business."""
    return _fill(name, st.query_params.get(name, default))


def choice(name: str, allowed: Sequence[int], default: int) -> str:
    """One of a few whole numbers; anything else in the link is refused with a sentence."""
    given = st.query_params.get(name)
    by_text = {str(value): value for value in allowed}
    if given is not None and given not in by_text and f"control_{name}" not in st.session_state:
        choices = ", ".join(by_text)
        frame.note(f"The link asks for {name} = {given[:40]}, but it can be {choices}; {default} is used.")
    return _fill(name, by_text.get(given or "", default))


def write(**parameters: tuple[object, object]) -> None:
    """Puts each (value, default) that differs from its default into the address bar."""
    wanted = {name: str(value) for name, (value, default) in parameters.items() if value != default}
    if st.query_params.to_dict() != wanted:
        st.query_params.from_dict(wanted)
