"""Dragging temperature over 49,152 logits in a browser: ours, and st.slider with a plotly chart beside it."""

import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.measure import table
from tests.browser import chromium
from tests.browser.server import running

if TYPE_CHECKING:
    from playwright.sync_api import Page

EVENTS = 200
PEER = """
import numpy as np, plotly.graph_objects as go, streamlit as st
logits = np.random.default_rng(0).standard_normal(49_152) * 3
order = np.argsort(-logits)[:20]
t = st.slider("Temperature", 0.05, 2.0, 1.0, 0.05)
weights = np.exp((logits - logits.max()) / t)
p = weights / weights.sum()
st.plotly_chart(go.Figure(go.Bar(x=100 * p[order], y=[f"token {i}" for i in order], orientation="h")))
st.write(f"at {t:.2f}")
"""
# Whether the text that follows the slider has changed, in the page itself or inside a component.
FIND = """([selector, before]) => {
  const inside = (root) => [...root.querySelectorAll("*")].flatMap(
    (e) => (e.shadowRoot ? [e.shadowRoot, ...inside(e.shadowRoot)] : []));
  const peer = [...document.querySelectorAll("p")].map((e) => e.textContent).find((text) => /^at /.test(text));
  const roots = [document, ...inside(document)];
  const now = peer ?? roots.map((root) => root.querySelector(selector)?.textContent).find(Boolean);
  return now !== undefined && now !== before;
}"""


def bench_dragging() -> None:
    """Work of the main thread per event, frames per second, messages; and key to picture against the peer."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=["--no-sandbox"])
        peer_script = Path(folder) / "peer.py"
        peer_script.write_text(PEER, encoding="utf-8")
        with running(Path(folder)) as server:
            server.wait_until("/ready")
            ours = _key_to_picture(_ours(browser.new_page(), server.url), ".temperature .summary")
            for slow in (1, 4):
                finger = slow > 1
                size = {"width": 390, "height": 844} if finger else {"width": 1280, "height": 720}
                _drag(_ours(browser.new_page(viewport=size, has_touch=finger, is_mobile=finger), server.url), slow)
        with running(Path(folder), root=Path(folder), script=str(peer_script)) as server:
            server.wait_until("/_stcore/health")
            page = browser.new_page()
            page.goto(server.url)
            page.locator(".js-plotly-plot").wait_for(timeout=60_000)
            theirs = _key_to_picture(page, "[data-testid=stMarkdownContainer] p >> text=/^at /")
        table([("key -> picture, median", ours, "ms", theirs, "reported (st.slider + plotly)")])
        browser.close()


def _ours(page: "Page", url: str) -> "Page":
    page.goto(url + "/temperature")
    page.locator(".temperature tr[data-id]").first.wait_for(timeout=60_000)
    page.wait_for_timeout(1500)
    return page


def _drag(page: "Page", slow: int) -> None:
    """Two drags: one event at a time, to know what each costs the main thread; and sixty a second for the eye."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    session.send("Network.enable")
    session.send("Emulation.setCPUThrottlingRate", {"rate": slow})
    sent: list[object] = []
    session.on("Network.webSocketFrameSent", lambda event: sent.append(event))
    box = page.get_by_role("slider", name="Temperature").bounding_box()
    assert box is not None
    x, y, width = box["x"], box["y"] + box["height"] / 2, box["width"]

    def busy() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return 1e3 * next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration")

    def touch(kind: str, *at: float) -> None:
        points = [{"x": each, "y": y} for each in at]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def move(i: int) -> None:
        at = x + width * (0.1 + 0.8 * (37 * i % 100) / 100)
        touch("touchMove", at) if slow > 1 else page.mouse.move(at, y)

    if slow > 1:
        touch("touchStart", x + width / 2)
        touch("touchMove", x + width / 2 + 20)  # across: now the slider has it, and the page does not scroll
    else:
        page.mouse.move(x + width / 2, y)
        page.mouse.down()
    work = []
    for i in range(EVENTS):
        before = busy()
        move(i)
        page.wait_for_timeout(50)
        work.append(busy() - before)
    page.evaluate("() => { window.frames = 0; const c = () => { frames += 1; requestAnimationFrame(c); }; c(); }")
    start, i = time.perf_counter(), 0
    while (passed := time.perf_counter() - start) < 4:
        move(i)
        i += 1
        time.sleep(max(0.0, i / 60 - (time.perf_counter() - start)))
    rate = page.evaluate("frames") / passed
    during = len(sent)
    touch("touchEnd") if slow > 1 else page.mouse.up()
    page.wait_for_timeout(1000)
    name = f"drag over 49,152 logits{f', by finger, CPU {slow}x slower' if slow > 1 else ''}"
    table([(f"{name}: work p95", sorted(work)[int(0.95 * EVENTS)], "ms", 0, "<= 16.7 ms" if slow == 1 else "reported")])
    table([(f"{name}: frames", rate, "per s", 0, ">= 50" if slow == 1 else ">= 30")])
    print(f"    messages while dragging: {during}; on release: {len(sent) - during}")


def _key_to_picture(page: "Page", changing: str) -> float:
    """Milliseconds from an arrow key to the next changed figure."""
    slider = page.get_by_role("slider", name="Temperature")
    slider.focus()
    taken = []
    for _ in range(15):
        before = page.locator(changing).inner_text()
        page.evaluate("window.pressed = 0; addEventListener('keydown', () => { pressed = performance.now(); }, true)")
        page.keyboard.press("ArrowRight")
        page.wait_for_function(
            FIND,
            arg=[".summary", before],
            polling="raf",
        )
        taken.append(page.evaluate("performance.now() - pressed"))
        page.wait_for_timeout(600)
    return statistics.median(taken)
