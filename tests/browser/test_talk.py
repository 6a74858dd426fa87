"""The presenter's talk: ten scenes by keys alone, as they were written down, through cuts and bad scenes."""

from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from pages.shared.talk import read
from tests.browser.proxy import Wire
from tests.browser.screen import fills_a_stage, settled
from tests.browser.server import ROOT, Server
from tests.reliability import LONG, cases

Open = Callable[..., Page]
STAGE = {"width": 1280, "height": 720}
TALK = "/next_token?present=1&scenes=temperature"
HELD = {"left": 1_500}
"""How long messages of a scene that was left are held: five seconds for people, less where a test waits for it."""


def at(page: Page, scene: int, of: int = 10) -> None:
    expect(page.get_by_role("group", name="Talk")).to_contain_text(f"{scene} / {of}")
    settled(page)


def temperature(page: Page) -> str:
    return page.get_by_label("Temperature as a number").input_value()


def test_ten_scenes_by_page_down_alone(server: Server, open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    scenes = read((ROOT / "assets/talks/temperature.txt").read_text(encoding="utf-8"))
    assert len(scenes) == 10
    page = open_page(server, TALK, viewport=STAGE)
    for number, scene in enumerate(scenes, start=1):
        at(page, number)
        expect(page.get_by_role("heading", level=1)).to_have_text(scene.title)
        fills_a_stage(page)
        page.keyboard.press("PageDown")
    at(page, 10)  # behind the last scene there is none
    page.keyboard.press("PageUp")
    at(page, 9)


def test_keys_move_the_scene_and_never_the_slider(server: Server, open_page: Open) -> None:
    page = open_page(server, f"{TALK}&scene=3", viewport=STAGE)
    at(page, 3)
    assert temperature(page) == "0.5"
    slider = page.get_by_role("slider", name="Temperature")
    box = slider.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.25, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, y, steps=8)
    page.mouse.up()
    moved = temperature(page)
    assert float(moved) > 1
    page.keyboard.press("ArrowRight")
    at(page, 4)
    assert temperature(page) == "2"
    page.keyboard.press("ArrowLeft")
    at(page, 3)
    assert temperature(page) == "0.5"  # as it was written down, not as it was left
    page.get_by_label("Temperature as a number").focus()
    page.keyboard.press("PageDown")
    at(page, 4)


def test_arrows_stay_in_a_text_box_and_page_down_does_not(server: Server, open_page: Open) -> None:
    page = open_page(server, TALK, viewport=STAGE)
    at(page, 1)
    prompt = page.get_by_role("textbox")
    prompt.click()
    for key in ("ArrowLeft", "ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    settled(page)
    at(page, 1)
    page.keyboard.press("PageDown")
    at(page, 2)


def test_hasty_presses_land_where_they_lead_and_stay(server: Server, open_page: Open) -> None:
    page = open_page(server, TALK, timers=HELD, viewport=STAGE)
    at(page, 1)
    for _ in range(6):
        page.keyboard.press("PageDown")
    at(page, 7)
    page.wait_for_timeout(HELD["left"] + 500)  # what old scenes still had to say has been said
    at(page, 7)
    assert "scene=7" in page.url
    again = open_page(server, page.url.removeprefix(server.url), viewport=STAGE)
    at(again, 7)
    assert temperature(again) == temperature(page) == "1.6"


@pytest.mark.long("ten scenes, back and forth")
def test_a_change_of_mind_is_obeyed(server: Server, open_page: Open) -> None:
    """However fast it comes."""
    page = open_page(server, f"{TALK}&scene=6", timers=HELD, viewport=STAGE)
    at(page, 6)
    for gap in (30, 60, 100, 150) if LONG else (30, 100):
        for keys, scene in ((("PageDown", "PageUp"), 6), (("PageDown", "PageUp", "PageDown"), 7), (("PageUp",), 6)):
            for key in keys:
                page.keyboard.press(key)
                page.wait_for_timeout(gap)
            at(page, scene)
    page.wait_for_timeout(HELD["left"] + 500)
    at(page, 6)


def test_an_unfinished_edit_ends_with_its_scene(server: Server, open_page: Open) -> None:
    page = open_page(server, f"{TALK}&scene=6", timers=HELD, viewport=STAGE)
    at(page, 6)
    page.get_by_label("Temperature as a number").fill("0.2")
    page.keyboard.press("PageDown")
    at(page, 7)
    assert temperature(page) == "1.6"
    assert page.get_by_label("Seed").input_value() == "4"
    page.keyboard.press("Tab")
    page.wait_for_timeout(HELD["left"] + 500)  # longer than messages of the old scene are held
    assert temperature(page) == "1.6"
    assert "t=1.6" in page.url


def test_what_the_link_of_a_talk_hides_stays_hidden(server: Server, open_page: Open) -> None:
    page = open_page(server, f"{TALK}&hide=examples", viewport=STAGE)
    at(page, 1)
    for scene in (2, 3):
        page.keyboard.press("PageDown")
        at(page, scene)
        expect(page.get_by_role("button", name="Examples")).to_be_hidden()


def test_the_old_picture_stands_until_the_new_one_is_drawn(server: Server, open_page: Open) -> None:
    """The browser freezes what it shows; it is let go only when the next scene's title and bars are there."""
    page = open_page(server, f"{TALK}&scene=9", viewport=STAGE, reduced_motion="no-preference")
    at(page, 9)
    page.evaluate("""() => { const real = document.startViewTransition.bind(document);
        document.startViewTransition = (change) => real(async () => { await change();
            globalThis.letGo = document.querySelector("h1").textContent; }); }""")
    page.keyboard.press("PageDown")
    at(page, 10)
    page.wait_for_function("globalThis.letGo !== undefined")
    assert page.evaluate("globalThis.letGo") == "And without any chance: it goes in circles"


@pytest.fixture
def wire(server: Server) -> Iterator[Wire]:
    wire = Wire(int(server.url.rsplit(":", 1)[1]))
    yield wire
    wire.close()


@pytest.mark.long("waits until the browser has found its server again")
def test_a_cut_loses_nothing(server: Server, open_page: Open, wire: Wire) -> None:
    through = Server(f"http://127.0.0.1:{wire.port}", server.log, server.started)
    page = open_page(through, f"{TALK}&scene=2", viewport=STAGE)
    at(page, 2)
    wire.cut()
    page.wait_for_timeout(cases(500, 3_000))
    page.keyboard.press("PageDown")
    page.wait_for_timeout(cases(1_500, 7_000))
    expect(page.get_by_role("heading", level=1)).to_have_text("Before the probabilities: scores")
    wire.mend()
    expect(page.get_by_role("group", name="Talk")).to_contain_text("3 / 10", timeout=60_000)
    settled(page)
    assert temperature(page) == "0.5"


def test_leaving_presenter_view_leaves_the_talk(server: Server, open_page: Open) -> None:
    page = open_page(server, f"{TALK}&scene=4", viewport=STAGE)
    at(page, 4)
    page.get_by_role("button", name="Leave presenter view").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Temperature")
    settled(page)
    assert "scene" not in page.url
    page.keyboard.press("PageDown")
    expect(page.get_by_role("heading", level=1)).to_have_text("Temperature")


def test_a_link_hides_controls_and_says_what_it_cannot(server: Server, open_page: Open) -> None:
    page = open_page(server, "/temperature?present=1&hide=examples,darts,strip", viewport=STAGE)
    settled(page)
    expect(page.get_by_role("slider", name="Temperature")).to_be_visible()
    for gone in ("Examples", "New dart", "Throw 1,000"):
        expect(page.get_by_role("button", name=gone)).to_be_hidden()
    page = open_page(server, "/temperature?hide=dats", viewport=STAGE)
    expect(page.get_by_text("`hide` must be names of")).to_be_visible()


def test_scenes_of_ones_own(server: Server, open_page: Open) -> None:
    own = "# mine\nCold & **bold** | temperature?from=bot&t=0.3\n   A note.\nCounts | bigram_counts?corpus=six"
    page = open_page(server, f"/?present=1&scenes={quote(own)}", viewport=STAGE)
    at(page, 1, of=2)
    expect(page.get_by_role("heading", level=1)).to_have_text("Cold & **bold**")
    assert temperature(page) == "0.3"
    page.keyboard.press("PageDown")
    at(page, 2, of=2)
    expect(page.get_by_role("heading", level=1)).to_have_text("Counts")


def test_a_file_of_scenes_on_home(server: Server, open_page: Open) -> None:
    page = open_page(server, "/")
    settled(page)
    page.get_by_text("Talks: temperature").click()
    page.locator("input[type=file]").set_input_files(
        {"name": "mine.txt", "mimeType": "text/plain", "buffer": b"One | loss?look=four\nTwo | kv_cache_calculator"}
    )
    page.get_by_role("link", name="Begin: 2 scenes").click()
    at(page, 1, of=2)
    expect(page.get_by_role("heading", level=1)).to_have_text("One")
    page.keyboard.press("PageDown")
    at(page, 2, of=2)


def test_the_talk_on_the_inside_shows_what_its_titles_say(server: Server, open_page: Open) -> None:
    """Six scenes of one page, by keys; each with its figure."""
    page = open_page(server, "/inside_the_transformer?present=1&scenes=inside", viewport=STAGE)
    for number, figure in enumerate(("77.3 %", "·Paris", "14.1 %", "15.9 %", "·Rome", "99.5 %"), start=1):
        at(page, number, of=6)
        expect(page.get_by_role("status").filter(has_text="the model")).to_contain_text(figure)
        fills_a_stage(page)
        page.keyboard.press("PageDown")
