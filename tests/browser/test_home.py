"""Home in a real browser: alive and whole on the first screen, the loop in one click, the tour that ticks by doing."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.screen import settled
from tests.browser.server import Server

Open = Callable[..., Page]
DOORS = ("Learn: 30 minutes", "Present: 10 minutes", "Size a cache: 2 minutes")


@pytest.mark.parametrize("size", [(1280, 720), (390, 844)])
def test_all_that_matters_is_on_the_first_screen(server: Server, open_page: Open, size: tuple[int, int]) -> None:
    page = open_page(server, "/", viewport={"width": size[0], "height": size[1]})
    settled(page)
    expect(page.get_by_role("row", name=re.compile("space Paris"))).to_be_visible()
    seen = [page.get_by_role("link", name=door) for door in DOORS]
    for element in [page.get_by_role("button", name="Take the top token"), page.get_by_role("textbox"), *seen]:
        box = element.bounding_box()
        assert box is not None
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= size[1]


def test_one_click_is_the_whole_loop(server: Server, open_page: Open) -> None:
    page = open_page(server, "/")
    settled(page)
    box = page.get_by_role("textbox", name="Type the beginning of a text")
    page.get_by_role("button", name="Take the top token").click()
    expect(box).to_have_value("The capital of France is Paris")
    expect(page.get_by_text("504 3575 282 4649 314 7042")).to_be_visible()  # the ids that flow through the map
    page.get_by_role("button", name="Take the top token").click()
    expect(box).to_have_value("The capital of France is Paris.")
    settled(page)
    assert "prompt=The+capital+of+France+is+Paris." in page.url


def test_what_is_typed_while_a_token_is_taken_stays(server: Server, open_page: Open) -> None:
    page = open_page(server, "/")
    settled(page)
    box = page.get_by_role("textbox", name="Type the beginning of a text")
    page.get_by_role("button", name="Take the top token").click()
    box.press_sequentially("!", delay=0)
    expect(box).to_have_value("The capital of France is Paris!")


@pytest.mark.long("walks over several pages")
def test_the_tour_ticks_what_is_done_and_survives_a_reload(server: Server, open_page: Open) -> None:
    page = open_page(server, "/")
    settled(page)
    page.get_by_text("The tour: 12 things to do, 0 done").click()
    page.get_by_role("button", name="Take the tour").click()
    expect(page.get_by_text("Tour: Take the top token once")).to_be_visible()
    page.get_by_role("button", name="Take the top token").click()
    expect(page.get_by_text("Tour: 1 of 12 done")).to_be_visible()
    page.get_by_role("link", name="Next stop: Next token", exact=True).click()
    expect(page.get_by_text("Tour: Switch on “Compare two prompts”")).to_be_visible()
    page.get_by_text("Compare two prompts", exact=True).click()
    page.get_by_role("textbox", name="Prompt (B)").fill("The capital of Italy is")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Tour: 2 of 12 done")).to_be_visible()
    settled(page)
    page.reload()
    settled(page)
    expect(page.get_by_text("Tour: 2 of 12 done")).to_be_visible()
    page.get_by_role("link", name="Home", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Next-Token Explorer")
    settled(page)
    page.get_by_role("button", name="Forget what I did").click()
    expect(page.get_by_text("The tour: 12 things to do, 0 done")).to_be_visible()
    settled(page)
    page.reload()
    settled(page)
    expect(page.get_by_text("The tour: 12 things to do, 0 done")).to_be_visible()
