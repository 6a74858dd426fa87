"""Opens pages without a browser: Streamlit's AppTest runs app.py, and what it would draw is read from the messages."""

import html
import json
import re
from typing import Any

from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.testing.v1 import AppTest

from pages.shared.page_declarations import Entry, read
from tests.browser.server import ROOT

ENTRIES = [read(file) for file in sorted((ROOT / "pages").glob("[0-9]*.py"))]
FILES = {read(file).url: str(file.relative_to(ROOT)) for file in sorted((ROOT / "pages").glob("[0-9]*.py"))}
PRIVATE = ("visit", "version", "forget")
"""What a component is told of the visit, not of the scene."""


WORDS = ("title", "header", "subheader", "markdown", "caption", "text", "code")
"""Elements of Streamlit that say something."""


def name_of(entry: Entry) -> str:
    return entry.url or "home"


def open_page(url: str = "next_token", **link: str) -> AppTest:
    """A page as a link opens it, in a session of its own; an exception fails the test."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for name, value in link.items():
        app.query_params[name] = value
    app = (app.switch_page(FILES[url]) if url else app).run()
    assert not app.exception
    return app


def components(app: AppTest) -> dict[str, dict[str, Any]]:
    """What each of our components was given, by its name; the prompt boxes by their label."""
    found = {}
    for element in app.get("bidi_component"):
        data = json.loads(element.proto.json) if element.proto.json else {}
        found[data.get("label") or element.proto.component_name.removeprefix("next_token_")] = data
    return found


def send(app: AppTest, name: str, **message: object) -> None:
    """What a component of ours tells the page, as its script in a browser does; then the page's answer."""
    kind = f"next_token_{name}"
    ids = [e.proto.id for e in app.get("bidi_component") if e.proto.component_name in (name, kind)]
    assert len(ids) == 1, f"{len(ids)} components are named {name}"
    tell(app, ids[0], json_value=json.dumps(message))


def tell(app: AppTest, widget: str, **value: object) -> None:
    """The value of a control that AppTest has no words for, by its field of Streamlit's WidgetState."""
    states = app._tree.get_widget_states()
    others = [state for state in states.widgets if state.id != widget]
    app._run(WidgetStates(widgets=[*others, WidgetState(id=widget, **value)]))  # type: ignore[arg-type]
    assert not app.exception


def bars(app: AppTest) -> dict[str, Any]:
    """What the bars of a page were given."""
    return components(app)["bars"]


def markup(app: AppTest) -> str:
    """All our own HTML, without the styles it carries."""
    bodies = (element.proto.body for element in app.get("html"))
    return " ".join(re.sub(r"<style>.*?</style>", "", body, flags=re.DOTALL) for body in bodies)


def said(app: AppTest) -> str:
    """What stands on the page as text: our HTML without its tags, and Streamlit's own words."""
    words = re.sub(r"\s+", " ", html.unescape(re.sub(r"</?[a-zA-Z][^>]*>", " ", markup(app))))
    plain = [str(element.value) for kind in WORDS for element in app.get(kind)]
    return " ".join([words, *plain])


def drawn(app: AppTest) -> list[str]:
    """All that a browser would be sent of the scene, one entry an element, in a form that two sessions share."""
    found = []
    for kind in ("title", "markdown", "caption", "code", "html", "bidi_component", "plotly_chart"):
        for element in app.get(kind):
            if kind == "bidi_component":
                data = json.loads(element.proto.json) if element.proto.json else {}
                data = {name: value for name, value in data.items() if name not in PRIVATE}
                found.append(f"{element.proto.component_name} {json.dumps(data)}")
            elif kind == "html":
                found.append(re.sub(r"<style>.*?</style>", "", element.proto.body, flags=re.DOTALL))
            elif kind == "plotly_chart":
                found.append(element.proto.spec)
            else:
                found.append(str(element.value))
    return found
