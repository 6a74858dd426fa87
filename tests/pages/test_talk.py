"""A presenter's wish for a scene is carried out once, however often Streamlit reports it."""

from types import SimpleNamespace

from streamlit.testing.v1 import AppTest


def _heard() -> None:
    import streamlit as st

    from pages.shared import talk

    talk.on_event()
    st.text(str(st.session_state.pop(talk._WANTED, None)))


def test_a_wish_is_heard_once_and_the_next_one_too() -> None:
    stage = AppTest.from_function(_heard)
    wishes = [(2, "a"), (2, "a"), (3, "b"), (2, "c"), ("x", "d"), (None, "e")]
    said = []
    for scene, stamp in wishes:
        stage.session_state["_stage"] = SimpleNamespace(wanted={"scene": scene, "stamp": stamp})
        said.append(stage.run().text[0].value)
    assert said == ["2", "None", "3", "2", "None", "None"]
