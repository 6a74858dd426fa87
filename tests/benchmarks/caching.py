"""A decode step with the KV cache and the same step without it, at three lengths; and a rerun of the calculator."""

import statistics
import tempfile
import time
from pathlib import Path

from tests.benchmarks.measure import table
from tests.browser import chromium

LENGTHS, STEPS = (64, 256, 1024), 5


def bench_caching() -> None:
    """Theory: with the cache a step stays about as long (all weights are read once), without it grows with length."""
    from lm_core import pretrained
    from lm_core.generation import cache_benchmark
    from lm_core.text import corpus

    model = pretrained.load()
    ids = model.tokenizer.encode("\n".join(corpus.tracking(1000).lines))
    for length in LENGTHS:
        steps = list(cache_benchmark.measure(model, ids[:length], STEPS + 1))
        kept = statistics.median(s.seconds for s in steps[1:])
        anew = statistics.median(s.seconds_without or 0.0 for s in steps[1:])
        claim = f"reported (peer: without the cache, {length:,} tokens and more read)"
        table([(f"decode step behind {length:,} tokens", 1e3 * kept, "ms", 1e3 * anew, claim)])


def bench_calculator() -> None:
    """The server's own time for one change on the KV-cache calculator."""
    from tests.benchmarks.visitor import Visitor
    from tests.browser.server import running

    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as server:
        server.wait_until("/ready")
        with Visitor(server.url, "home"):
            pass  # the first visit of a server is drawn twice
        table([("page 9 opened in a browser -> its figure", _opening(server.url), "s", 0, "< 1 s")])
        for name, query in (
            ("by hand", ""),
            ("Llama 3.1 70B in vLLM", "arch=llama-3.1-70b&n=32768&batch=64&tp=8&engine=vLLM&dtype=fp8"),
        ):
            with Visitor(server.url, "kv_cache_calculator", query) as visitor:
                taken = [visitor.rerun(after=0.2) for _ in range(30)]
            table([(f"one rerun of page 9, {name}, median", 1e3 * statistics.median(taken), "ms", 0, "< 150 ms")])


def _opening(url: str) -> float:
    """Median seconds from an address to the figure on the screen, the frontend's files in the browser's cache."""
    from playwright.sync_api import sync_playwright

    taken = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=["--no-sandbox"])
        page = browser.new_page()
        for _ in range(6):
            start = time.perf_counter()
            page.goto(f"{url}/kv_cache_calculator")
            page.locator(".nte-sum").wait_for()
            taken.append(time.perf_counter() - start)
    return statistics.median(taken[1:])
