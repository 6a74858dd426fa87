"""Touches one control of a page as a person would, found by what it is and its name, without a browser."""

import re
from typing import Any

from streamlit.proto.Common_pb2 import StringArray, StringTriggerValue
from streamlit.testing.v1 import AppTest

from tests.pages.opening import tell


def find(app: AppTest, name: str, *kinds: str) -> Any:
    """The control of this name, or whose name begins so, of any of these kinds."""
    known = [each for kind in kinds for each in app.get(kind)]
    named = [(each, re.sub(r"\\(\W)", r"\1", each.label)) for each in known]  # as a person reads it
    found = [each for each, label in named if label == name] or [
        each for each, label in named if label.startswith(name)
    ]
    assert found, f"no {' or '.join(kinds)} is named {name!r}"
    return found[0]


def fold(app: AppTest, title: str) -> None:
    """Opens a fold."""
    tell(app, find(app, title, "expander").proto.id, bool_value=True)


def example(app: AppTest, name: str) -> None:
    """Chooses an entry of the examples."""
    menu = next(each.proto for each in app.get("menu_button") if each.proto.label == "Examples")
    assert name in menu.options
    tell(app, menu.id, string_trigger_value=StringTriggerValue(data=name))


def press(app: AppTest, name: str) -> None:
    """Presses a button."""
    find(app, name, "button").click().run()
    assert not app.exception


def fill(app: AppTest, name: str, value: str) -> None:
    """Types into a box, and leaves it; what stands in a form is sent by its button."""
    box = find(app, name, "text_input", "text_area", "number_input")
    kind = float if box.value is None else type(box.value)  # an empty box has no number yet
    box.set_value(kind(value) if box.type == "number_input" else value)
    if form := box.proto.form_id:
        next(each for each in app.button if each.proto.form_id == form).click()
    box.run()
    assert not app.exception


def choose(app: AppTest, name: str) -> None:
    """Chooses one of a few values by its name or how that begins, or switches something on."""
    for kind in ("button_group", "radio", "selectbox"):
        for group in app.get(kind):
            for option in group.options:
                if option.startswith(name) and kind == "button_group":
                    return tell(app, group.proto.id, string_array_value=StringArray(data=[option]))
                if option.startswith(name):
                    return tell(app, group.proto.id, string_value=option)
    switch(app, name, True)


def switch(app: AppTest, name: str, on: bool) -> None:
    """Switches something on or off."""
    find(app, name, "toggle", "checkbox").set_value(on).run()
    assert not app.exception
