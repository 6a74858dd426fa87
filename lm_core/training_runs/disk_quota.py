"""Limits the disk space of all runs in a folder: the runs unused for longest are removed first.

Several servers may share the folder: each marks the runs that somebody watches there, and none removes a run with
another's mark, or one that another trains.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from lm_core.serving import limits
from lm_core.training_runs.run_lock import RunLock

WATCHED = "watched-"


class DiskQuota:
    """Of one server; signs count for `lease` seconds.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as root:
    ...     here, there, run = DiskQuota(Path(root), 90.0), DiskQuota(Path(root), 90.0), Path(root) / "run"
    ...     run.mkdir()
    ...     there.sign(run)
    ...     here.is_signed_elsewhere(run), there.is_signed_elsewhere(run)
    (True, False)
    """

    def __init__(self, root: Path, lease: float) -> None:
        self._root, self._lease = root, lease
        self._name = f"{WATCHED}{secrets.token_hex(4)}"

    def make_room(self, keep: str, is_watched: Callable[[str], bool]) -> None:
        """Removes runs nobody watches, the one unused for longest first, while all take too much; never `keep`."""
        found = {path: _size_and_age(path) for path in self._root.iterdir() if path.is_dir() and path.name != keep}
        total = sum(size for size, _ in found.values())
        for path in sorted(found, key=lambda path: -found[path][1]):
            if total <= limits.TRAINING_DISK:
                return
            if not is_watched(path.name) and not self.is_signed_elsewhere(path) and _remove(path):
                total -= found[path][0]

    def sign(self, run: Path) -> None:
        """Says to other servers that somebody looks at the run here."""
        sign = run / self._name
        with contextlib.suppress(OSError):  # a full disk: nothing else is lost by it
            if not sign.exists() or time.time() - sign.stat().st_mtime > self._lease / 3:
                sign.touch()

    def is_signed_elsewhere(self, run: Path) -> bool:
        """Whether somebody looks at it at another server."""
        signs = [sign for sign in run.glob(f"{WATCHED}*") if sign.name != self._name]
        with contextlib.suppress(FileNotFoundError):
            return any(time.time() - sign.stat().st_mtime < self._lease for sign in signs)
        return False


def _size_and_age(run: Path) -> tuple[int, float]:
    """Bytes, and seconds since it was used last; nothing for a run that another server has just removed."""
    try:
        size = sum(file.stat().st_size for file in run.rglob("*") if file.is_file())
        return size, time.time() - run.stat().st_mtime
    except FileNotFoundError:
        return 0, 0.0


def _remove(run: Path) -> bool:
    """Removes a run, unless another server trains it."""
    claim = RunLock(run)
    try:
        if not claim.take():
            return False
        shutil.rmtree(run, ignore_errors=True)
        return True
    except OSError:
        return False
    finally:
        claim.release()
