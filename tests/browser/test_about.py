"""About in a real browser: words found, works cited, every concept listed, the server's own facts."""

import hashlib
from collections.abc import Callable

from playwright.sync_api import Page, expect

from lm_core import pretrained
from lm_core.serving import limits
from tests.browser.screen import settled
from tests.browser.server import Server
from tests.browser.touching import said

Open = Callable[..., Page]


def test_a_word_is_found_and_leads_to_where_it_can_be_seen(server: Server, open_page: Open) -> None:
    page = open_page(server, "/about")
    box = page.get_by_label("Find a word")
    box.fill("perplexity")
    box.press("Enter")
    expect(page.get_by_text("1 of 44 words.")).to_be_visible()
    page.get_by_role("link", name="See it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Loss and perplexity")
    expect(page.get_by_text("2.8284").first).to_be_visible()


def test_every_concept_is_listed_with_its_control(server: Server, open_page: Open) -> None:
    page = open_page(server, "/about?look=concepts&find=omitted")
    expect(page.get_by_text("1 of 123 concepts, over 65 controls.")).to_be_visible()
    page.get_by_role("link", name="Try it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Next token")


def test_the_servers_facts_are_facts(server: Server, open_page: Open) -> None:
    page = open_page(server, "/about?look=server")
    settled(page)
    (entry,) = pretrained.catalogue()
    expect(page.get_by_text(hashlib.sha256(entry.path().read_bytes()).hexdigest())).to_be_visible()
    text = said(page)
    for limit in limits.LIMITS:
        unit = limit.unit if limit.value != 1 else limit.unit.removesuffix("s")
        value = f"{limit.value / 2**20:,.0f} MiB" if limit.unit == "bytes" else f"{limit.value:,} {unit}"
        assert f"{limit.name} {value} {limit.key} {limit.reason}" in text
    assert "default model ready" in text
