"""The server's own time for another layer or head of 200 tokens, and for any row of a text on the loss page."""

import statistics
import tempfile
from pathlib import Path
from urllib.parse import urlencode

from tests.benchmarks.measure import table


def bench_inside() -> None:
    """Reruns of the attention view, whose forward pass is known by then."""
    from tests.benchmarks.visitor import Visitor
    from tests.browser.server import running

    text = urlencode({"look": "attention", "layer": "12", "head": "2", "text": "word " * 199})
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as server:
        server.wait_until("/ready")
        with Visitor(server.url, "home"):
            pass  # the first visit of a server is drawn twice
        for name, page, query in (
            ("attention of 200 tokens", "inside_the_transformer", text),
            ("loss of six tokens", "loss", ""),
        ):
            with Visitor(server.url, page, query) as visitor:
                taken = [visitor.rerun(after=0.2) for _ in range(20)]
            table([(f"one rerun, {name}, median", 1e3 * statistics.median(taken), "ms", 0, "<= 300 ms")])
