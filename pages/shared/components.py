"""Our components: their styles and scripts, which the browser loads from this server, and the acts they send back."""

from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import streamlit as st

from lm_core.errors import InvalidInput, whole_number
from pages.shared import url_state

FOLDER = Path("assets/components")
ADDRESS = "/components"
"""Where the server offers the folder; a version follows, so that a browser may keep each file for good."""


@lru_cache
def styles(*names: str) -> str:
    """CSS files of the folder, as one text."""
    return "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in names)


@lru_cache
def version() -> str:
    """Changes with any of the files. They are read once: restart the server after a change."""
    files = sorted(path for path in FOLDER.rglob("*") if path.is_file())
    return sha256(b"".join(path.as_posix().encode() + path.read_bytes() for path in files)).hexdigest()[:12]


def script(name: str) -> str:
    """What Streamlit is given as a component's JavaScript: it imports the module, and offers what that offers.

    A browser never asks again for a module whose fetch was cut off, nor for those that it imports. Under another name
    of the version all of them are new to it, and the server gives the same files.
    """
    return (
        "let found, again = 0;\n"
        "while (!found) {\n"
        f'  const address = new URL("{ADDRESS}/{version()}" + "+".repeat(again) + "/{name}", document.baseURI);\n'
        "  try { found = await import(address.href); } catch (error) { if (++again === 5) throw error; }\n"
        "}\n"
        "export default found.default;\n"
    )


class Acts:
    """What a visitor does in one component, noted in its callback and done by the page, once. See shared/messages.js.

    The component's trigger is named `act`: a mapping with `kind` and `id`.

    `seed` is the link parameter that an act of kind "seed" sets, before any control of the run reads it.
    """

    def __init__(self, key: str, seed: str) -> None:
        self.key = key
        self._seed = seed
        self._act, self._handled = f"_{key}_act", f"_{key}_handled"

    def on_event(self) -> None:
        """The component's callback. An act that was done already is one whose answer was lost."""
        act = getattr(st.session_state.get(self.key), "act", None)  # a component on its way out has left nothing
        if not isinstance(act, dict) or act.get("id") == self.last():
            return
        if act.get("kind") == "seed":
            try:
                seed = whole_number("seed", act.get("seed"), 0, 2**32 - 1)
            except InvalidInput:
                return
            st.session_state[url_state.key_of(self._seed)] = seed
        st.session_state[self._act] = act

    def take(self) -> dict[str, Any] | None:
        """What the visitor wants and has not got yet; from now on it counts as done."""
        act: dict[str, Any] | None = st.session_state.pop(self._act, None)
        if act:
            st.session_state[self._handled] = act.get("id")
        return act

    def last(self) -> str:
        """The id of the last act that was done, so that the component knows."""
        return str(st.session_state.get(self._handled, ""))
