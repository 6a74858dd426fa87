"""Limits in a real browser: each of its views fills a stage."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.screen import fills_a_stage, settled
from tests.browser.server import Server

Open = Callable[..., Page]
PAGE = "/limits"


@pytest.mark.long("six views, one of which scores 200 answers")
def test_it_fills_a_stage(server: Server, open_page: Open) -> None:
    page = open_page(server, None, viewport={"width": 1280, "height": 720})
    for look in ("sums", "syntax", "policy", "lookup", "claims", "repairs"):
        page.goto(f"{server.url}{PAGE}?look={look}&present=1")
        settled(page)
        fills_a_stage(page)
