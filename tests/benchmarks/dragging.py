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
# From the start of the frame that a change asks for until the thread is free again: script, layout and paint.
PROBE = """() => {
  window.work = []; window.frames = 0;
  const count = () => { frames += 1; requestAnimationFrame(count); };
  requestAnimationFrame(count);
  addEventListener("input", () => requestAnimationFrame(() => {
    const start = performance.now(), channel = new MessageChannel();
    channel.port1.onmessage = () => work.push(performance.now() - start);
    channel.port2.postMessage(0);
  }), true);
}"""


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
                _drag(_ours(browser.new_page(), server.url), slow)
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
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": slow})
    sent: list[object] = []
    session.send("Network.enable")
    session.on("Network.webSocketFrameSent", lambda event: sent.append(event))
    box = page.get_by_role("slider", name="Temperature").bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, y)
    page.mouse.down()
    page.evaluate(PROBE)
    start = time.perf_counter()
    for i in range(EVENTS):
        share = 0.5 + 0.45 * (i / EVENTS) * (-1 if i % 2 else 1)
        page.mouse.move(box["x"] + share * box["width"], y)
    seconds = time.perf_counter() - start
    work, frames = sorted(page.evaluate("work")), page.evaluate("frames")
    during = len(sent)
    page.mouse.up()
    page.wait_for_timeout(1000)
    name = f"drag, {len(work)} events, CPU {slow}x slower" if slow > 1 else f"drag, {len(work)} events"
    table([(f"{name}: work per event, p95", work[int(0.95 * len(work))], "ms", 0, "<= 16.7 ms")])
    table([(f"{name}: frames per second", frames / seconds, "fps", 0, ">= 50 (30 when slowed 4x)")])
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
