"""A callback is carried out whole: Streamlit's own session state, and a runner that would give way at once."""

import pytest
from streamlit.runtime.state.safe_session_state import SafeSessionState
from streamlit.runtime.state.session_state import SessionState
from streamlit.testing.v1 import AppTest

from pages.shared import callbacks


class Hasty:
    """A runner for which the next message is always there already."""

    _execing = True

    def give_way(self) -> None:
        if self._execing:
            raise InterruptedError


@pytest.fixture
def _as_streamlit_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    original = SafeSessionState.on_script_will_rerun
    monkeypatch.setattr(SafeSessionState, "on_script_will_rerun", getattr(original, "of_streamlit", original))


@pytest.mark.usefixtures("_as_streamlit_has_it")
def test_it_is_not_interrupted_by_the_next_message(monkeypatch: pytest.MonkeyPatch) -> None:
    runner = Hasty()
    state = SafeSessionState(SessionState(), runner.give_way)

    def taken(_state: SessionState, *_states: object, **_more: object) -> None:
        state["text"], state["version"] = "The capital of France is Paris", 1

    monkeypatch.setattr(SessionState, "on_script_will_rerun", taken)
    with pytest.raises(InterruptedError):
        state.on_script_will_rerun(None)
    callbacks.carry_out_whole()
    callbacks.carry_out_whole()  # once is enough, twice no harm
    state.on_script_will_rerun(None)
    with pytest.raises(InterruptedError):
        state["text"]  # from here on the run gives way again
    runner._execing = False
    assert (state["text"], state["version"]) == ("The capital of France is Paris", 1)


def test_what_was_asked_for_is_done_once_however_many_runs_are_interrupted() -> None:
    def page() -> None:
        import streamlit as st

        from pages.shared import callbacks

        st.button("Run", on_click=callbacks.want, args=("a long run",))
        if callbacks.wanted("a long run"):
            st.session_state.begun = st.session_state.get("begun", 0) + 1
            if st.session_state.begun == 1:
                st.stop()  # as if the next message had come meanwhile
            callbacks.done("a long run")
        st.text(f"begun {st.session_state.get('begun', 0)}")

    app = AppTest.from_function(page).run()
    app.button[0].click().run()
    assert not app.text
    for _ in range(2):
        app.run()
        assert [text.value for text in app.text] == ["begun 2"]
