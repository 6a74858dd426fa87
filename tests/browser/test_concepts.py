"""Every concept of the lesson is touched in a real browser: its control changes the text the map names for it."""

from collections import Counter
from collections.abc import Callable
from urllib.parse import quote

import pytest
from playwright.sync_api import Page

from pages.parts import concepts, links
from pages.parts.concepts import Touch
from tests.browser.screen import settled
from tests.browser.server import ROOT, Server
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


FOLDS = {each.address: [] for each in MAP if each.role == "fold"}
for each in MAP:
    if each.role == "fold":
        FOLDS[each.address].append(each)
LOADS = [*FOLDS.values(), *([each] for each in MAP if each.role != "fold")]
"""Folds of one scene leave each other alone and are opened in one load; any other control gets a load of its own."""


@pytest.mark.parametrize("touches", LOADS, ids=lambda touches: f"{touches[0].address}-{touches[0].control[:30]}")
def test_touching_it_changes_what_it_says(server: Server, open_page: Open, touches: list[Touch]) -> None:
    page = open_page(server, "/" + quote(touches[0].address.removeprefix("home"), safe="?&=/"))
    for each in touches:
        settled(page)
        texts = [concept.changes for concept in each.teaches]
        before = said(page)
        assert [text for text in texts if text in before] == [], each.control
        touch(page, each.role, each.control, each.act)
        for text in texts:
            page.wait_for_function(f"(text) => ({READ})().includes(text)", arg=text, timeout=60_000)


def test_every_address_leads_somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    for each in MAP:
        links.target(each.address)
