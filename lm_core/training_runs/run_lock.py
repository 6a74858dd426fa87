"""A file lock: of several servers that share a folder of runs, one trains a run at a time.

The system releases the lock when the process ends, however it ends.
"""

from pathlib import Path

from filelock import FileLock, Timeout


class RunLock:
    """The right to train the run of a folder.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     mine, other = RunLock(Path(folder)), RunLock(Path(folder))
    ...     mine.take(), other.take(), mine.release(), other.take()
    (True, False, None, True)
    """

    def __init__(self, folder: Path) -> None:
        self._lock = FileLock(folder / "claimed", thread_local=False)  # taken by one thread, released by another

    @property
    def held(self) -> bool:
        """Whether it is ours."""
        return self._lock.is_locked

    def take(self) -> bool:
        """Whether it is ours now; False where another process has it. Raises OSError."""
        try:
            if not self.held:
                self._lock.acquire(blocking=False)
        except Timeout:
            return False
        return True

    def release(self) -> None:
        """Others may take it."""
        self._lock.release()
