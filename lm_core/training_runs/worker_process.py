"""Starts a worker process when needed, exchanges lines of JSON with it, and ends it with its work saved."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path
from typing import Any


class WorkerProcess:
    """A worker process and its runs, in turn."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[str] | None = None
        self.turns: deque[str] = deque()
        self.current = ""
        self.speaking = threading.Lock()

    def start(self) -> subprocess.Popen[str]:
        if self.process is None or self.process.poll() is not None:
            root = Path(__file__).resolve().parents[2]
            environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(root)}
            self.process = subprocess.Popen(
                [sys.executable, "-m", "lm_core.training_runs.worker"], cwd=root, env=environment, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )  # fmt: skip
        return self.process

    def say(self, command: dict[str, Any]) -> None:
        """Raises OSError where the worker is gone."""
        process = self.process
        if process is not None and process.stdin is not None:
            with self.speaking:
                process.stdin.write(json.dumps(command) + "\n")
                process.stdin.flush()

    def ask(self, command: dict[str, Any]) -> dict[str, Any] | None:
        """The worker's answer; None if it could not be started, died over it, or said something else."""
        try:
            process = self.start()
            assert process.stdout is not None
            self.say(command)
            line = process.stdout.readline()
            if line.endswith("\n"):
                return dict(json.loads(line))
        except (OSError, ValueError):
            pass
        self._reap()
        return None

    def _reap(self) -> None:
        """Ends the worker and waits until it has: a killed one closes its pipes a moment before `poll` says so.

        One that `end` lets save and go is left to it.
        """
        if self.process is not None and self.process.stdin is not None and not self.process.stdin.closed:
            self.process.kill()
            self.process.wait()

    def end(self, patience: float) -> None:
        """Lets the worker save and go."""
        if self.process is None:
            return
        try:
            with self.speaking:
                if self.process.stdin is not None:
                    self.process.stdin.close()
            self.process.wait(patience)
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait(patience)
