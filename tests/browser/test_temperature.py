"""Page 2 in a real browser with the real model: drag, type, filter, throw, share; by mouse, touch and keys."""

import math
import re
from collections.abc import Callable, Iterator
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import CDPSession, Locator, Page, expect

from lm_core import Transformer, softmax
from lm_core.decoding.strategies import strategy
from lm_core.labels import label
from tests.browser.proxy import Wire
from tests.browser.screen import fills_a_stage, settled
from tests.browser.server import Server
from tests.reliability import cases

Open = Callable[..., Page]


def slider(page: Page) -> Locator:
    return page.get_by_role("slider", name="Temperature")


def row(page: Page, spoken: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=spoken, exact=True))


def exact(cell: Locator) -> float:
    """The figure one has to point at; it comes when the hand rests."""
    expect(cell).to_have_attribute("title", re.compile(r"\d"))
    return float(cell.get_attribute("title") or "nan")


def drawn(page: Page) -> Page:
    """Waits until the bars stand with their names."""
    expect(page.locator(".temperature tr[data-id]").first).to_be_visible()
    expect(page.locator(".temperature tr[data-id] .token").first).not_to_have_text(re.compile("^id "))
    return page


def middle(page: Page) -> tuple[float, float, float]:
    """Left end, right end and height of the slider on the screen."""
    box = slider(page).bounding_box()
    assert box is not None
    return box["x"], box["x"] + box["width"], box["y"] + box["height"] / 2


def drag(page: Page, events: int = 60) -> None:
    """By mouse from the middle to the left end and up to three quarters, letting go there."""
    left, right, y = middle(page)
    page.mouse.move((left + right) / 2, y)
    page.mouse.down()
    page.mouse.move(left + 2, y, steps=events // 2)
    page.mouse.move(left + 0.75 * (right - left), y, steps=events - events // 2)


@pytest.mark.long("a drag of many steps, each drawn")
def test_dragging_moves_the_bars_and_asks_nobody_until_it_ends(server: Server, open_page: Open) -> None:
    sent: list[object] = []
    page = open_page(server, None, own=True)
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    page.goto(server.url + "/temperature")
    drawn(page)
    settled(page)
    before, wide = len(sent), row(page, "space Paris").locator(".fill").bounding_box()
    drag(page, 200)
    narrow = row(page, "space Paris").locator(".fill").bounding_box()
    assert wide is not None
    assert narrow is not None
    assert narrow["width"] < 0.6 * wide["width"]
    page.wait_for_timeout(300)
    assert len(sent) == before
    assert "t=" not in page.url
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"[?&]t=1\.[3-6]"))
    assert len(sent) == before + 1


def test_what_the_page_shows_is_lm_cores(server: Server, open_page: Open, model: Transformer) -> None:
    page = drawn(
        open_page(server, "/temperature?prompt=The%20package%20left%20the&t=1.3&p=0.8&k=500&order=vllm&seed=5")
    )
    logits = model.next_logits([model.tokenizer.encode("The package left the")])[0]
    decision = strategy("vllm", seed=5, temperature=1.3, top_k=500, top_p=0.8).decide(logits)
    for best in decision.final.top(10):
        shown = page.locator(f'tr[data-id="{best.id}"] .percent').first
        assert exact(shown) == pytest.approx(best.probability, abs=1e-6)
        assert page.locator(f'tr[data-id="{best.id}"] .token').inner_text() == label(
            model.tokenizer.token_bytes(best.id)
        )
    expect(page.locator(".pick")).to_contain_text(f"u = {decision.u:.4f}")
    expect(page.locator(".pick")).to_contain_text(label(model.tokenizer.token_bytes(decision.id)))
    kept = int((decision.final.probabilities > 0).sum())
    expect(page.locator(".kept")).to_contain_text(f"Kept: {kept:,} of 49,152 tokens")


ROWS = {
    "The support bot at T = 0.5": ["95.2 %", "4.74 %", "0.03 %", "< 0.01 %", "< 0.01 %"],
    "The support bot, five tokens": ["80.0 %", "17.8 %", "1.46 %", "0.54 %", "0.20 %"],
    "The support bot at T = 2": ["57.5 %", "27.2 %", "7.78 %", "4.72 %", "2.86 %"],
}


def test_the_articles_rows_and_eight_draws_are_examples(server: Server, open_page: Open) -> None:
    page = drawn(open_page(server, "/temperature"))
    for example, rows in ROWS.items():
        page.get_by_role("button", name="Examples").click()
        page.get_by_role("menuitem", name=example, exact=True).click()
        expect(page.locator("tr[data-id] .token")).to_have_text(["correctly", "slowly", "angrily", "the", "</s>"])
        shares = page.locator("tr[data-id] .percent:not(.second)")
        expect(shares).to_have_text(rows)
        expected = softmax([3.0, 1.5, -1.0, -2.0, -3.0], {"0.5": 0.5, "2": 2.0}.get(example.rpartition(" ")[2], 1.0))
        for cell, p in zip(shares.all(), expected):
            arrived = [cell.element_handle(), float(p)]  # exact figures come when the hand rests
            page.wait_for_function("([cell, p]) => Math.abs(Number(cell.title) - p) < 1e-9", arg=arrived)
        settled(page)
    page.get_by_role("button", name="Examples").click()
    page.get_by_role("menuitem", name="Eight seeded draws").click()
    draws = "carrier warehouse carrier warehouse hub warehouse hub warehouse"
    expect(page.locator(".draws")).to_have_text(f"The first eight of this seed: {draws}")
    expect(page.locator("tr[data-id] .percent:not(.second)")).to_have_text(["55.1 %", "33.4 %", "11.5 %"])
    expect(page.locator(".pick")).to_contain_text("The dart stands at u = 0.9431 and lands on carrier (rank 3, 11.5 %)")


@pytest.mark.long("opens the scene twice")
def test_a_link_restores_the_scene(server: Server, open_page: Open) -> None:
    page = drawn(open_page(server, "/temperature?prompt=Once%20upon%20a"))
    slider(page).press("Shift+ArrowRight")
    page.get_by_text("Filters: none").click()
    page.get_by_label("top-p", exact=True).fill("0.9")
    page.get_by_label("top-p", exact=True).press("Enter")
    page.get_by_label("min-p", exact=True).fill("0.01")
    page.get_by_label("Order as in").select_option("llama.cpp")
    page.get_by_role("button", name="Move min-p earlier").click()
    page.get_by_label("Seed").fill("42")
    page.get_by_role("button", name="Throw 1,000").click()
    page.get_by_text("Outline of T = 1").click()
    page.get_by_role("button", name="View").click()
    page.get_by_text("logarithmic").click()
    for part in (
        "t=1.25",
        "p=0.9",
        "m=0.01",
        "order=top_k-min_p-top_p-temperature",
        "seed=42",
        "darts=1",
        "ghost=0",
        "axis=log",
    ):
        expect(page).to_have_url(re.compile(rf"[?&]{re.escape(part)}"))
    parts = (".temperature table", ".summary", ".pick", ".draws", ".kept")
    settled(page)  # the link is written a moment before the picture that it describes
    scene = [page.locator(part).inner_text() for part in parts]
    fresh = drawn(open_page(server, page.url.removeprefix(server.url)))
    settled(fresh)
    assert [fresh.locator(part).inner_text() for part in parts] == scene
    assert fresh.url == page.url
    expect(fresh.locator(".ghost").first).to_be_hidden()
    fresh.close()


def test_keys_and_double_click(server: Server, open_page: Open) -> None:
    page = drawn(open_page(server, "/temperature"))
    box = page.get_by_label("Temperature as a number")
    slider(page).press("ArrowRight")
    expect(box).to_have_value("1.05")
    slider(page).press("Shift+ArrowLeft")
    expect(box).to_have_value("0.8")
    expect(page).to_have_url(re.compile(r"t=0\.8"))
    expect(page.locator(".unseen[aria-live]").last).to_have_text(re.compile(r"^Temperature 0\.8: space Paris 91\.5 %"))
    slider(page).press("Home")
    expect(page.locator(".meaning")).to_have_text(re.compile("T = 0 is greedy"))
    expect(row(page, "space Paris")).to_contain_text("100 %")
    box.fill("1,3")  # as much of the world writes it
    box.press("Enter")
    expect(slider(page)).to_have_attribute("aria-valuetext", re.compile(r"^1\.3\."))
    slider(page).dblclick()
    expect(box).to_have_value("1")
    expect(page).not_to_have_url(re.compile("t="))
    page.locator("tr[data-id]").first.focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".temperature .facts")).to_contain_text("·the (id ")
    expect(slider(page)).to_have_attribute("aria-valuetext", "1. T = 1: as the model said.")


def touch(session: CDPSession, path: list[tuple[float, float]]) -> None:
    """One finger along a path."""
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [dict(zip("xy", path[0]))]})
    for x, y in path[1:]:
        session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x, "y": y}]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


@pytest.mark.long("a context of its own, with touch")
def test_a_finger_drags_across_and_scrolls_along(server: Server, open_page: Open) -> None:
    page = open_page(server, "/temperature", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    drawn(page)
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    top = "document.querySelector('[data-testid=stMain]').scrollTop"
    left, right, y = middle(page)
    points = [(left + (right - left) * (0.5 + 0.4 * i / 30), y) for i in range(31)]
    touch(session, points)
    expect(page).to_have_url(re.compile(r"t=1\.[6-9]"))
    assert page.evaluate(top) == 0
    before = page.get_by_label("Temperature as a number").input_value()
    left, right, y = middle(page)
    touch(session, [((left + right) / 2, y - 15 * i) for i in range(20)])
    page.wait_for_function(f"{top} > 100")
    assert page.get_by_label("Temperature as a number").input_value() == before


@pytest.fixture
def wired(server: Server) -> Iterator[tuple[Server, Wire]]:
    port = urlsplit(server.url).port
    assert port
    wire = Wire(port)
    yield Server(f"http://127.0.0.1:{wire.port}", server.log, server.started), wire
    wire.close()


@pytest.mark.long("waits until the browser has found its server again")
def test_with_the_wire_cut_dragging_goes_on_and_nothing_is_lost(wired: tuple[Server, Wire], open_page: Open) -> None:
    server, wire = wired
    page = drawn(open_page(server, "/temperature?prompt=The%20package%20left%20the&seed=3"))
    settled(page)
    wire.cut()
    page.wait_for_timeout(500)
    before = page.locator(".temperature .summary").inner_text()
    drag(page)
    assert page.locator(".temperature .summary").inner_text() != before
    page.mouse.up()
    page.wait_for_timeout(1_500)
    t = page.get_by_label("Temperature as a number").input_value()
    assert t != "1"
    wire.mend()
    page.locator('[data-testid="stApp"][data-test-connection-state="CONNECTED"]').wait_for(timeout=60_000)
    slider(page).press("ArrowRight")
    expect(page).to_have_url(re.compile(rf"t={round(float(t) + 0.05, 3):g}(&|$)"), timeout=60_000)
    expect(page).to_have_url(re.compile("seed=3"))
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("The package left the")


def test_bad_input_gets_a_sentence_and_changes_nothing(server: Server, open_page: Open) -> None:
    page = drawn(open_page(server, "/temperature?t=0.7"))
    problem = page.get_by_role("alert").and_(page.locator(".problem"))
    box = page.get_by_label("Temperature as a number")
    for text in ("nan", "-1", "1e9", "", "hot"):
        box.fill(text)
        box.press("Enter")
        expect(problem).to_contain_text("Temperature must be a number from 0 to 2")
    box.fill("3")
    box.press("Enter")
    expect(problem).to_contain_text("Tick “up to 5” for more.")
    page.get_by_text("Filters: none").click()
    for name, text in (("top-k", "0"), ("top-p", "-0.1"), ("top-p", "1.5"), ("min-p", "-1"), ("top-k", "many")):
        page.get_by_label(name, exact=True).fill(text)
        page.get_by_label(name, exact=True).press("Enter")
        expect(problem).to_contain_text(f"{name.capitalize()} must be")
        page.get_by_label(name, exact=True).fill("")
    page.get_by_label("Seed").fill("-3")
    page.get_by_label("Seed").press("Enter")
    expect(problem).to_contain_text("The seed must be a whole number")
    assert "t=0.7" in page.url
    page.get_by_label("top-p", exact=True).fill("1")
    page.get_by_label("top-p", exact=True).press("Enter")
    expect(page.locator(".kept")).to_contain_text("Top-p 1 cuts nothing.")
    page.get_by_label("min-p", exact=True).fill("1")
    page.get_by_label("min-p", exact=True).press("Enter")
    expect(page.locator(".kept")).to_contain_text("Min-p 1 keeps only what is as likely as the likeliest.")


def test_small_is_never_shown_as_zero(server: Server, open_page: Open) -> None:
    """e^-40 and e^-45 are lost in a running sum from the top; their rows must not be."""
    link = urlencode({"from": "pasted", "logits": "a 0\nb -40\nc -45"})
    page = drawn(open_page(server, f"/temperature?{link}"))
    for name, gap in (("b", -40), ("c", -45)):
        cell = row(page, name).locator(".percent").first
        expect(cell).to_have_text("< 0.01 %")
        assert exact(cell) == pytest.approx(math.exp(gap), rel=1e-6)


def test_an_example_chosen_right_after_a_key_holds(server: Server, open_page: Open) -> None:
    """The slider sends its last value when it is left, not when the example is already on its way."""
    for _ in range(cases(1, 3)):
        page = drawn(open_page(server, "/temperature?k=1"))
        slider(page).press("ArrowRight")
        page.get_by_role("button", name="Examples").click()
        page.get_by_role("menuitem", name="The support bot at T = 2", exact=True).click()
        shares = ["57.5 %", "27.2 %", "7.78 %", "4.72 %", "2.86 %"]
        expect(page.locator("tr[data-id] .percent:not(.second)")).to_have_text(shares)
        expect(page).to_have_url(re.compile(r"temperature\?(t=2&from=bot|from=bot&t=2)$"))
        page.wait_for_timeout(700)
        expect(page.locator("tr[data-id] .percent:not(.second)")).to_have_text(shares)
        page.close()


def test_a_thousand_darts_land_as_theory_says(server: Server, open_page: Open) -> None:
    page = drawn(open_page(server, "/temperature?from=bot&darts=1&seed=9"))
    hits = [int(cell.inner_text()) for cell in page.locator("tr[data-id] .thrown").all()]
    assert sum(hits) == 1000
    for count, p in zip(hits, softmax([3.0, 1.5, -1.0, -2.0, -3.0])):
        assert abs(count - 1000 * p) <= 4 * (1000 * p * (1 - p)) ** 0.5
    expect(row(page, "correctly").locator(".thrown")).to_have_attribute("title", re.compile("expected 799.6 ± 12.7"))


def test_thirty_users(server: Server, open_page: Open) -> None:
    page = drawn(open_page(server, "/temperature?prompt=The%20capital%20of%20France%20is&t=0"))
    page.get_by_text("30 users, one prompt").click()
    ask = page.get_by_role("button", name="Ask 30 times")
    ask.wait_for()
    settled(page)  # while the run that drew it goes on, the button moves: a click may land beside it
    ask.click()
    expect(page.get_by_text("1 different text; the most frequent went to 30 users.")).to_be_visible(timeout=60_000)
    settled(page)
    slider(page).press("Shift+ArrowRight")
    expect(page.get_by_text("Prompt or settings have changed since; ask again.")).to_be_visible()


def test_every_temperature_at_once(server: Server, open_page: Open) -> None:
    page = drawn(open_page(server, "/temperature?t=0.5"))
    page.get_by_text("Every temperature at once").click()
    expect(page.locator(".js-plotly-plot")).to_have_count(2)
    expect(page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="·Paris"))).to_contain_text("77.3 %")


def test_on_a_stage_nothing_scrolls_and_it_is_light_unless_the_link_says_dark(server: Server, open_page: Open) -> None:
    page = open_page(
        server,
        f"/temperature?present=1&t=1.4&p=0.9&prompt={'A%20name%20for%20our%20new%20parcel%20robot%20' * 5}is",
        viewport={"width": 1280, "height": 720},
        color_scheme="dark",
    )
    drawn(page)
    expect(page.locator(".temperature")).to_have_attribute("data-dark", "0")
    settled(page)
    fills_a_stage(page)
    box = page.get_by_label("Prompt", exact=True)
    assert box.evaluate("box => box.scrollLeft + box.clientWidth >= box.scrollWidth - 2")  # its end is in sight
    page.get_by_role("button", name="Leave presenter view").click()
    expect(page.locator("tr[data-id]")).to_have_count(10)
    page.get_by_role("button", name="Present this page").click()
    expect(page.locator("tr[data-id]")).to_have_count(5)
    fills_a_stage(page)
    page.goto(page.url.replace("light_theme", "dark_theme"))
    expect(page.locator(".temperature")).to_have_attribute("data-dark", "1")
