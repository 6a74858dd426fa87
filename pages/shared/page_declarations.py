"""What each page declares about itself, read from its file, and links to scenes on it.

At its top each page states TITLE, SECTION, ICON (a Material Symbols name), PROMISE (one sentence), EXAMPLES (name ->
link parameters) and PARAMETERS (the names a link may hold, besides those that go with the reader from page to page).
The number in front of its file name is its place in the reading order.
"""

import ast
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import parse_qsl

import streamlit as st

SECTIONS = ("Home", "Explore", "How it learns", "Serving", "Check", "About")

_DECLARED = ("TITLE", "SECTION", "ICON", "PROMISE", "EXAMPLES", "PARAMETERS")


@dataclass(frozen=True)
class Entry:
    """One page as its file declares it."""

    file: str
    url: str
    """The page's address: its file name without number; Home's is the empty one."""
    title: str
    section: str
    icon: str
    promise: str
    examples: dict[str, dict[str, str]]
    parameters: tuple[str, ...]
    model: bool
    """Whether the page works with the model the visitor has chosen; a page that does not says MODEL = False."""
    wide: bool
    """Whether its picture needs all the room there is: WIDE = True."""

    @property
    def menu_title(self) -> str:
        """How the page is called where pages are listed."""
        return "Home" if self.section == "Home" else self.title


def read(file: Path) -> Entry:
    """What one page file declares, without running it. Raises ValueError naming what is missing."""
    declared = {}
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id.isupper():
            try:
                declared[node.targets[0].id] = ast.literal_eval(node.value)
            except ValueError:
                continue  # a constant of the page's own, computed
    missing = set(_DECLARED) - declared.keys()
    if missing or declared["SECTION"] not in SECTIONS:
        raise ValueError(
            f"{file.name} must state {', '.join(sorted(missing)) or f'a SECTION of {SECTIONS}'} at its top"
        )
    facts = {key.lower(): declared[key] for key in _DECLARED}
    url = "" if facts["section"] == "Home" else file.stem.split("_", 1)[1]
    return Entry(
        file=f"pages/{file.name}", url=url, model=declared.get("MODEL", True), wide=declared.get("WIDE", False), **facts
    )


@lru_cache(maxsize=1)
def entries() -> tuple[Entry, ...]:
    """All pages in reading order."""
    return tuple(read(file) for file in sorted(Path("pages").glob("[0-9]*.py")))


def target(address: str) -> tuple[Entry, dict[str, str]]:
    """The page and the parameters of an address, as in the address bar. Raises KeyError for a page that is not there.

    >>> entry, link = target("temperature?from=bot&t=0.5")
    >>> entry.title, link
    ('Temperature', {'from': 'bot', 't': '0.5'})
    """
    url, _, query = address.partition("?")
    pages = {entry.url: entry for entry in entries()}
    return pages["" if url == "home" else url], dict(parse_qsl(query.replace("+", "%2B"), keep_blank_values=True))


def show_link(address: str, label: str = "", icon: str | None = None) -> None:
    """A link to a scene; without a label it is called like its page."""
    entry, link = target(address)
    st.page_link(entry.file, label=label or entry.title, icon=icon or f":material/{entry.icon}:", query_params=link)
