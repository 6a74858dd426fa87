"""The picture of all layers on page 7; the server's own time for another layer or head, and on the loss page."""

import statistics
import tempfile
import time
from pathlib import Path
from urllib.parse import urlencode

from tests.benchmarks.measure import table


def bench_inside() -> None:
    """Reruns of the attention view, whose forward pass is known by then."""
    from tests.benchmarks.visitor import Visitor
    from tests.browser.server import running

    _bench_picture()
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


def _bench_picture() -> None:
    """One pass, the lens on every cell, what heads look at, and who wrote the prediction."""
    from lm_core import pretrained
    from lm_core.inspection import inspect
    from lm_core.inspection.contributions import contributions
    from lm_core.inspection.head_roles import head_roles
    from lm_core.inspection.logit_lens import lens_grid

    model = pretrained.load()
    text = model.tokenizer.encode("A text of some length, which the picture of page 7 shows from below. " * 5)
    for tokens, claim in ((12, "<= 400 ms"), (64, "<= 3000 ms")):
        taken = []
        for _ in range(5):
            start = time.perf_counter()
            found = inspect(model, text[:tokens])
            grid = lens_grid(model, found)
            head_roles(found.ids, found.attention)
            contributions(model, found, tokens - 1, int(grid.tokens[-1, -1]))
            taken.append(time.perf_counter() - start)
        table([(f"the picture of page 7, {tokens} tokens", 1e3 * statistics.median(taken), "ms", 0, claim)])
