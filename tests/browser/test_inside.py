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
                        ("Layer by layer", "·Paris leads"), ("The whole picture", "it leads from layer 30 on"),
                        ("One pass", "5 next-token")):  # fmt: skip
        page.get_by_text(look, exact=True).click()
        said(page, words)
        settled(page)
    slide(page, "Read the row after token", "ArrowLeft", times=2)
    said(page, "row 3 has read 3 of them")
    assert "at=3" in page.url


def test_the_whole_picture_by_hand(server: Server, open_page: Open) -> None:
    """Pointing asks nobody; a click and the keys do; heads are chosen in the maps and on the wall; a link restores."""
    page = open_page(server, PAGE)
    settled(page)
    picture, heads = page.locator(".layers-picture"), page.locator(".layers-heads")
    cell = picture.get_by_role("button", name="layer 17, token 4 ·France")
    expect(picture.locator("path")).to_have_count(5)  # the last cell reads all five tokens
    cell.hover()
    expect(picture.locator(".said")).to_contain_text("After “·France”, layer 17 would predict")
    assert picture.locator("path").count() > 0
    assert page.evaluate("!wire.asked && !wire.running")
    page.mouse.move(2, 2)
    expect(picture.locator(".said")).to_contain_text("After “·is”, layer 30 would predict “·Paris”, 77.3 %.")
    cell.click()
    settled(page)
    expect(page.get_by_text("What layer 17 would predict after token 4")).to_be_visible()
    heads.locator(".maps").get_by_role("button", name="Head 1: looks at the token before").click()
    settled(page)
    assert "cell=17.4" in page.url
    assert "reads=1" in page.url
    expect(picture.locator(".said")).to_contain_text("Head 1 (looks at the token before: 86.2 % on average) read ")
    cell.focus()
    cell.press("ArrowDown")
    expect(picture.locator(".said")).to_contain_text("After “·France”, layer 16 would predict")
    page.keyboard.press("Enter")
    settled(page)
    assert "cell=16.4" in page.url
    expect(picture.locator(".said")).to_contain_text("After “·France”, layer 16 would predict")
    written = heads.get_by_role("group", name="Who wrote ·is")
    written.get_by_role("button").first.click()
    settled(page)
    assert "cell=" in page.url
    wall = heads.get_by_role("group", name="All heads")
    assert wall.get_by_role("button").count() == 270
    wall.get_by_role("button", name="Layer 19, head 9:").click()
    settled(page)
    link = page.url
    assert "cell=19.4" in link
    said = picture.locator(".said").inner_text()
    page.goto("about:blank")
    page.goto(link)
    settled(page)
    expect(picture.locator(".said")).to_have_text(said)


@pytest.mark.parametrize("look", ["picture", "pass", "mask", "sides", "attention", "lens"])
def test_it_fills_a_stage(server: Server, open_page: Open, look: str) -> None:
    page = open_page(server, f"{PAGE}?look={look}&present=1", viewport={"width": 1280, "height": 720})
    settled(page)
    fills_a_stage(page)


def test_a_tap_opens_the_cell_it_meets(server: Server, open_page: Open) -> None:
    page = open_page(server, PAGE, viewport={"width": 390, "height": 844}, has_touch=True)
    settled(page)
    picture = page.locator(".layers-picture")
    for layer in (20, 9):
        picture.get_by_role("button", name=f"layer {layer}, token 4 ·France").tap()
        settled(page)
        assert f"cell={layer}.4" in page.url
        expect(picture.locator(".said")).to_contain_text(f"After “·France”, layer {layer} would predict")


def test_operations_by_hand(server: Server, open_page: Open) -> None:
    """An arrow is opened by its line and by its button, cut, undone; the sweep colours; a fresh browser has it all."""
    page = open_page(server, f"{PAGE}?cell=24.5&reads=5&second=The+capital+of+Italy+is")
    settled(page)
    picture = page.locator(".layers-picture")
    picture.get_by_role("button", name="token 4 ·France, 90.3 %").click()
    settled(page)
    expect(page.get_by_text("Layer 24, head 5: why ·is gives ·France 90.3 % of its attention")).to_be_visible()
    picture.locator("path").first.dispatch_event("click")  # the line to the first token
    settled(page)
    assert "arrow=1" in page.url
    picture.get_by_role("button", name="token 4 ·France, 90.3 %").click()
    settled(page)
    page.get_by_role("button", name="Cut the arrow to ·France").click()
    settled(page)
    said(page, "with what you changed, predicts")
    expect(page.get_by_text("77.3 % to 14.7 %")).to_be_visible()
    page.get_by_role("button", name="Try each of its cells in the first text").click()
    page.get_by_role("button", name="Colour the cells by what mattered").click(timeout=60_000)
    settled(page)
    link = page.url
    assert "off=24.5.5-4" in link
    assert "shade=effect" in link
    page.goto("about:blank")
    page.goto(link)
    settled(page)
    expect(page.get_by_text("77.3 % to 14.7 %")).to_be_visible()
    page.get_by_role("button", name="Undo: layer 24, head 5: ·is reading ·France").click()
    settled(page)
    said(page, "77.3 %")


def test_the_cache_and_a_run_by_hand(server: Server, open_page: Open) -> None:
    """Taking a token marks the columns kept; a run is scrubbed by keys, and the heads' wall follows."""
    page = open_page(server, PAGE)
    settled(page)
    page.get_by_role("button", name="Take ·Paris and read on").click()
    settled(page)
    expect(page.locator(".layers-picture th.kept")).to_have_count(10)  # above and below five columns
    expect(page.get_by_text("5 columns were kept, one was computed")).to_be_visible()
    page.get_by_text("Training run", exact=True).click()
    settled(page)
    wall = page.locator(".layers-heads").get_by_role("group", name="All heads")
    expect(wall.get_by_role("button", name="Layer 2, head 2: looks at what followed")).to_have_count(1)
    slide(page, "Training step", "Home")
    assert "step=0" in page.url
    expect(wall.get_by_role("button", name="Layer 2, head 2: looks at what followed")).to_have_count(0)


def test_everything_by_the_keyboard(server: Server, open_page: Open) -> None:
    """Tab comes to the cell that is open, arrows to all others; then to arrows, switches, bars, maps and the wall."""
    page = open_page(server, f"{PAGE}?cell=24.5&reads=5")
    settled(page)
    reached = []
    page.get_by_label("Colour of a cell").focus()
    for _ in range(60):
        page.keyboard.press("Tab")
        name = page.evaluate(
            "() => { let e = document.activeElement;"
            " while (e?.shadowRoot?.activeElement) e = e.shadowRoot.activeElement;"
            " return e?.getAttribute('aria-label') || e?.innerText || '' }"
        )
        reached.append(str(name))
    for wanted in (
        "token 4 ·France, 90.3 %", "layer 24, token 5 ·is: . ", "Switch off head 5 of layer 24", "Lift the causal mask",
        "layer 30, MLP:", "Head 5: looks at", "Layer 24, head 5:",
    ):  # fmt: skip
        assert any(wanted in name for name in reached), (wanted, reached)
    page.locator(".layers-picture").get_by_role("button", name="layer 24, token 5 ·is").focus()
    for key in ("ArrowLeft", "ArrowUp", "Enter"):
        page.keyboard.press(key)
    settled(page)
    assert "cell=25.4" in page.url
