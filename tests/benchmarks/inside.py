"""The picture of all layers on page 7; the server's own time for another layer or head, and on the loss page."""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from tests.benchmarks.measure import table

if TYPE_CHECKING:
    from lm_core.models.transformer import Transformer


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
    """What page 7 computes, of a short and of a long text; and the sweep of a second text."""
    from lm_core import pretrained
    from lm_core.inspection import inspect
    from lm_core.inspection.patching import patch_effects

    model = pretrained.load()
    text = list(model.tokenizer.encode("A text of some length, which the picture of page 7 shows from below. " * 5))
    for tokens, claims in ((12, (400, 200, 400)), (64, (3000, 200, 1500))):
        names = ("the picture of page 7", "another last word", "a head of layer 24 off")
        for name, act, claim in zip(names, _acts(model, text[:tokens]), claims, strict=True):
            table([(f"{name}, {tokens} tokens", 1e3 * _median(act), "ms", 0, f"<= {claim} ms")])
    one, other = (inspect(model, model.tokenizer.encode(f"The capital of {c} is")) for c in ("France", "Italy"))
    sweep = _median(lambda: list(patch_effects(model, one, other)))
    table([("every cell of a second text of 5 tokens", 1e3 * sweep, "ms", 0, "")])


def _acts(model: Transformer, ids: list[int]) -> tuple[Callable[[], object], ...]:
    """A new text, another last word, one head off."""
    from lm_core.inspection import inspect
    from lm_core.inspection.contributions import contributions
    from lm_core.inspection.head_roles import head_roles
    from lm_core.inspection.interventions import Ablation
    from lm_core.inspection.logit_lens import joined, lens_grid, lens_grid_under

    whole = inspect(model, ids)
    grid = lens_grid(model, whole)

    def first() -> None:
        found = inspect(model, ids)
        head_roles(found.ids, found.attention)
        contributions(model, found, len(ids) - 1, int(lens_grid(model, found).tokens[-1, -1]))

    def another() -> None:
        found = inspect(model, [*ids[:-1], 100], known=whole)
        joined(grid.columns(0, found.kept), lens_grid(model, found, found.kept))

    return first, another, lambda: lens_grid_under(model, whole, grid, inspect(model, ids, [Ablation(24, 5)]))


def _median(act: Callable[[], object]) -> float:
    """Seconds, of five after one that warms."""
    act()
    taken = []
    for _ in range(5):
        start = time.perf_counter()
        act()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)
