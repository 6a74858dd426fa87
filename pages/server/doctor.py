"""The check before an audience comes: settings, model, one answer, every page, port, memory. `make doctor`.

Prints a line for each and ends with code 1 if one fails, each failure with its remedy.
"""

from __future__ import annotations

import functools
import logging
import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from lm_core.errors import InvalidInput
from pages.server import command_line

ROOM = 1_500 * 2**20
"""Bytes a class of thirty and a training run need."""


class Ill(Exception):
    """A check failed; the text says what to do."""


def settings() -> str:
    from lm_core.serving import limits

    if limits.REFUSED:
        raise Ill(" ".join(limits.REFUSED))
    changed = [f"{limit.setting}={limit.value}" for limit in limits.LIMITS if limit.value != limit.default]
    return ", ".join(changed) or "all limits at their defaults"


def model() -> str:
    from lm_core import pretrained
    from lm_core.errors import LmCoreError
    from lm_core.serving import registry

    if error := registry.warm():
        raise Ill(str(error))
    try:
        known = pretrained.packaged(pretrained.DEFAULT)
        return f"{known.title}, SHA-256 {known.sha256[:12]}... as published"
    except LmCoreError as error:
        raise Ill(str(error)) from None


def answer() -> str:
    from lm_core import Distribution
    from lm_core.serving import registry

    served = registry.get()
    start = time.perf_counter()
    belief = Distribution(served.next_logits([served.tokenizer.encode("The capital of Italy is")])[0])
    seconds = time.perf_counter() - start
    best = belief.top(1).rows[0]
    word = served.tokenizer.decode([best.id])
    if word.strip() != "Rome":
        raise Ill(f"After 'The capital of Italy is' the model says {word!r}. Reinstall it and the app's packages.")
    return f"{word!r} {best.probability:.1%}, {1e3 * seconds:.0f} ms"


def others() -> str:
    """What the operator has set up besides: each model loaded, each engine tested."""
    from lm_core import pretrained, remote
    from lm_core.errors import LmCoreError
    from lm_core.serving import registry
    from lm_core.serving.engine_with_fallback import EngineWithFallback

    said = []
    for entry in (*pretrained.catalogue()[1:], *remote.engines()):
        try:
            served = registry.get(entry.name)
            if isinstance(served, EngineWithFallback):
                probe = served.probe()
                said.append(f"{entry.name}: {probe.entries:,} log-probabilities")
            else:
                said.append(f"{entry.name}: loaded")
        except LmCoreError as error:
            raise Ill(f"{entry.name}: {error}") from None
    return ", ".join(said) or "no other models, no engines"


def pages() -> str:
    from streamlit.components.v2 import manifest_scanner
    from streamlit.testing.v1 import AppTest

    from pages.shared.page_declarations import entries

    # Each run would read what every installed package says of itself, to find components.
    manifest_scanner.scan_component_manifests = functools.cache(manifest_scanner.scan_component_manifests)
    app = AppTest.from_file(str(Path("app.py").resolve()), default_timeout=60).run()
    for entry in entries():
        app = app.switch_page(entry.file).run()
        if app.exception:
            raise Ill(f"{entry.file}: {app.exception[0].message}")
    return f"{len(entries())} pages drawn"


def port() -> str:
    try:
        number = command_line.whole_number("PORT", os.environ.get("PORT", "8501"), *command_line.PORTS)
    except InvalidInput as error:
        raise Ill(str(error)) from None
    with socket.socket() as probe:
        if os.name == "posix":  # as the server does: lines of a server that has just ended take no port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", number))
        except OSError:
            raise Ill(f"Port {number} is taken: end what uses it, or choose another: PORT=8502 make class") from None
    return f"{number} is free"


def memory() -> str:
    free = int(psutil.virtual_memory().available)
    if free < ROOM:
        raise Ill(f"{free / 2**20:,.0f} MiB are free; {ROOM / 2**20:,.0f} MiB are needed. Close other programs.")
    return f"{free / 2**30:.1f} GiB free"


def descriptors() -> str:
    from lm_core.serving import limits, process_resources

    most = process_resources.raise_descriptor_limit()
    needed = 4 * limits.SESSIONS + 4 * process_resources.RESERVE
    if most < needed:
        raise Ill(
            f"{most:,} files may be open; {needed:,} are needed for {limits.SESSIONS} visitors: ulimit -n {needed}"
        )
    return f"{most:,} files and connections may be open"


CHECKS: tuple[Callable[[], str], ...] = (settings, port, memory, descriptors, model, answer, others, pages)


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
        sys.stdout.write(f"{mark}  {check.__name__:11}  {said}  ({time.perf_counter() - start:.1f} s)\n")
        sys.stdout.flush()
    sys.stdout.write("Ready for an audience.\n" if well else "Not ready: see FAIL above.\n")
    return well


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    sys.exit(0 if examine() else 1)
