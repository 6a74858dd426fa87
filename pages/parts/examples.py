"""Examples as links: each restores its exact scene, and can be copied like any other link."""

import streamlit as st

from pages.parts.contents import Entry, entries


def menu(examples: dict[str, dict[str, str]]) -> None:
    """A button that opens the page's examples."""
    here = next(entry for entry in entries() if entry.examples == examples)
    with st.popover("Examples", icon=":material/lightbulb:"):
        for name in examples:
            link(here, name)


def link(entry: Entry, name: str) -> None:
    st.page_link(entry.file, label=name, query_params=entry.examples[name])
