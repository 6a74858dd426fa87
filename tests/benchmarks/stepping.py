"""One step of generation in a browser, from click to picture: with the kept keys and values, and without them."""

import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from tests.benchmarks.measure import table
from tests.browser import chromium
from tests.browser.server import running

if TYPE_CHECKING:
    from playwright.sync_api import Page

STEPS, WORDS = 15, 200
FORGETFUL = """
from lm_core.serving.served_model import ServedModel
ServedModel._compute = lambda self, ids: self._model.next_logits([ids])[0]
"""
# The generated tokens on the screen, those that lie ahead not counted.
COUNT = """() => {
  const inside = (root) => [...root.querySelectorAll("*")].flatMap((e) => (e.shadowRoot ? [e.shadowRoot] : []));
  return inside(document).flatMap((root) => [...root.querySelectorAll(".chip.made:not(.ahead)")]).length;
}"""


def bench_stepping() -> None:
    """Median milliseconds a click: a step on, and a step on a new branch after going back."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=["--no-sandbox"])
        found = []
        for changed in ("", FORGETFUL):
            with running(Path(folder), changed=changed) as server:
                server.wait_until("/ready")
                prompt = " ".join(f"word{i % 10}" for i in range(WORDS // 2))
                link = urlencode({"prompt": prompt, "t": "0", "max": "200"})
                found.append(_clicks(browser.new_page(), f"{server.url}/generation?{link}"))
        browser.close()
    (on, aside), (slow_on, slow_aside) = found
    claim = "less than without the cache"
    table([(f"Step on {WORDS} tokens: click -> picture, p50", on, "ms", slow_on, claim)])
    table([("the same on a branch, after going back", aside, "ms", slow_aside, claim)])


def _clicks(page: "Page", url: str) -> tuple[float, float]:
    page.goto(url)
    page.locator(".generation tr[data-id]").first.wait_for(timeout=60_000)
    page.evaluate("addEventListener('click', () => { window.pressed = performance.now(); }, true)")
    step = page.get_by_role("button", name="Step", exact=True)

    def timed(wanted: int) -> float:
        page.wait_for_function(f"({COUNT})() === {wanted}", polling="raf", timeout=60_000)
        return float(page.evaluate("performance.now() - window.pressed"))

    on = []
    for count in range(1, STEPS + 1):
        step.click()
        on.append(timed(count))
        time.sleep(0.3)
    page.locator(".chip.made").nth(2).click()
    timed(2)
    time.sleep(0.5)
    page.locator(".generation tr[data-id] .take").nth(1).click()  # another token: all that follows is new
    aside = [timed(3)]
    for count in range(4, STEPS + 1):
        time.sleep(0.3)
        step.click()
        aside.append(timed(count))
    return statistics.median(on), statistics.median(aside)
