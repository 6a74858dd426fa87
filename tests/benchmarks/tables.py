"""The table of pairs in a browser: a change of k on real prose; 16 MB of one's own text, time and memory."""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from lm_core.text.corpus import python_topics
from pages.bigram_counts.controls import KS
from tests.benchmarks.measure import table
from tests.browser import chromium
from tests.browser.server import ROOT, running

if TYPE_CHECKING:
    from playwright.sync_api import Page

MEMORY = """
import resource, sys
from lm_core.text.corpus import from_bytes
from lm_core.models.ngrams.count_table import CountedCorpus
data = open(sys.argv[1], "rb").read()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
text = from_bytes("big.txt", data)
CountedCorpus(text, text.tokenizer("word")).counts(2)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def bench_tables() -> None:
    """Milliseconds from a click to the new caption; seconds from an upload to its table, and what it takes at most."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "big.txt"
        file.write_bytes(("\n".join(python_topics().lines) * 40).encode()[:16_000_000])
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=["--no-sandbox"])
        with running(Path(folder)) as server:
            server.wait_until("/ready")
            page = browser.new_page()
            page.goto(server.url + "/bigram_counts?corpus=python")
            page.locator(".counts .grid tbody tr").first.wait_for(timeout=60_000)
            slider = page.get_by_role("slider", name="k added to each")
            smoothed = [_until(page, lambda: slider.press("ArrowRight"), f"{k:g} added") for k in KS[1:11]]
            page.goto(server.url + "/bigram_counts?corpus=own")
            page.locator(".counts .grid tbody tr").first.wait_for(timeout=60_000)
            read = _until(page, lambda: page.locator("input[type=file]").set_input_files(file), "the 12 most frequent")
        browser.close()
        made = subprocess.run(
            [sys.executable, "-c", MEMORY, file], cwd=ROOT, capture_output=True, text=True, check=True
        )
    table([("k changed on Python's reference -> picture", statistics.median(smoothed), "ms", 0, "< 300 ms")])
    table([("16 MB of text -> its table in the browser", read / 1e3, "s", 0, "<= 10 s")])
    table([("16 MB of text: memory on top, at most", int(made.stdout) / 1024, "MiB", 0, "<= 400 MiB")])


def _until(page: "Page", action: object, text: str) -> float:
    start = time.perf_counter()
    action()  # type: ignore[operator]
    page.locator(".counts").filter(has_text=text).wait_for(timeout=60_000)
    taken = 1e3 * (time.perf_counter() - start)
    page.wait_for_timeout(400)
    return taken
