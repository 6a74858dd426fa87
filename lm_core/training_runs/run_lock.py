"""A file lock: of several servers that share a folder of runs, one trains a run at a time.

The system releases the lock when the process ends, however it ends.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from types import ModuleType
from typing import IO

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


class RunLock:
    """The right to train the run of a folder.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     mine, other = RunLock(Path(folder)), RunLock(Path(folder))
    ...     mine.take(), other.take(), mine.release(), other.take()
    (True, False, None, True)
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "claimed"
        self._file: IO[bytes] | None = None
        self.held = False
        """Whether it is ours."""

    def take(self) -> bool:
        """Whether it is ours now; False where another process has it. Raises OSError."""
        if self.held or fcntl is None:
            self.held = True
            return True
        file = self._path.open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._file, self.held = file, True
        return True

    def release(self) -> None:
        """Others may take it."""
        self.held = False
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None
