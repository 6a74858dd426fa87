"""Faults of the threads in the background, which no visitor waits for: in the log, and the last few kept to be shown.

A thread that meets one says so here and goes on.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass

KEPT = 20
_AGAIN = 60.0
"""Seconds for which the same fault is not written into the log again."""
_log = logging.getLogger("lm_core")
_guard = threading.Lock()
_last: deque[Fault] = deque(maxlen=KEPT)


@dataclass(frozen=True)
class Fault:
    """What went wrong, where, when first (seconds since 1970), and how often in a row."""

    where: str
    what: str
    at: float
    times: int = 1


def note(where: str, error: BaseException) -> None:
    """Keeps and logs a fault; one that repeats itself is counted, and logged once a minute.

    What is kept may be shown to anybody: the kind of error, and of the system's its reason, but no text, which may hold
    a path or what a visitor wrote. The log has all of it.

    >>> note("training", OSError(24, "Too many open files", "/a/path"))
    >>> note("training", OSError(24, "Too many open files", "/another"))
    >>> last()[-1].what, last()[-1].times
    ('OSError: Too many open files', 2)
    """
    reason = error.strerror if isinstance(error, OSError) else None
    what = f"{type(error).__name__}: {reason}" if reason else type(error).__name__
    with _guard:
        before = _last[-1] if _last else None
        repeats = before is not None and (before.where, before.what) == (where, what)
        if before is not None and repeats:
            _last[-1] = Fault(where, what, before.at, before.times + 1)
            if time.time() - before.at < _AGAIN:
                return
        else:
            _last.append(Fault(where, what, time.time()))
    _log.error("%s goes on after a fault", where, exc_info=error)


def last() -> tuple[Fault, ...]:
    """The last faults, the newest last."""
    with _guard:
        return tuple(_last)
