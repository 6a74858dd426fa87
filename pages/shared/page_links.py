"""Links inside the app, written as in the address bar: `temperature?from=bot&t=0.5`."""

from urllib.parse import parse_qsl

import streamlit as st

from pages.shared.page_declarations import Entry, entries


def target(address: str) -> tuple[Entry, dict[str, str]]:
    """The page and the parameters of an address. Raises KeyError for a page that is not there.

    >>> entry, link = target("temperature?from=bot&t=0.5")
    >>> entry.title, link
    ('Temperature', {'from': 'bot', 't': '0.5'})
    """
    url, _, query = address.partition("?")
    pages = {entry.url: entry for entry in entries()}
    return pages["" if url == "home" else url], dict(parse_qsl(query.replace("+", "%2B"), keep_blank_values=True))


def show(address: str, label: str = "", icon: str | None = None) -> None:
    """A link to a scene; without a label it is called like its page."""
    entry, link = target(address)
    st.page_link(entry.file, label=label or entry.title, icon=icon or f":material/{entry.icon}:", query_params=link)
