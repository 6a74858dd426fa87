"""What a run of a page declares of its link: parameters, each with a default and how it is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from streamlit.runtime.scriptrunner import get_script_run_ctx


def written(value: object) -> str:
    """A value as a link holds it: switches are 1 and 0."""
    return str(int(value)) if isinstance(value, bool) else str(value)


@dataclass(frozen=True)
class Parameter:
    """A parameter of this page, as the run has declared it."""

    default: Any
    written: Callable[[Any], str]
    """How a value stands in a link."""
    longest: int
    """Characters; a longer value stays out of the link."""

    def in_link(self, value: object) -> str | None:
        """The value as the link holds it; None for the default, and for what is too long."""
        text = self.written(value)
        return None if text == self.written(self.default) or len(text) > self.longest else text


def browser_holds(key: str) -> bool:
    """Whether the browser has sent a value of this control with what it asks for; True where there is no control.

    What a page sets in a control is told to the browser once. Where a bad connection cut that message off, the browser
    would show the control at its first value, and send that next.
    """
    context = get_script_run_ctx()
    if context is None:
        return True
    session = context.session_state._state
    widget = session.get_widget_id_from_key(key)
    return widget is None or widget in session._new_widget_state


@dataclass
class Run:
    """What this run of a page knows of its link: one entry of the session, because each read of it costs."""

    page: str
    given: dict[str, str] | None
    """The link that opens the page or was just followed."""
    declared: dict[str, Parameter] = field(default_factory=dict)
    put: dict[str, str | None] = field(default_factory=dict)
    """What the link is to hold whatever stands in the control; None for nothing."""
