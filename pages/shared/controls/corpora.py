"""The texts that one can count or train on: built in, generated, or the visitor's own."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import streamlit as st

from lm_core.text import corpus
from lm_core.text.corpus import Corpus
from pages.shared import url_state

SIX, ROW, LOG, PYTHON, ARTICLES, OWN = "six", "row", "log", "python", "article", "own"
TITLES = {
    SIX: "Six messages",
    ROW: "Article’s row",
    LOG: "Support log",
    PYTHON: "Python reference",
    ARTICLES: "Article’s six sentences",
    OWN: "Your text",
}
CODE = {
    SIX: "corpus.SIX_MESSAGES",
    ROW: "corpus.HUNDRED_PAIRS",
    LOG: "corpus.tracking()",
    PYTHON: "corpus.python_topics()",
    ARTICLES: "corpus.REGIONAL_LOCAL",
    OWN: 'corpus.from_text("Your text", open("text.txt", encoding="utf-8").read())',
}
"""How each is had in Python, after `from lm_core.text import corpus`."""
EXAMPLE = "the package left the hub\nthe package left the depot\nthe customer left the page"
"""What stands in the box for a text of one's own, and what a link shows that cannot hold one."""
LONGEST = 2000
"""Characters of a text that a link holds."""
_BUILT_IN: dict[str, Callable[[], Corpus]] = {
    SIX: lambda: corpus.SIX_MESSAGES,
    ROW: lambda: corpus.HUNDRED_PAIRS,
    LOG: corpus.tracking,
    PYTHON: corpus.python_topics,
    ARTICLES: lambda: corpus.REGIONAL_LOCAL,
}


@lru_cache(maxsize=len(_BUILT_IN))
def built_in(kind: str) -> Corpus:
    """A text that comes with the app."""
    return _BUILT_IN[kind]()


def own_text(parameter: str, file_key: str) -> tuple[str, Any]:
    """The box and the upload: what was typed, and the file if there is one."""
    typed = st.text_area(
        "Your text, one message a line", key=url_state.text(parameter, EXAMPLE, LONGEST), height=120
    )  # fmt: skip
    file = st.file_uploader("Or a text file, UTF-8, at most 16 MB", key=file_key)
    return typed, file


def typed_corpus(text: str) -> Corpus:
    """What was typed, as a corpus. Raises UnreadableText where it has no words."""
    return corpus.from_bytes("Your text", text.encode("utf-8", "replace"))
