"""A small class on the real server: everybody gets their own answers, the model is loaded once, nothing fails."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser import chromium
from tests.browser.server import Server, running
from tests.reliability import cases
from tests.reliability.visitors import Visitor, p95, run_class

SLOW = """
import threading, time
from lm_core.pretrained.engine import Engine
inner = Engine._run
def slow(self, *given):
    time.sleep(1.5 if threading.current_thread().name == "inference" else 0)
    return inner(self, *given)
Engine._run = slow
"""


def test_a_class_types_at_once(server: Server) -> None:
    number = cases(8, 30)
    found = asyncio.run(run_class(server.url, number, words=1))
    assert found.failures == []
    assert len(found.opened) == len(found.burst) == number
    assert len(found.steady) > 3 * number
    assert json.loads(server.get("/ready")[1])["loads"] == 1
    assert "Traceback" not in server.log.read_text()


def test_everybody_gets_the_answer_to_their_own_text(server: Server) -> None:
    """Capitals asked for in one instant: each visitor sees theirs as likeliest, not a neighbour's."""
    capitals = {"France": " Paris", "Italy": " Rome", "Germany": " Berlin", "Japan": " Tokyo", "Cuba": " Havana"}

    async def run() -> list[str]:
        group = [Visitor(server.url, number) for number in range(len(capitals))]
        await asyncio.gather(*(visitor.open() for visitor in group))
        await asyncio.gather(*(v.type(f"The capital of {land} is") for v, land in zip(group, capitals)))
        found = [json.loads(visitor.texts["next_token_bars"])["rows"][0]["label"] for visitor in group]
        for visitor in group:
            await visitor.close()
        return found

    assert [label.replace("·", " ") for label in asyncio.run(run())] == list(capitals.values())


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=chromium.find(), args=["--no-sandbox"])


@pytest.fixture
def slow_page(tmp_path: Path, browser: Browser) -> Iterator[Callable[[], Page]]:
    with running(tmp_path, changed=SLOW) as server:
        server.wait_until("/ready")

        def open_() -> Page:
            page = browser.new_page()
            page.goto(f"{server.url}/next_token")
            return page

        yield open_


def test_who_waits_is_told_and_a_newer_text_takes_the_place_of_an_older(slow_page: Callable[[], Page]) -> None:
    page = slow_page()
    place = page.get_by_role("status").filter(has_text="In line for the model")
    page.get_by_role("rowheader", name="space Paris", exact=True).wait_for(timeout=60_000)
    expect(place).to_have_count(0)
    title = page.get_by_role("heading", level=1)
    stands = title.bounding_box()
    box = page.get_by_label("Prompt", exact=True)
    box.fill("The capital of Spain is")
    expect(place).to_be_visible()
    assert title.bounding_box() == stands, "nothing jumps"
    box.fill("The capital of Italy is")
    expect(page.get_by_role("rowheader", name="space Rome", exact=True)).to_be_visible(timeout=30_000)
    expect(place).to_have_count(0)
    page.close()


def test_p95_is_the_value_that_19_of_20_do_not_exceed() -> None:
    assert p95([float(i) for i in range(1, 21)]) == 19.0
