"""`hide=` in a link: hides controls that a talk or a lesson does without. The page works on."""

import streamlit as st

from lm_core.errors import InvalidInput
from pages.shared import markup, url_state

NAMES = {
    "title": "h1",
    "examples": ".st-key-_example",
    "view": ".st-key-_view",
    "prompt": '[class*="_prompt_box"], [class*="_line_box"], [class*="_row_box"]',
    "choices": '[data-testid="stButtonGroup"]',
    "notes": ".nte-note",
    "folds": '[data-testid="stExpander"]',
    "seed": "",
    "darts": "",
    "strip": "",
    "filters": "",
    "reset": "",
}
"""Name -> where it stands on a page; those without a place stand inside the temperature component."""


def parse_hidden(text: str) -> str:
    """Names with commas between. Raises InvalidInput naming one that nothing is called by.

    >>> parse_hidden("title, view")
    'title,view'
    """
    given = [name.strip() for name in text.split(",") if name.strip()]
    for name in given:
        if name not in NAMES:
            raise InvalidInput("hide", "names of " + ", ".join(NAMES), name)
    return ",".join(given)


def apply() -> None:
    """Hides what the link names; it goes along to other pages."""
    hidden = str(st.session_state[url_state.parsed("hide", "", parse_hidden)])
    url_state.carry("hide", hidden, "")
    if not hidden:
        return
    names = hidden.split(",")
    places = ", ".join(NAMES[name] for name in names if NAMES[name])
    rules = f"{places} {{ display: none; }}" if places else ""
    inside = "".join(f"--show-{name}: none; " for name in names if not NAMES[name])
    markup.show(f"<style>{rules} :root {{ {inside} }}</style>")
