"""The KV cache at work in a real browser: the sums, the bytes, stopping, a long prompt, the visitor's own prompt."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.screen import fills_a_stage, settled
from tests.browser.server import Server

Open = Callable[..., Page]
PAGE = "/kv_cache"


def done(page: Page) -> None:
    expect(page.get_by_text("Done.", exact=True)).to_be_visible(timeout=60_000)
    settled(page)


@pytest.mark.long("measures with and without the cache")
def test_the_same_tokens_with_and_without(server: Server, open_page: Open) -> None:
    page = open_page(server, f"{PAGE}?length=own&prompt=The+capital+of+France+is&new=4")
    done(page)
    said = page.get_by_role("status").filter(has_text="With the cache")
    expect(said).to_contain_text("With the cache: 8 tokens read")
    expect(said).to_contain_text("Without: 26 read")
    expect(said).to_contain_text("The same tokens; their logits differ by 0.0000")
    rows = page.get_by_role("row")
    expect(rows.filter(has_text="prefill")).to_contain_text("·Paris")
    expect(rows.filter(has_text=re.compile("^decode 3"))).to_contain_text("360.00 KiB")  # 8 x 45 KiB
    expect(page.get_by_text("= 368,640")).to_be_visible()
    expect(page.get_by_text("from this model’s configuration: the same.")).to_be_visible()
    page.get_by_text("What if it were MHA, GQA or MQA?").click()
    expect(page.get_by_role("row", name="GQA (this model) 3 45.00 KiB")).to_be_visible()
    settled(page)
    page.get_by_text("What to notice").click()
    expect(page.get_by_text("5 + 4 − 1 = 8 tokens")).to_be_visible()
    settled(page)
    page.get_by_text("Show the code, export").click()
    settled(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Steps, CSV").click()
    assert len(download.value.path().read_text().splitlines()) == 5


@pytest.mark.long("measures three times")
def test_a_run_can_be_stopped_and_made_again(server: Server, open_page: Open) -> None:
    page = open_page(server, f"{PAGE}?length=64&new=32")
    expect(page.get_by_text("of 32 new tokens made.")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="prefill")).to_be_visible()
    page.get_by_role("button", name="Stop here").click()
    expect(page.get_by_text(re.compile(r"Stopped after \d+ of 32 new tokens\."))).to_be_visible()
    page.get_by_label("New tokens").fill("2")
    page.get_by_label("New tokens").press("Enter")
    done(page)
    assert "new=2" in page.url
    page.get_by_role("button", name="Measure again").click()
    done(page)
    expect(page.get_by_role("status").filter(has_text="With the cache")).to_contain_text("65 tokens read")


def test_alone_no_comparison_is_claimed(server: Server, open_page: Open) -> None:
    page = open_page(server, f"{PAGE}?length=16&new=2&compare=0")
    done(page)
    expect(page.get_by_role("status").filter(has_text="With the cache")).not_to_contain_text("times")
    expect(page.get_by_role("columnheader", name="ms without")).to_have_count(0)


@pytest.mark.long("measures")
def test_it_fills_a_stage(server: Server, open_page: Open) -> None:
    page = open_page(server, None, viewport={"width": 1280, "height": 720})
    for prompt in ("length=64", "length=own&prompt=The+capital+of+France+is"):
        page.goto(f"{server.url}{PAGE}?present=1&{prompt}")
        done(page)
        fills_a_stage(page)
