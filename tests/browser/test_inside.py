"""Inside the Transformer in a real browser: one pass, no peeking, both sides of a blank, attention, the lens."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.screen import fills_a_stage, settled
from tests.browser.server import Server

Open = Callable[..., Page]
PAGE = "/inside_the_transformer"


def said(page: Page, words: str) -> None:
    expect(page.get_by_role("status").filter(has_text=words)).to_be_visible()


def slide(page: Page, name: str, keys: str, times: int = 1) -> None:
    slider = page.get_by_role("slider", name=name)
    slider.focus()
    for _ in range(times):
        slider.press(keys)
    settled(page)


def test_the_text_is_there_whichever_way_one_comes(server: Server, open_page: Open) -> None:
    page = open_page(server, PAGE)
    settled(page)
    for look, words in (("No peeking", "0 exactly"), ("Both sides", "11.7 %"), ("Attention", "in layer 1, head 1"),
                        ("Layer by layer", "·Paris leads"), ("One pass", "5 next-token")):  # fmt: skip
        page.get_by_text(look, exact=True).click()
        said(page, words)
        settled(page)
    slide(page, "Read the row after token", "ArrowLeft", times=2)
    said(page, "row 3 has read 3 of them")
    assert "at=3" in page.url


@pytest.mark.parametrize("look", ["pass", "mask", "sides", "attention", "lens"])
def test_it_fills_a_stage(server: Server, open_page: Open, look: str) -> None:
    page = open_page(server, f"{PAGE}?look={look}&present=1", viewport={"width": 1280, "height": 720})
    settled(page)
    fills_a_stage(page)
