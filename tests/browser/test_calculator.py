"""The KV-cache calculator in a real browser: the article's figures, other models, what it refuses, what it is given."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from lm_core import pretrained
from lm_core.pretrained.catalogue import entry
from tests.browser.screen import fills_a_stage, settled
from tests.browser.server import Server

Open = Callable[..., Page]
PAGE = "/kv_cache_calculator"


def type_into_cell(page: Page, x: int, row: int, value: str) -> None:
    """Edits a cell of the table as a reader would: a click, Enter, the value; the grid opens its editor in its time."""
    page.get_by_test_id("stDataFrame").scroll_into_view_if_needed()
    table = page.get_by_test_id("stDataFrame").bounding_box()
    assert table is not None
    page.mouse.click(table["x"] + x, table["y"] + 17 + 35 * row)
    for act in (lambda: page.keyboard.press("Enter"), lambda: page.keyboard.press("Control+a"),
                lambda: page.keyboard.type(value), lambda: page.keyboard.press("Enter")):  # fmt: skip
        page.wait_for_timeout(400)
        act()


@pytest.mark.long("types into a table, cell by cell")
def test_an_unknown_layer_type_is_a_row_to_assign(server: Server, open_page: Open) -> None:
    page = open_page(server, f"{PAGE}?arch=imported&n=1024", viewport={"width": 1280, "height": 1000})
    box = page.get_by_label("A model's config.json")
    config = {"num_hidden_layers": 3, "num_attention_heads": 4, "hidden_size": 256, "sliding_window": 64}
    box.fill(json.dumps({**config, "layer_types": ["full_attention", "ring_attention", "ring_attention"]}))
    box.press("Control+Enter")
    expect(page.get_by_role("alert").filter(has_text="Choose one in the table for: ring_attention.")).to_be_visible()
    expect(page.get_by_text("GiB", exact=True)).to_have_count(0)
    settled(page)
    type_into_cell(page, 150, 2, "sliding")  # kind, behind what the layers are called
    expect(page.get_by_text("2 layers x 64 tokens x 2 x 4 KV heads x 64 x 2 B")).to_be_visible()
    settled(page)
    assert "sliding" not in page.url  # an import is part of no link
    page.get_by_role("button", name="Change these layer groups").click()
    expect(page).to_have_url(re.compile("arch=groups&groups="))
    settled(page)
    again = open_page(server, page.url.removeprefix(server.url))
    expect(again.get_by_text("2 layers x 64 tokens x 2 x 4 KV heads x 64 x 2 B")).to_be_visible()


def test_a_gguf_files_first_mib_and_a_config_file(server: Server, open_page: Open, tmp_path: Path) -> None:
    """The real model's file of 98 MB: what is sent is its beginning."""
    page = open_page(server, f"{PAGE}?arch=imported&n=1024")
    sent: list[int] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda data: sent.append(len(data))))
    page.reload()
    settled(page)
    file = page.locator(".kv-file input")
    file.set_input_files(entry(pretrained.DEFAULT).path())
    expect(page.get_by_text("30 layers x 1,024 tokens x 2 x 3 KV heads x 64 x 2 B")).to_be_visible()
    assert 10**6 < sum(sent) < 2 * 10**6
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"num_hidden_layers": 7, "num_attention_heads": 4, "hidden_size": 256}))
    file.set_input_files(config)
    expect(page.get_by_text("7 layers x 1,024 tokens x 2 x 4 KV heads x 64 x 2 B")).to_be_visible()
    config.write_bytes(b"\x00\x01\x02 no model at all")
    file.set_input_files(config)
    expect(page.get_by_role("alert").filter(has_text="`file` must be a config.json or a .gguf")).to_be_visible()


def test_the_answer_can_be_taken_along(server: Server, open_page: Open) -> None:
    page = open_page(server, f"{PAGE}?arch=llama-3.1-70b&n=32768&batch=64&tp=8")
    settled(page)
    page.get_by_text("Show the code, export, hand in").click()
    expect(page.get_by_text("python -m lm_core.kv_sizing")).to_be_visible()
    settled(page)
    given = {}
    for name in ("One page to hand in, HTML", "Question and answer, JSON", "Parts, CSV", "Growth, CSV"):
        with page.expect_download() as download:
            page.get_by_role("button", name=name).click()
        given[name] = Path(download.value.path()).read_text(encoding="utf-8-sig")
    assert "640.00 GiB (687.19 GB)" in given["One page to hand in, HTML"]
    assert json.loads(given["Question and answer, JSON"])["answer"]["cache"]["bytes"]["total"] == 640 * 2**30
    assert given["Parts, CSV"].splitlines()[1].startswith('"80 full layers')
    assert "64,32768,687194767360" in given["Growth, CSV"].splitlines()


@pytest.mark.long("types into a table, cell by cell")
def test_edits_outlive_being_out_of_sight(server: Server, open_page: Open) -> None:
    """Another model, a stage, another page: the table of layer groups comes back as it was left."""
    page = open_page(server, f"{PAGE}?arch=groups", viewport={"width": 1280, "height": 1000})
    settled(page)
    type_into_cell(page, 150, 1, "10")  # layers
    ten = page.get_by_text("10 layers x 2,048 tokens x 2 x 8 KV heads x 128 x 2 B")
    expect(ten).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Present this page").click()
    expect(page.get_by_role("button", name="Leave presenter view")).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Leave presenter view").click()
    expect(ten).to_be_visible()
    settled(page)
    assert "%22layers%22%3A10" in page.url
    sidebar = page.get_by_test_id("stSidebar")
    sidebar.get_by_role("link", name="Temperature").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Temperature")
    settled(page)
    sidebar.get_by_role("link", name="KV-cache calculator").click()
    expect(ten).to_be_visible()


def test_it_fills_a_stage(server: Server, open_page: Open) -> None:
    page = open_page(server, None, viewport={"width": 1280, "height": 720})
    for more in ("", "&mean=1000", "&over=sequences", "&n=200000"):
        page.goto(f"{server.url}{PAGE}?arch=llama-3.1-70b&n=32768&batch=64&tp=8&present=1{more}")
        settled(page)
        expect(page.get_by_role("status").filter(has_text="GiB")).to_be_visible()
        fills_a_stage(page)


def test_users_are_dragged_on_the_bar(server: Server, open_page: Open) -> None:
    """Llama 3.3 70B in 8 bits on four H100: the bar says what the words say, and its handle asks for other users."""
    question = "arch=llama-3.3-70b&wf=fp8&batch=42&n=32768&engine=vLLM&dtype=fp8&tp=4"
    page = open_page(server, f"{PAGE}?{question}")
    settled(page)
    bar, handle = page.locator(".memory-bar"), page.get_by_role("slider", name="Users at once")
    expect(bar.locator(".said")).to_contain_text("42 users: 52.5 GiB of cache on each GPU, too close to call.")
    expect(page.get_by_text("37 at worst and 43 at best")).to_be_visible()
    handle.focus()
    for _ in range(6):
        handle.press("ArrowRight")
    expect(bar.locator(".said")).to_contain_text("48 users: 60.0 GiB of cache on each GPU, does not fit.")
    expect(page).to_have_url(re.compile("batch=48"))
    expect(page.get_by_label("Users at once", exact=True).and_(page.locator("input[type=number]"))).to_have_value("48")
    widths = bar.locator(".part").evaluate_all("parts => parts.map((part) => part.getBoundingClientRect().width)")
    assert sum(widths) == pytest.approx(bar.locator(".bar").bounding_box()["width"] - 2, abs=2)  # type: ignore[index]
