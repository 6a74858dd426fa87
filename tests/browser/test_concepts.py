"""Every concept of the lesson is touched in a real browser: its control changes the text the map names for it."""

from collections import Counter
from collections.abc import Callable
from urllib.parse import quote

import pytest
from playwright.sync_api import Page

from pages.parts import concepts, links
from pages.parts.concepts import Touch
from tests.browser.server import ROOT, Server
from tests.browser.test_every_page import settled
from tests.browser.touching import READ, said, touch

Open = Callable[..., Page]
TOUCHES = concepts.tomllib.loads((ROOT / concepts.MAP).read_text(encoding="utf-8"))["touch"]
MAP = [
    Touch(row["address"], row["role"], row["control"], row["act"],
          tuple(concepts.Concept(key, *said) for key, said in row["teaches"].items()))
    for row in TOUCHES
]  # fmt: skip


def test_all_123_are_there_once_and_no_control_carries_more_than_six() -> None:
    keys = [concept.key for each in MAP for concept in each.teaches]
    assert sorted(keys) == [f"K{n:03}" for n in range(1, 124)]
    carried = Counter[tuple[str, str]]()
    for each in MAP:
        carried[each.address.partition("?")[0], each.control] += len(each.teaches)
    assert max(carried.values()) <= concepts.MOST


@pytest.mark.parametrize("each", MAP, ids=lambda each: f"{each.address.partition('?')[0]}-{each.control[:30]}")
def test_touching_it_changes_what_it_says(server: Server, open_page: Open, each: Touch) -> None:
    page = open_page(server, "/" + quote(each.address.removeprefix("home"), safe="?&=/"))
    settled(page)
    texts = [concept.changes for concept in each.teaches]
    before = said(page)
    assert [text for text in texts if text in before] == []
    touch(page, each.role, each.control, each.act)
    for text in texts:
        page.wait_for_function(f"(text) => ({READ})().includes(text)", arg=text, timeout=30_000)


def test_every_address_leads_somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    for each in MAP:
        links.target(each.address)
