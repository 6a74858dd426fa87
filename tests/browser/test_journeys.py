"""Three journeys as people make them, with nothing but roles and names: to learn, to present, to size a cache."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.screen import settled
from tests.browser.server import Server

Open = Callable[..., Page]
WIDE, NARROW = {"width": 1280, "height": 720}, {"width": 390, "height": 844}


def heading(page: Page, title: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    settled(page)


@pytest.mark.long("a visit of ten pages")
def test_a_learner(server: Server, open_page: Open) -> None:
    """In by the first door, from page to page by its end, and every page is there; on every other by telephone."""
    page = open_page(server, "/", viewport=WIDE)
    heading(page, "Next-Token Explorer")
    page.get_by_role("link", name="Learn: 30 minutes").click()
    heading(page, "Next token")
    expect(page.get_by_role("note").filter(has_text="Tour:")).to_be_visible()
    for number, title in enumerate((
        "Temperature", "Generation", "Count pairs", "Loss and perplexity", "Training", "Inside the Transformer",
        "KV cache", "KV-cache calculator", "Limits", "Test yourself",
    )):  # fmt: skip
        page.set_viewport_size(NARROW if number % 2 else WIDE)
        page.get_by_role("link", name=f"Next: {title}").click()
        heading(page, title)
    page.get_by_role("button", name="Answer", exact=True).click()


def test_a_presenter(server: Server, open_page: Open) -> None:
    page = open_page(server, "/", viewport=WIDE)
    heading(page, "Next-Token Explorer")
    page.get_by_role("link", name="Present: 10 minutes").click()
    heading(page, "A model gives every token a probability")
    page.get_by_role("button", name="Next scene").click()
    heading(page, "Before the probabilities: scores")
    page.get_by_role("slider", name="Temperature").press("End")
    expect(page.get_by_role("row", name="2 slowly")).to_contain_text("27.2 %")
    page.get_by_role("button", name="Leave presenter view").click()
    heading(page, "Temperature")


def test_an_engineer(server: Server, open_page: Open) -> None:
    page = open_page(server, "/", viewport=NARROW)
    heading(page, "Next-Token Explorer")
    page.get_by_role("link", name="Size a cache: 2 minutes").click()
    heading(page, "KV-cache calculator")
    page.get_by_role("button", name="Examples").click()
    page.get_by_role("menuitem", name="Fewer KV heads: Llama 3.1 8B").click()
    expect(page.get_by_text("4.00 GiB (4.29 GB)").first).to_be_visible()
