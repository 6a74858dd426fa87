"""Concepts of the lesson that a component of ours draws by itself: its control changes the text the map names."""

from collections.abc import Callable
from urllib.parse import quote

import pytest
from playwright.sync_api import Page

from pages.about.concept_map import Touch
from tests.browser.screen import settled
from tests.browser.server import Server
from tests.browser.touching import READ, said, touch
from tests.pages.test_concepts import DRAWN, MAP, page_of

Open = Callable[..., Page]
PAGES: dict[str, list[Touch]] = {}
for each in MAP:
    if (page_of(each), each.control) in DRAWN:
        PAGES.setdefault(page_of(each), []).append(each)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.long("some controls make the model write for seconds")
def test_touching_it_changes_what_it_says(server: Server, open_page: Open, name: str) -> None:
    """All of a page in as few loads as there are addresses; an example may be chosen from any scene."""
    address, page = None, None
    for each in PAGES[name]:
        if page is None or each.role == "button" or (each.role != "example" and each.address != address):
            address = each.address
            path = server.url + "/" + quote(address.removeprefix("home"), safe="?&=/")
            page = page or open_page(server, None)
            page.goto(path)
        settled(page)
        texts = [concept.changes for concept in each.teaches]
        before = said(page)
        assert [text for text in texts if text in before] == [], each.control
        touch(page, each.role, each.control, each.act)
        for text in texts:
            page.wait_for_function(f"(text) => ({READ})().includes(text)", arg=text, timeout=60_000)
