"""Page 6 in a real browser with real training: play, step, scrub, race; links, kills, files, keys."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Locator, Page, expect

from lm_core.models import model_file
from lm_core.text.corpus import REGIONAL_LOCAL
from lm_core.training.build import trainer
from lm_core.training.recipe import ARTICLE, Recipe
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


@pytest.mark.long("trains")
def test_one_click_to_a_falling_loss(server: Server, open_page: Open) -> None:
    page = at(server, open_page, run_seed="101", steps="100")
    button(page, "Play").click()
    expect(counter(page)).to_have_text(re.compile(r"step [1-9]\d+ of 100, seed 101"))
    page.locator(".training select").select_option("fast")
    expect(said(page)).to_have_text("Done: 100 steps.", timeout=180_000)
    assert 0 < float(facts(page)["held-out loss"].split()[0]) < 4
    labels = page.locator(".training svg .name").all_text_contents()
    assert labels == ["guessing, ln 83: 4.4188", "unigram: 3.8158", "bigram: 0.9369", "grammar, the true floor: 0.5898"]


@pytest.mark.long("trains, and starts a second server")
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
    settled(again)
    assert (top(again), facts(again)["training loss"]) == picture
    expect(again.get_by_label("Your words")).to_have_value("the order left the")


def worker_of(server: Server) -> int:
    """The training process of this server."""
    table = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    workers = [line.split(None, 1) for line in table.splitlines() if "lm_core.training_runs.worker" in line]
    for pid, _ in workers:
        if str(server.log.parent / "runs") in Path(f"/proc/{pid}/environ").read_text():
            return int(pid)
    raise AssertionError("no worker")


@pytest.mark.long("kills a worker, then ends the server")
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


@pytest.mark.long("trains, saves, opens again")
def test_the_model_goes_along_and_comes_back(server: Server, open_page: Open, tmp_path: Path) -> None:
    page = at(server, open_page, text="article", net="ngram", at="120")
    expect(said(page)).to_have_text("Done: 120 steps.", timeout=180_000)
    page.get_by_text("Take the model along, show the code").click()
    settled(page)
    with page.expect_download() as download:
        button(page, "Model of step 120, safetensors").click()
    data = Path(download.value.path()).read_bytes()
    model, about = model_file.from_bytes(data, "mine")
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
    expect(page.locator(".generation tr[data-id] .token").first).to_have_text("hub")
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


@pytest.mark.long("trains")
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
    page.locator(".training select").select_option("fast")
    button(page, "Play").focus()
    page.keyboard.press("Space")
    expect(said(page)).to_have_text("Done: 120 steps.", timeout=180_000)
    curve = page.locator(".training path.loss").get_attribute("d")
    slider.fill("57")
    expect(counter(page)).to_have_text("step 57 of 120, seed 11")
    expect(page.locator(".bars caption")).to_have_text("What comes next, as the model of step 57 has it.")
    expect(said(page)).to_have_text("Paused. The thin line is what is trained already.")
    button(page, "New seed").click()
    expect(counter(page)).to_have_text("step 0 of 120, seed 12")
    play(page)
    expect(said(page)).to_have_text("Done: 120 steps.", timeout=180_000)
    assert page.locator(".training path.loss").get_attribute("d") != curve
    button(page, "Reset").click()
    expect(counter(page)).to_have_text("step 0 of 120, seed 12")


def test_the_stage_holds_it_all(server: Server, open_page: Open) -> None:
    stage = {"viewport": {"width": 1280, "height": 720}}
    page = at(server, open_page, stage, present="1", text="article", net="ngram", at="120")
    expect(said(page)).to_have_text("Done: 120 steps.", timeout=180_000)
    fills_a_stage(page)


def test_a_batch_of_all_lines_and_a_diverged_run(server: Server, open_page: Open) -> None:
    page = at(server, open_page, text="six", batch="all", learning_rate="1e6", steps="50")
    button(page, "Settings").click()
    expect(page.get_by_label("Batch", exact=True)).to_have_value("0")
    page.keyboard.press("Escape")
    play(page)
    expect(said(page)).to_contain_text("lower the learning rate", timeout=30_000)
    expect(button(page, "Step")).to_be_disabled()
    expect(button(page, "Play again")).to_be_visible()


@pytest.mark.long("plays at the speed of the page")
def test_leaving_while_it_plays_keeps_the_place(server: Server, open_page: Open) -> None:
    page = at(server, open_page, run_seed="105", steps="3000")
    play(page, "ten")
    expect(counter(page)).to_have_text(re.compile(r"step \d\d of"))
    page.wait_for_timeout(2500)  # the address bar follows every other second
    page.get_by_test_id("stSidebar").get_by_role("link", name="Count pairs").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Count pairs")
    page.get_by_test_id("stSidebar").get_by_role("link", name="Training").click()
    expect(counter(page)).to_have_text(re.compile(r"step \d\d of 3,000, seed 105"))
