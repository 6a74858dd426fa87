"""The check before an audience comes: settings, model, one answer, every page, port, memory. `make doctor`.

Prints a line for each and ends with code 1 if one fails, each failure with its remedy.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOM = 1_500 * 2**20
"""Bytes a class of thirty and a training run need."""


class Ill(Exception):
    """A check failed; the text says what to do."""


def settings() -> str:
    from lm_core.runtime import limits

    if limits.REFUSED:
        raise Ill(" ".join(limits.REFUSED))
    changed = [f"{limit.setting}={limit.value}" for limit in limits.LIMITS if limit.value != limit.default]
    return ", ".join(changed) or "all limits at their defaults"


def model() -> str:
    from lm_core import pretrained
    from lm_core.errors import LmCoreError
    from lm_core.runtime import registry

    if error := registry.warm():
        raise Ill(str(error))
    try:
        known = pretrained.packaged(pretrained.DEFAULT)
        return f"{known.title}, SHA-256 {known.sha256[:12]}... as published"
    except LmCoreError as error:
        raise Ill(str(error)) from None


def answer() -> str:
    from lm_core import Distribution
    from lm_core.runtime import registry

    served = registry.get()
    start = time.perf_counter()
    belief = Distribution(served.next_logits([served.tokenizer.encode("The capital of Italy is")])[0])
    seconds = time.perf_counter() - start
    best = belief.top(1).rows[0]
    word = served.tokenizer.decode([best.id])
    if word.strip() != "Rome":
        raise Ill(f"After 'The capital of Italy is' the model says {word!r}. Reinstall it and the app's packages.")
    return f"{word!r} {best.probability:.1%}, {1e3 * seconds:.0f} ms"


def pages() -> str:
    from streamlit.testing.v1 import AppTest

    from pages.parts.contents import entries

    app = AppTest.from_file(str(Path("app.py").resolve()), default_timeout=60).run()
    for entry in entries():
        app = app.switch_page(entry.file).run()
        if app.exception:
            raise Ill(f"{entry.file}: {app.exception[0].message}")
    return f"{len(entries())} pages drawn"


def port() -> str:
    number = int(os.environ.get("PORT", 8501))
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", number))
        except OSError:
            raise Ill(f"Port {number} is taken: end what uses it, or choose another: PORT=8502 make class") from None
    return f"{number} is free"


def memory() -> str:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return "not told by this system"
    free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    if free < ROOM:
        raise Ill(f"{free / 2**20:,.0f} MiB are free; {ROOM / 2**20:,.0f} MiB are needed. Close other programs.")
    return f"{free / 2**30:.1f} GiB free"


CHECKS: tuple[Callable[[], str], ...] = (settings, port, memory, model, answer, pages)


def examine(checks: tuple[Callable[[], str], ...] = CHECKS) -> bool:
    """Runs them all, whatever fails; whether everything is well."""
    well = True
    for check in checks:
        start = time.perf_counter()
        try:
            said, mark = check(), "ok  "
        except Ill as error:
            said, mark, well = str(error), "FAIL", False
        except Exception as error:  # whatever it is, an audience must not be the first to see it
            said, mark, well = f"{type(error).__name__}: {error}", "FAIL", False
        sys.stdout.write(f"{mark}  {check.__name__:8}  {said}  ({time.perf_counter() - start:.1f} s)\n")
        sys.stdout.flush()
    sys.stdout.write("Ready for an audience.\n" if well else "Not ready: see FAIL above.\n")
    return well


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    sys.exit(0 if examine() else 1)
