"""Loss and perplexity in a real browser: a text token by token, the article's numbers, models compared, long texts."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.screen import fills_a_stage, settled
from tests.browser.server import Server

Open = Callable[..., Page]
PAGE = "/loss"


def said(page: Page) -> str:
    settled(page)
    return page.get_by_role("status").filter(has=page.locator("b")).inner_text()


def example(page: Page, name: str) -> None:
    page.get_by_role("button", name="Examples").click()
    page.get_by_role("menuitem", name=name).click()


def test_a_token_against_its_target(server: Server, open_page: Open) -> None:
    page = open_page(server, PAGE)
    expect(page.locator(".nte-chosen")).to_contain_text("·capital")  # the largest loss
    box = page.get_by_label("Look at token")
    box.fill("5")
    box.press("Enter")
    expect(page.locator(".nte-chosen")).to_contain_text(re.compile(r"·Paris.*77\.\d %"))
    settled(page)
    assert "at=5" in page.url
    page.get_by_text("Why logarithms?").click()
    expect(page.get_by_text("The product in float32 still stands after all 6 factors")).to_be_visible()


def test_the_articles_numbers_by_clicking(server: Server, open_page: Open) -> None:
    page = open_page(server, PAGE)
    settled(page)
    example(page, "Four probabilities: 2.8284")
    expect(page.get_by_text("2.8284").first).to_be_visible()
    expect(page.get_by_role("row", name="4 0.125 2.0794 3.0000 50.0 %")).to_be_visible()
    settled(page)
    example(page, "One bad token dominates")
    expect(page.get_by_role("row", name="4 1e-06 13.8155")).to_contain_text("97.8 %")
    settled(page)
    example(page, "A guess among 50,000")
    expect(page.get_by_text("50,000.0000").first).to_be_visible()
    settled(page)
    example(page, "Four rows of logits: 0.209")
    expect(page.get_by_text("0.209", exact=True)).to_be_visible()
    for row in (
        "0 <bos> 1 package 0.864 0.146", "1 <bos> package 2 left 0.824 0.194",
        "2 <bos> package left 3 hub 0.724 0.323", "3 <bos> package left hub 4 <eos> 0.839 0.175",
    ):  # fmt: skip
        expect(page.get_by_role("row", name=row)).to_be_visible()


def test_four_sliders_and_their_link(server: Server, open_page: Open) -> None:
    page = open_page(server, f"{PAGE}?look=four&p=0.5,0.5,0.5,0.475")
    expect(page.get_by_text("2.0258 perplexity")).to_be_visible()
    slider = page.get_by_role("slider", name="p of token 4")
    slider.focus()
    slider.press("ArrowRight")
    expect(page.get_by_text("2.0000 perplexity")).to_be_visible()
    settled(page)
    again = open_page(server, page.url.removeprefix(server.url))
    expect(again.get_by_text("2.0000 perplexity")).to_be_visible()
    slider.press("Home")
    expect(page.get_by_text("∞ perplexity")).to_be_visible()


def test_models_are_compared_by_bytes_alone(server: Server, open_page: Open) -> None:
    page = open_page(server, f"{PAGE}?look=models")
    expect(page.get_by_text("bits per byte: Transformer is the least surprised")).to_be_visible()
    expect(page.get_by_text("Pretrained against Transformer: their perplexities do not compare.")).to_be_visible()
    expect(page.get_by_text("so their perplexities compare.")).to_be_visible()
    text = page.get_by_label("Text")
    text.fill("the rocket reached orbit")
    text.press("Control+Enter")
    expect(page.get_by_role("alert").filter(has_text="'rocket' is none")).to_be_visible()


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


def test_an_impossible_token_is_infinite_and_said(server: Server, open_page: Open) -> None:
    """Bare counts: no message says "reached on"."""
    page = open_page(server, f"{PAGE}?with=counts&words=the+package+reached+on+Friday,+and+Oslo+will+ship+it.")
    expect(page.get_by_text("∞ perplexity: because a token was given probability 0")).to_be_visible()
    expect(page.get_by_text("ln P(text) = −∞ nats")).to_be_visible()
    expect(page.locator(".nte-chosen")).to_contain_text("on")
    expect(page.locator(".nte-chosen")).to_contain_text("∞")
    page.get_by_text("Why logarithms?").click()
    expect(page.get_by_text("The product in float64 is 0 after 4 of")).to_be_visible()


def test_factors_as_a_file(server: Server, open_page: Open) -> None:
    page = open_page(server, PAGE)
    settled(page)
    page.get_by_text("Show the code, export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Factors, CSV").click()
    lines = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert (len(lines), lines[0].split(",")[2]) == (7, "token")


@pytest.mark.parametrize("look", ["text", "four", "rows", "models"])
def test_it_fills_a_stage(server: Server, open_page: Open, look: str) -> None:
    page = open_page(server, f"{PAGE}?look={look}&present=1", viewport={"width": 1280, "height": 720})
    settled(page)
    fills_a_stage(page)
