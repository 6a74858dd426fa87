"""Page 6 while models train: first point, pause, fairness, what others notice, scrubbing; speed beside a bare loop."""

import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from lm_core.training.recipe import Recipe
from lm_core.training_runs.run_folder import RunFolder
from lm_core.training_runs.scheduler import HEARD
from tests.benchmarks.measure import table
from tests.benchmarks.visitor import Visitor
from tests.browser import chromium
from tests.browser.server import ROOT, Server, running

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# The same model, batches and optimiser without records, checkpoints, held-out losses, pages; low in priority as well.
BARE = """
import os, time, torch
os.nice(10)
torch.set_num_threads(1)
from lm_core.text.corpus import tracking
from lm_core.training.recipe import Recipe
from lm_core.training_runs.scheduler import HEARD
from lm_core.training.build import examples, fresh_model, texts
import numpy as np, torch.nn.functional as F
recipe = Recipe(steps=5000)
read = texts(recipe, tracking())
model, rows = fresh_model(recipe, read.tokenizer), examples(recipe, read.learned)
optimiser = torch.optim.AdamW(model.parameters(), lr=recipe.learning_rate, weight_decay=0.0)
generator = np.random.Generator(np.random.PCG64(0))
for step in range({warm} + {steps}):
    if step == {warm}:
        start = time.perf_counter()
    batch = rows.draw(recipe.batch, generator)
    optimiser.zero_grad(set_to_none=True)
    F.cross_entropy(model(batch.inputs, batch.lengths).flatten(0, 1), batch.targets.flatten()).backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimiser.step()
print({steps} / (time.perf_counter() - start))
"""
STEPS = 1_000
LONG_TASKS = """() => { window.blocked = [];
  new PerformanceObserver((list) => blocked.push(...list.getEntries().map((e) => e.duration)))
    .observe({ type: "longtask" }); }"""


def bench_learning() -> None:
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=["--no-sandbox"])
        with running(Path(name)) as server:
            server.wait_until("/ready")
            runs = Path(name) / "runs"
            _speed(browser, server, runs)
            _scrubbing(browser, server)
            _sharing(server)
            _others(server)
            time.sleep(HEARD)  # those who were here are gone
            _class(server)
        browser.close()


def _open(browser: "Browser", server: Server, link: str) -> "Page":
    page = browser.new_page()
    page.goto(f"{server.url}/training?{link}")
    page.locator(".bars tr[data-id]").first.wait_for(timeout=60_000)
    page.evaluate(LONG_TASKS)
    return page


def _step(page: "Page") -> int:
    return int(page.locator(".training .counter").inner_text().split()[1].replace(",", ""))


def _speed(browser: "Browser", server: Server, runs: Path) -> None:
    page = _open(browser, server, "steps=5000&run_seed=1")
    time.sleep(3)  # the page is read before one presses Play
    page.get_by_role("button", name="Play", exact=True).click()
    start = time.perf_counter()
    while _step(page) == 0:
        time.sleep(0.01)
    table([("Play -> first point on the screen", time.perf_counter() - start, "s", 0, "< 3 s")])
    folder = next(RunFolder(path) for path in runs.iterdir() if RunFolder(path).recipe().steps == 5000)

    def rate() -> float:
        while folder.head < 200:
            time.sleep(0.05)
        head, begin = folder.head, time.perf_counter()
        while folder.head < head + STEPS:
            time.sleep(0.02)
        return (folder.head - head) / (time.perf_counter() - begin)

    def bare() -> float:
        code = BARE.replace("{steps}", str(STEPS)).replace("{warm}", "200")
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
        return float(done.stdout)

    charting = rate()
    pause = page.get_by_role("button", name="Pause", exact=True)
    start = time.perf_counter()
    pause.click()
    page.get_by_role("button", name="Play", exact=True).wait_for()
    page.get_by_text("Paused.").wait_for()
    table([("Pause -> paused on the screen", 1e3 * (time.perf_counter() - start), "ms", 0, "< 500 ms")])
    table([("longest refresh of a playing page", max(page.evaluate("blocked"), default=0), "ms", 0, "< 200 ms")])
    loops = [bare()]
    page.get_by_role("button", name="Play", exact=True).click()
    charting = statistics.median([charting, rate()])
    page.get_by_role("button", name="Pause", exact=True).click()
    loops.append(bare())
    peer = statistics.median(loops)
    print(
        f"{'steps/s, page open and charting':46} {charting:9.1f} {peer:9.1f} {'/s':9} {charting / peer:6.2f}x  >= 0.95x"
    )
    page.close()
    page = _open(browser, server, "run_seed=2")
    start = time.perf_counter()
    page.get_by_role("button", name="Play", exact=True).click()
    page.get_by_text(f"Done: {Recipe().steps:,} steps.").wait_for(timeout=120_000)
    table([("default run, Play -> done on the screen", time.perf_counter() - start, "s", 0, "< 60 s")])
    page.close()


def _scrubbing(browser: "Browser", server: Server) -> None:
    page = _open(browser, server, "steps=2000&run_seed=3&at=2000")
    page.get_by_text("Done: 2,000 steps.").wait_for(timeout=180_000)
    slider = page.get_by_label("Training time, in steps")
    taken = []
    for place in range(40):
        step = 1 + 1999 * ((place * 17) % 40) // 40
        start = time.perf_counter()
        slider.fill(str(step))
        while (
            abs(_step(page) - step) > 40
            or f"step {_step(page):,} has" not in page.locator(".bars caption").inner_text()
        ):
            time.sleep(0.005)
        taken.append(1e3 * (time.perf_counter() - start))
        time.sleep(0.1)
    table([("scrub a run of 2,000 steps, p95", sorted(taken)[int(0.95 * len(taken))], "ms", 0, "<= 300 ms")])
    page.close()


def _playing(server: Server, seed: int, steps: int = 5000) -> Visitor:
    """A visitor whose link asks for the last step: the run plays as after a click."""
    return Visitor(server.url, "training", f"run_seed={seed}&steps={steps}&at={steps}")


def _sharing(server: Server) -> None:
    """Two and four runs at once: the share of each, beside an equal one."""
    for count in (2, 4):
        visitors = [_playing(server, 100 * count + seed) for seed in range(count)]
        heads = [[], []]  # type: list[list[int]]
        for visitor in visitors:
            visitor.__enter__()
        for round_ in range(2):
            for visitor in visitors:
                visitor.rerun()
            heads[round_] = [visitor.shown["training"]["head"] for visitor in visitors]
            end = time.perf_counter() + 16 * (1 - round_)
            while time.perf_counter() < end:
                for visitor in visitors:
                    visitor.rerun(after=0.3 / count)
        made = [b - a for a, b in zip(*heads)]
        off = max(abs(each * count / sum(made) - 1) for each in made)
        table([(f"{count} runs at once: worst share off an equal one", 100 * off, "%", 0, "<= 20 %")])
        for visitor in visitors:
            visitor.__exit__()
        time.sleep(1)


def _others(server: Server) -> None:
    """A rerun of page 1 beside nothing, and beside a playing run."""

    def latency() -> float:
        with Visitor(server.url, "next_token") as visitor:
            taken = sorted(visitor.rerun(after=0.1) for _ in range(60))
        return 1e3 * taken[int(0.95 * len(taken))]

    alone = latency()
    with _playing(server, 900) as player:
        stop = threading.Event()

        def play() -> None:
            while not stop.is_set():
                player.rerun(after=0.35)

        thread = threading.Thread(target=play)
        thread.start()
        beside = latency()
        stop.set()
        thread.join()
    print(
        f"{'rerun of page 1 beside a run, p95':46} {beside:9.1f} {alone:9.1f} {'ms':9} {beside / alone:6.2f}x  <= 1.5x"
    )


def _class(server: Server) -> None:
    """Thirty press Play on the same run at once."""
    first: list[float] = []

    def learner() -> None:
        with Visitor(server.url, "training", "run_seed=0") as visitor:
            ready.wait()
            visitor.query = f"run_seed=0&at={Recipe().steps}"
            start = time.perf_counter()
            while len(visitor.shown["training"]["loss"]) < 2 or visitor.shown["training"]["at"] < 2:
                visitor.rerun(after=0.35)
            first.append(time.perf_counter() - start)

    ready = threading.Barrier(30)
    threads = [threading.Thread(target=learner) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    table([("30 press Play: the last sees a falling curve", max(first), "s", 0, "<= 3 s")])
