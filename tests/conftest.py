"""Shared by all tests: our model, what transformers says of the same file, and how the tests are shared out."""

import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch: two threads on busy cores ran 6 to 17 times slower

import pytest
import torch
from hypothesis import settings

from lm_core import Transformer, pretrained
from lm_core.serving import limits
from tests.authority import RECORD, Authority
from tests.reliability import LONG

settings.register_profile("any machine", deadline=None)  # timings are for benchmarks: a busy machine is no defect
settings.load_profile("any machine")

HERE = Path(__file__).parent
NEEDS_THE_MODEL = {"model", "authority", "engine", "_warm", "server", "browser", "open_page"}
"""Fixtures that load the pretrained model or start something that does."""

LONG_CALL = 5
"""Seconds after which a test must say why, in a mark `long`."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what is quick, and orders the files, which workers take one by one.

    Files whose tests wait for a page or a process are spread evenly among those that compute, the largest first.
    """
    files: dict[Path, list[pytest.Item]] = defaultdict(list)
    items[:] = [item for item in items if LONG or item.get_closest_marker("soak") is None]
    for item in items:
        files[item.path].append(item)
        outside = item.path.relative_to(HERE.parent).parts[1] in ("browser", "reliability", "test_readme.py")
        if not outside and not set(getattr(item, "fixturenames", ())) & NEEDS_THE_MODEL \
                and item.get_closest_marker("whole") is None:  # fmt: skip
            item.add_marker("quick")
    waiting = [path for path in files if path.parent.name in ("browser", "reliability")]
    computing = [path for path in files if path not in waiting]
    order = {}
    for paths in (waiting, computing):
        for place, path in enumerate(sorted(paths, key=lambda path: -len(files[path]))):
            order[path] = place / len(paths)
    items[:] = [item for path in sorted(files, key=order.__getitem__) for item in files[path]]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Where the time went: seconds of each folder, set-up included."""
    spent: dict[str, float] = defaultdict(float)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if hasattr(report, "duration") and hasattr(report, "nodeid"):
                path = Path(report.nodeid.split("::")[0])
                spent["/".join(path.parts[:2])] += report.duration
    terminalreporter.section("seconds by folder")
    for folder, seconds in sorted(spent.items(), key=lambda each: -each[1]):
        if seconds >= 1:
            terminalreporter.write_line(f"{seconds:8.1f}  {folder}")
    calls = [report for report in terminalreporter.stats.get("passed", []) if report.when == "call"]
    long = [report for report in calls if report.duration > LONG_CALL and "long" not in report.keywords]
    if long:
        terminalreporter.section(f"over {LONG_CALL} s, and no mark `long` that says why")
        for report in long:
            terminalreporter.write_line(f"{report.duration:8.1f}  {report.nodeid}")


@pytest.fixture(scope="session", autouse=True)
def _room() -> None:
    """This process holds several models at once, which no server does; servers that tests start keep their limit."""
    limits.MEMORY = 2**40


@pytest.fixture(scope="session")
def model() -> Transformer:
    return pretrained.load()


@pytest.fixture(scope="session")
def authority() -> Iterator[Authority]:
    found = Authority()
    yield found
    if RECORD:
        found.write()


@pytest.fixture(scope="session")
def prose() -> str:
    """Some 300,000 characters of real English: the reference topics that ship with Python."""
    from pydoc_data.topics import topics

    return "\n".join(topics.values())


@pytest.fixture(scope="session")
def make_tiny() -> Callable[..., Transformer]:
    """Builds small random Transformers: `make_tiny(kv_heads=1)`."""
    from lm_core.models.config import TransformerConfig
    from lm_core.text.byte_pair_encoding import ByteLevelBPE

    def build(**changes: Any) -> Transformer:
        shape = {"vocab_size": 31, "context_length": 64, "layers": 2, "heads": 4, "kv_heads": 2, "head_dim": 8}
        config = TransformerConfig(**{**shape, "hidden": 32, "ffn": 48, **changes})
        letters = [chr(ord("!") + i) for i in range(config.vocab_size)]
        tiny = Transformer(config, ByteLevelBPE.build(letters, merges=[], special_ids=[]))
        tiny.initialise(torch.Generator().manual_seed(7), std=0.3)
        return tiny.eval()

    return build
