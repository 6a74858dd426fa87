"""A model that takes its time: who waits is told, in a place that moves nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.server import running

SLOW = """
import threading, time
from lm_core.pretrained.onnx_engine import Engine
inner = Engine._run
def slow(self, *given):
    time.sleep(0.8 if threading.current_thread().name == "inference" else 0)
    return inner(self, *given)
Engine._run = slow
"""


@pytest.mark.long("starts a server that answers slowly")
def test_who_waits_is_told_and_a_newer_text_takes_the_place_of_an_older(
    tmp_path: Path, open_page: Callable[..., Page]
) -> None:
    with running(tmp_path, changed=SLOW) as server:
        server.wait_until("/ready")
        page = open_page(server, "/next_token")
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
