"""Page 6 in a real browser with real training: play, step, scrub, race; links, kills, files, keys."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import Locator, Page, expect

from lm_core.corpus import REGIONAL_LOCAL, tracking
from lm_core.distribution import Distribution
from lm_core.models import files
from lm_core.recipe import ARTICLE, Recipe
from lm_core.training.build import texts, trainer
from lm_core.training.opened import open_step
from pages.parts.frame import percent
from tests.browser.screen import fills_a_stage, settled
from tests.browser.server import Server, running

Open = Callable[..., Page]


def at(server: Server, open_page: Open, view: dict[str, object] | None = None, **link: str) -> Page:
    page = open_page(server, f"/training?{urlencode(link)}", **(view or {}))
    expect(page.locator(".training svg")).to_be_visible()
    expect(page.locator(".bars tr[data-id]").first).to_be_visible()
    return page


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def counter(page: Page) -> Locator:
    return page.locator(".training .counter")


def said(page: Page) -> Locator:
    return page.locator(".training .said")


def facts(page: Page) -> dict[str, str]:
    return dict(text.split("\n") for text in page.locator(".training .figures > div").all_inner_texts())


def top(page: Page) -> tuple[str, str]:
    row = page.locator(".bars tr[data-id]").first
    return row.locator(".token").inner_text(), row.locator(".percent").inner_text()


def choose(page: Page, example: str) -> None:
    button(page, "Examples").click()
    page.get_by_role("menuitem", name=example, exact=True).click()


def play(page: Page, speed: str = "fast") -> None:
    page.locator(".training select").select_option(speed)
    button(page, "Play").click()


def test_one_click_to_a_falling_loss(server: Server, open_page: Open) -> None:
    page = at(server, open_page, run_seed="101")
    expect(said(page)).to_have_text("Nothing learned yet: 23,296 random weights. Press Play.")
    button(page, "Play").click()
    expect(counter(page)).to_have_text(re.compile(r"step [1-9]\d+ of 500, seed 101"))
    expect(said(page)).to_have_text("Done: 500 steps.", timeout=180_000)
    floor = tracking(1).grammar
    assert floor is not None
    assert floor.cross_entropy < float(facts(page)["held-out loss"].split()[0]) < 1.05 * floor.cross_entropy
    labels = page.locator(".training svg .name").all_text_contents()
    assert labels == ["guessing, ln 83: 4.4188", "unigram: 3.8158", "bigram: 0.9369", "grammar, the true floor: 0.5898"]


def test_the_articles_run_is_an_example(server: Server, open_page: Open) -> None:
    """Seed 7, 120 steps of Adam: 2.121 -> 0.347, and "hub" after "left regional"."""
    page = at(server, open_page)
    choose(page, "The article’s run")
    expect(counter(page)).to_have_text("step 0 of 120, seed 7")
    button(page, "Step").click()
    expect(counter(page)).to_have_text("step 1 of 120, seed 7")
    assert facts(page)["training loss"] == "2.1210 nats"
    play(page)
    expect(said(page)).to_have_text("Done: 120 steps.", timeout=180_000)
    assert facts(page)["training loss"] == "0.3473 nats"  # before the last update; 0.3468 after it
    assert "best possible on these lines: 0.3466" in page.locator(".training svg .name").all_text_contents()
    expect(page.get_by_label("Your words")).to_have_value("left regional")
    mine = trainer(ARTICLE, REGIONAL_LOCAL)
    for _ in range(120):
        mine.advance()
    words = texts(ARTICLE, REGIONAL_LOCAL).tokenizer
    belief = Distribution(mine.model.next_logits([words.encode("left regional")])[0])
    assert top(page) == ("hub", percent(belief.top(1).rows[0].probability))


def test_a_step_opens(server: Server, open_page: Open) -> None:
    page = at(server, open_page, text="article", net="ngram")
    button(page, "Step").click()
    expect(page.get_by_text("Step 1: 12 predictions, made in one pass.")).to_be_visible()
    button(page, "Step").click()
    expect(page.get_by_text("Step 2: 12 predictions, made in one pass.")).to_be_visible()
    mine = trainer(ARTICLE, REGIONAL_LOCAL)
    mine.advance()
    opened = open_step(mine)
    asked, slopes, changes = (page.locator(".nte-table").nth(i).locator("tbody tr") for i in range(3))
    expect(asked).to_have_count(12)
    first = opened.asked[0]
    cells = asked.first.locator("td").all_inner_texts()
    assert cells == ["regional", f"{100 * first.before:.1f} %", f"{first.loss:.4f}", f"{100 * first.after:.1f} %"]
    assert slopes.first.locator("td").last.inner_text() == f"{opened.slopes[0].slope:+.4f}".replace("-", "−")
    assert changes.first.locator("th").inner_text() == opened.changes[0].name


def test_reset_gives_the_same_curve_and_a_new_seed_another(server: Server, open_page: Open) -> None:
    page = at(server, open_page, text="article", net="ngram")
    curve = page.locator(".training path.loss")
    play(page)
    expect(said(page)).to_have_text("Done: 120 steps.", timeout=180_000)
    first = curve.get_attribute("d")
    button(page, "Reset").click()
    expect(counter(page)).to_have_text("step 0 of 120, seed 7")
    play(page)
    expect(said(page)).to_have_text("Done: 120 steps.", timeout=180_000)
    assert curve.get_attribute("d") == first
    button(page, "New seed").click()
    expect(counter(page)).to_have_text("step 0 of 120, seed 8")
    play(page)
    expect(said(page)).to_have_text("Done: 120 steps.", timeout=180_000)
    assert curve.get_attribute("d") != first


def test_scrubbing_shows_that_step(server: Server, open_page: Open) -> None:
    page = at(server, open_page, text="article", net="ngram", at="120")
    expect(said(page)).to_have_text("Done: 120 steps.", timeout=180_000)
    slider = page.get_by_label("Training time, in steps")
    slider.focus()
    mine = trainer(ARTICLE, REGIONAL_LOCAL)
    words = texts(ARTICLE, REGIONAL_LOCAL).tokenizer
    made = 0
    for step in (10, 11, 57):
        slider.fill(str(step))
        expect(counter(page)).to_have_text(f"step {step} of 120, seed 7")
        while made < step:
            last = mine.advance()
            made += 1
        expect(page.locator(".bars caption")).to_have_text(f"What comes next, as the model of step {step} has it.")
        assert facts(page)["training loss"] == f"{last.loss:.4f} nats"
        row = Distribution(mine.model.next_logits([words.encode("left regional")])[0]).top(1).rows[0]
        assert top(page) == (words.decode([row.id]), percent(row.probability))
    expect(page).to_have_url(re.compile(r"at=57"))
    expect(said(page)).to_have_text("Paused. The thin line is what is trained already.")


def test_a_pause_pauses_and_a_link_restores(server: Server, open_page: Open) -> None:
    page = at(server, open_page, run_seed="102", steps="2000", say_log="the order left the")
    play(page, "ten")
    expect(counter(page)).to_have_text(re.compile(r"step ([5-9]|\d\d+) of"))
    button(page, "Pause").click()
    expect(said(page)).to_have_text(re.compile("^Paused."))
    settled(page)
    here = counter(page).inner_text()
    page.wait_for_timeout(800)
    assert counter(page).inner_text() == here
    step = int(re.findall(r"\d+", here)[0])
    expect(page).to_have_url(re.compile(f"at={step}"))
    picture = top(page), facts(page)["training loss"]
    again = at(server, open_page, **dict(p.split("=") for p in page.url.split("?")[1].replace("+", " ").split("&")))
    expect(counter(again)).to_have_text(here)
    assert (top(again), facts(again)["training loss"]) == picture
    expect(again.get_by_label("Your words")).to_have_value("the order left the")


def test_a_link_to_a_step_nobody_has_made_makes_it(server: Server, open_page: Open) -> None:
    page = at(server, open_page, run_seed="103", at="40")
    expect(counter(page)).to_have_text("step 40 of 500, seed 103", timeout=180_000)
    expect(said(page)).to_have_text(re.compile("^Paused."))


def test_a_rate_that_is_too_high_is_said_with_where_to_go_back_to(server: Server, open_page: Open) -> None:
    page = at(server, open_page, learning_rate="1e6", steps="200", run_seed="5")
    play(page)
    expect(said(page)).to_contain_text("lower the learning rate")
    assert re.search(r"back at step \d+", said(page).inner_text())


def worker_of(server: Server) -> int:
    """The training process of this server."""
    table = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    workers = [line.split(None, 1) for line in table.splitlines() if "lm_core.runtime.worker" in line]
    for pid, _ in workers:
        if str(server.log.parent / "runs") in Path(f"/proc/{pid}/environ").read_text():
            return int(pid)
    raise AssertionError("no worker")


def test_kills_and_the_end_of_the_server(open_page: Open, tmp_path: Path) -> None:
    """kill -9 of the worker: said, resumed. SIGTERM of the server: nothing stays behind."""
    with running(tmp_path) as server:
        server.wait_until("/ready")
        page = at(server, open_page, steps="5000")
        button(page, "Play").click()
        expect(counter(page)).to_have_text(re.compile(r"step [1-9]\d\d"))
        os.kill(worker_of(server), signal.SIGKILL)
        expect(said(page)).to_contain_text("ended unexpectedly", timeout=30_000)
        expect(button(page, "Play")).to_be_hidden()
        expect(button(page, "Step")).to_be_disabled()
        before = counter(page).inner_text()
        button(page, "Resume").click()
        expect(said(page)).to_have_text("Training.")
        expect(counter(page)).not_to_have_text(before)
        worker = worker_of(server)
        page.close()
    end = time.monotonic() + 10
    while Path(f"/proc/{worker}").exists() and "zombie" not in Path(f"/proc/{worker}/status").read_text():
        assert time.monotonic() < end, "a training process outlived its server"
        time.sleep(0.1)


def test_the_model_goes_along_and_comes_back(server: Server, open_page: Open, tmp_path: Path) -> None:
    page = at(server, open_page, text="article", net="ngram", at="120")
    expect(said(page)).to_have_text("Done: 120 steps.", timeout=180_000)
    page.get_by_text("Take the model along, show the code").click()
    with page.expect_download() as download:
        button(page, "Model of step 120, safetensors").click()
    data = Path(download.value.path()).read_bytes()
    model, about = files.from_bytes(data, "mine")
    assert (Recipe.from_json(about["recipe"]), about["step"]) == (ARTICLE, 120)
    mine = trainer(ARTICLE, REGIONAL_LOCAL)
    for _ in range(120):
        mine.advance()
    assert model.next_logits([[1, 6]]).tolist() == mine.model.next_logits([[1, 6]]).tolist()
    page.get_by_text("Open a trained model").click()
    damaged = bytearray(data)
    damaged[-3] ^= 4
    for name, content, sentence in (
        ("damaged.safetensors", bytes(damaged), "damaged.safetensors was changed or damaged since it was written."),
        ("foreign.safetensors", b"PK\x03\x04 something else", "foreign.safetensors is not a file of ours"),
        ("good.safetensors", data, "Opened: good.safetensors."),
    ):
        (tmp_path / name).write_bytes(content)
        page.get_by_test_id("stFileUploader").locator("input").set_input_files(tmp_path / name)
        expect(page.get_by_text(sentence)).to_be_visible()
        page.get_by_role("button", name=f"Remove {name}").click()
        settled(page)
    button(page, "Use it on page Generation").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Generation")
    expect(page.get_by_role("radio", name="Yours")).to_be_checked()
    expect(page.get_by_text("Your own: neural n-gram, step 120.")).to_be_visible()
    page.get_by_label("Prompt", exact=True).fill("left regional")
    expect(page.locator(".walk tr[data-id] .token").first).to_have_text("hub")
    sidebar = page.get_by_test_id("stSidebar")
    picker = sidebar.get_by_role("combobox", name="Model")
    picker.scroll_into_view_if_needed()
    page.wait_for_timeout(500)  # a list that has just opened closes when what it hangs on is scrolled
    picker.click()
    page.get_by_role("option", name="Yours").click()
    expect(sidebar.get_by_text("neural n-gram, step 120. It knows the words of its text")).to_be_visible()
    sidebar.get_by_role("link", name="Next token").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Next token")
    settled(page)
    page.get_by_label("Prompt", exact=True).fill("left regional")
    expect(page.locator(".bars tr[data-id] .token").first).to_have_text("hub")


def test_a_race_and_one_prompt_under_all(server: Server, open_page: Open) -> None:
    page = at(server, open_page, steps="60", run_seed="3")
    page.get_by_text("Race: one text, several models").click()
    button(page, "Start the race").click()
    expect(page.get_by_text("Steps made: Neural n-gram 60, GRU 60, Transformer 60 of 60.")).to_be_visible(
        timeout=180_000
    )
    page.get_by_role("radio", name="three learning rates").click()
    button(page, "Start the race").click()
    expect(page.get_by_text("Steps made: rate 0.0004 60, rate 0.004 60, rate 0.04 60 of 60.")).to_be_visible(
        timeout=180_000
    )
    page.get_by_text("One prompt, all models").click()
    rows = page.locator(".nte-table tr")
    expect(rows).to_have_count(5)
    assert [row.split("\t")[0] for row in rows.all_inner_texts()] == [
        "bigram, counted", "Neural n-gram, step 60", "GRU, step 60", "Transformer, step 60", "SmolLM2-135M-Instruct",
    ]  # fmt: skip


def test_keys_and_announcements(server: Server, open_page: Open) -> None:
    page = at(server, open_page, text="article", net="ngram", run_seed="11")
    button(page, "Step").focus()
    page.keyboard.press("Enter")
    expect(counter(page)).to_have_text("step 1 of 120, seed 11")
    expect(page.locator(".training [aria-live]")).to_have_text(re.compile(r"Step 1 of 120, loss \d\.\d{4} nats"))
    slider = page.get_by_label("Training time, in steps")
    slider.focus()
    page.keyboard.press("Home")
    expect(counter(page)).to_have_text("step 0 of 120, seed 11")
    button(page, "Play").focus()
    page.keyboard.press("Space")
    expect(said(page)).to_have_text("Done: 120 steps.", timeout=180_000)


def test_the_stage_holds_it_all(server: Server, open_page: Open) -> None:
    stage = {"viewport": {"width": 1280, "height": 720}}
    page = at(server, open_page, stage, present="1", text="article", net="ngram", at="120")
    expect(said(page)).to_have_text("Done: 120 steps.", timeout=180_000)
    fills_a_stage(page)


def test_an_example_begins_at_its_beginning(server: Server, open_page: Open) -> None:
    page = at(server, open_page, text="article", net="ngram", at="40")
    expect(counter(page)).to_have_text("step 40 of 120, seed 7", timeout=180_000)
    choose(page, "One state carries the past: a GRU")
    expect(counter(page)).to_have_text("step 0 of 500, seed 0")
    settled(page)
    expect(button(page, "Play")).to_be_visible()


def test_own_words_follow_the_text_until_one_types(server: Server, open_page: Open) -> None:
    page = at(server, open_page, text="own", own="hello")
    words = page.get_by_label("Your words")
    expect(words).to_have_value("hello")
    expect(page.locator(".bars tr[data-id]")).to_have_count(3)  # as many as there are: <bos>, <eos>, hello
    page.get_by_label("Your text, one message a line").fill("red green blue\nred blue green")
    page.get_by_label("Your text, one message a line").press("Control+Enter")
    expect(words).to_have_value("red")
    expect(page.locator(".bars tr[data-id]")).to_have_count(5)


def test_a_batch_of_all_lines_and_a_diverged_run(server: Server, open_page: Open) -> None:
    page = at(server, open_page, text="six", batch="all", learning_rate="1e6", steps="50")
    button(page, "Settings").click()
    expect(page.get_by_label("Batch", exact=True)).to_have_value("0")
    page.keyboard.press("Escape")
    play(page)
    expect(said(page)).to_contain_text("lower the learning rate", timeout=30_000)
    expect(button(page, "Step")).to_be_disabled()
    expect(button(page, "Play again")).to_be_visible()


def test_leaving_while_it_plays_keeps_the_place(server: Server, open_page: Open) -> None:
    page = at(server, open_page, run_seed="105", steps="3000")
    play(page, "ten")
    expect(counter(page)).to_have_text(re.compile(r"step \d\d of"))
    page.wait_for_timeout(2500)  # the address bar follows every other second
    page.get_by_test_id("stSidebar").get_by_role("link", name="Count pairs").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Count pairs")
    page.get_by_test_id("stSidebar").get_by_role("link", name="Training").click()
    expect(counter(page)).to_have_text(re.compile(r"step \d\d of 3,000, seed 105"))


def test_the_same_run_is_trained_once(server: Server, open_page: Open) -> None:
    first = at(server, open_page, run_seed="104", steps="200")
    second = at(server, open_page, run_seed="104", steps="200")
    play(first, "full")
    play(second, "full")
    expect(said(first)).to_have_text(re.compile("Training, with 2 visitors|This run is trained already"))
    for page in (first, second):
        expect(said(page)).to_have_text("Done: 200 steps.", timeout=180_000)
    assert facts(first) == facts(second)  # the seconds, too, are those of one run
    late = at(server, open_page, run_seed="104", steps="200")
    expect(said(late)).to_contain_text("Nothing learned yet")
    play(late, "full")
    expect(said(late)).to_have_text(re.compile("^This run is trained already"))


def test_a_link_finds_a_text_too_long_for_it(server: Server, open_page: Open, tmp_path: Path) -> None:
    page = at(server, open_page, text="own", steps="20")
    (tmp_path / "long.txt").write_text("\n".join(f"the parcel {i % 50} left the hub {i % 7}" for i in range(400)))
    page.get_by_test_id("stFileUploader").first.locator("input").set_input_files(tmp_path / "long.txt")
    expect(page.get_by_text("This text is too long for a link.")).to_be_visible()
    play(page)
    expect(said(page)).to_have_text("Done: 20 steps.", timeout=180_000)
    settled(page)
    expect(page).to_have_url(re.compile(r"run=[0-9a-f]{16}"))
    again = open_page(server, page.url.removeprefix(server.url))
    expect(again.get_by_text("The text of this link is stored with its run")).to_be_visible(timeout=180_000)
    expect(counter(again)).to_have_text("step 20 of 20, seed 0")
    assert facts(again) == facts(page)


def test_what_it_wrote_is_stamped(server: Server, open_page: Open) -> None:
    page = at(server, open_page, text="article", net="ngram", at="120")
    expect(said(page)).to_have_text("Done: 120 steps.", timeout=180_000)
    page.get_by_text("What it wrote along the way").click()
    rows = page.locator(".nte-table tbody tr")
    expect(rows).to_have_count(9)
    steps = [int(step) for step in rows.locator("th").all_inner_texts()]
    assert (steps[0], steps[-1], steps) == (0, 120, sorted(steps))
