"""Loss and perplexity in a real browser: a long text while one watches, a file, the stage."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.screen import fills_a_stage, settled
from tests.browser.server import Server

Open = Callable[..., Page]
PAGE = "/loss"


@pytest.mark.long("a text of 1,500 tokens is scored")
def test_a_text_is_scored_while_one_watches(server: Server, open_page: Open) -> None:
    """That a longer one is cut with a sentence is in tests/pages."""
    page = open_page(server, f"{PAGE}?text=a")
    expect(page.get_by_text("The first token has nothing before it and is not scored.")).to_be_visible()
    text = page.get_by_label("Text")
    text.fill("a b " * 400)
    text.press("Control+Enter")
    expect(page.get_by_text(re.compile(r"Scored [\d,]+ of 800 tokens"))).to_be_visible(timeout=60_000)
    expect(page.get_by_text("over 800 tokens")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("and 500 more")).to_be_visible()
    expect(page.get_by_text("This text is too long for a link")).to_be_visible()
    text.fill("")
    text.press("Control+Enter")
    expect(page.get_by_text("There is no text.")).to_be_visible()


def test_factors_as_a_file(server: Server, open_page: Open) -> None:
    page = open_page(server, PAGE)
    settled(page)
    page.get_by_text("Show the code, export").click()
    settled(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Factors, CSV").click()
    lines = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert (len(lines), lines[0].split(",")[2]) == (7, "token")


def test_it_fills_a_stage(server: Server, open_page: Open) -> None:
    page = open_page(server, None, viewport={"width": 1280, "height": 720})
    for look in ("text", "four", "rows", "models"):
        page.goto(f"{server.url}{PAGE}?look={look}&present=1")
        settled(page)
        fills_a_stage(page)
