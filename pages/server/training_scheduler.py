"""The one training scheduler of this server, started with the first visitor who needs it."""

from __future__ import annotations

import atexit
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lm_core.training_runs.scheduler import Scheduler

FOLDER = "NEXT_TOKEN_EXPLORER_RUNS"
"""Environment variable: where runs are stored, if not in the user's cache directory."""

_guard = threading.Lock()
_made: list[Scheduler] = []


def scheduler() -> Scheduler:
    """The manager."""
    from lm_core.pretrained.weight_cache import default_folder  # here, because they bring torch with them
    from lm_core.training_runs.scheduler import Scheduler

    with _guard:
        if not _made:
            named = os.environ.get(FOLDER)
            _made.append(Scheduler(Path(named) if named else default_folder() / "runs"))
            atexit.register(close)
        return _made[0]


def close() -> None:
    """Ends the workers, every run saved."""
    with _guard:
        while _made:
            _made.pop().close()
