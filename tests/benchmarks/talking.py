"""How long the next scene of the shipped talk takes, from the key to the whole picture, there and back three times."""

import statistics
import tempfile
import time
from pathlib import Path

from tests.benchmarks.measure import table

SCENES = 10
DRAWN = """(scene) => document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState === "notRunning" &&
  globalThis.talk?.stamp === null && globalThis.talk.wanted === scene && !globalThis.talk.moving"""


def bench_talk() -> None:
    """A browser in presenter view, keys alone."""
    from playwright.sync_api import sync_playwright

    from tests.browser import chromium
    from tests.browser.server import running

    taken = []
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as server, sync_playwright() as playwright:
        server.wait_until("/ready")
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 720}, reduced_motion="reduce")
        page.goto(f"{server.url}/next_token?present=1&scenes=temperature")
        page.wait_for_function(DRAWN, arg=1, timeout=60_000)
        page.wait_for_timeout(2_000)
        for key, scenes in [("PageDown", range(2, SCENES + 1)), ("PageUp", range(SCENES - 1, 0, -1))] * 3:
            for scene in scenes:
                start = time.perf_counter()
                page.keyboard.press(key)
                page.wait_for_function(DRAWN, arg=scene, timeout=20_000)
                taken.append(time.perf_counter() - start)
                page.wait_for_timeout(300)
        browser.close()
    table([
        ("next scene, median", 1e3 * statistics.median(taken), "ms", 0, ""),
        ("next scene, p95", 1e3 * statistics.quantiles(taken, n=20)[-1], "ms", 0, "<= 1000 ms"),
        ("next scene, slowest", 1e3 * max(taken), "ms", 0, ""),
    ])  # fmt: skip
