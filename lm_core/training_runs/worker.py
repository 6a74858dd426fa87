"""The worker process that trains: commands come in as lines of JSON, an answer goes out for each.

`python -m lm_core.training_runs.worker`, started by the scheduler. It saves what was trained and ends when its input
closes, that is with the server. Several runs live here and take turns.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch

from lm_core.errors import DamagedFile, InvalidInput, LmCoreError
from lm_core.serving import limits
from lm_core.training.build import trainer
from lm_core.training.trainer import Diverged, TrainingStep
from lm_core.training_runs.run_folder import DIVERGED, DONE, RunFolder, RunState, checkpoint_steps
from lm_core.training_runs.run_lock import RunLock

SAVED_EVERY = 3.0
"""Seconds of training after which a run is saved: more is never lost."""
OPEN_RUNS = 8
"""Runs held in memory; one more, and the one that waited longest is put away."""
_WRITTEN_EVERY = 0.1  # seconds; the record of a step reaches its readers after this


IDLE = 2.0
"""Seconds without a turn after which a run is saved and let go, so that another server may train it further."""


class TrainingRun:
    """One run in this process: its trainer and its folder. Made while it is claimed."""

    def __init__(self, folder: RunFolder, claim: RunLock) -> None:
        self.folder, self.claim = folder, claim
        self.used = time.monotonic()
        for left in folder.path.rglob("*.unfinished"):  # by a trainer that was killed while it wrote
            left.unlink()
        self.trainer = trainer(folder.recipe(), folder.corpus())
        self._pending: list[tuple[float, ...]] = []
        self._written = self._saved = time.monotonic()
        try:
            if folder.checkpoint.exists():
                self.trainer.load(folder.checkpoint)
        except (DamagedFile, InvalidInput):
            folder.checkpoint.unlink()  # begun anew, it comes to the same numbers
        if folder.head < self.trainer.step:
            self.trainer = trainer(folder.recipe(), folder.corpus())
        folder.cut(self.trainer.step)
        state_bytes = 4 * len(self.trainer.weights) * 3  # with the optimiser's two means
        self._kept = set(checkpoint_steps(folder.recipe().steps, state_bytes))
        if self.trainer.step == 0:
            self.trainer.save(folder.kept_path(0))

    def advance(self, until: int, seconds: float, interrupted: threading.Event) -> None:
        """Steps until one of the three says stop. Raises Diverged."""
        end = time.monotonic() + seconds
        try:
            while self.trainer.step < until and time.monotonic() < end and not interrupted.is_set():
                self._record(self.trainer.advance())
        finally:
            self.write()
            paused = self.trainer.step >= until or interrupted.is_set()
            if paused or time.monotonic() - self._saved > SAVED_EVERY:
                self.save()

    def _record(self, made: TrainingStep) -> None:
        held_out = float("nan") if made.held_out is None else made.held_out
        self._pending.append(
            (made.step, made.loss, made.gradient_norm, made.learning_rate, made.tokens, made.seconds, held_out)
        )
        if made.step in self._kept:
            self.trainer.save(self.folder.kept_path(made.step))
        if time.monotonic() - self._written > _WRITTEN_EVERY:
            self.write()

    def write(self) -> None:
        """Lets readers see what was made."""
        if self._pending:
            self.folder.append(self._pending)
        self._pending, self._written = [], time.monotonic()

    def save(self) -> None:
        """From here a later process goes on."""
        self.write()
        self.trainer.save(self.folder.checkpoint)
        self._saved = time.monotonic()

    def release(self) -> None:
        """Saved, for whoever trains it next; once let go it is no longer ours to write."""
        if self.claim.held:
            self.save()
            self.claim.release()

    def regain(self) -> bool:
        """Whether it can go on here as it stands: ours again, and nobody has trained it meanwhile."""
        return self.claim.take() and self.folder.head == self.trainer.step

    def give_up(self, why: Diverged) -> None:
        """Keeps the last finite step and says why the run ended there."""
        self._pending = []
        self.folder.cut(self.trainer.step)
        self.trainer.save(self.folder.kept_path(self.trainer.step))
        self.save()
        self.folder.set_state(RunState(DIVERGED, str(why)))


class Worker:
    """Carries out commands one by one; a new one ends the slice under way."""

    def __init__(self) -> None:
        self._runs: OrderedDict[Path, TrainingRun] = OrderedDict()
        self.commands: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.interrupted = threading.Event()

    def listen(self) -> None:
        """Reads commands until there are no more: the server is gone, or has closed us."""
        for line in sys.stdin:
            command = json.loads(line)
            if command["do"] != "stop":
                self.commands.put(command)
            self.interrupted.set()
        self.commands.put(None)
        self.interrupted.set()

    def serve(self) -> None:
        while True:
            try:
                command = self.commands.get(timeout=IDLE / 2)
            except queue.Empty:
                self._let_go_idle()
                continue
            if command is None:
                break
            self.interrupted.clear()
            if not self.commands.empty():
                self.interrupted.set()
            answer = self._train(Path(command["run"]), command["until"], command["seconds"])
            try:
                print(json.dumps(answer), flush=True)  # noqa: T201 - the answer
            except BrokenPipeError:  # the server was killed: what was trained is saved all the same
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nor is there one at the end
                break
            self._let_go_idle()
        for run in self._runs.values():
            run.release()

    def _let_go_idle(self) -> None:
        for path, run in list(self._runs.items()):
            if time.monotonic() - run.used > IDLE:
                try:
                    run.release()
                except OSError:  # it begins again from where it was saved last
                    self._runs.pop(path).claim.release()

    def _train(self, path: Path, until: int, seconds: float) -> dict[str, Any]:
        try:
            if (run := self._open(path)) is None:
                return {"step": 0, "error": "", "elsewhere": True}
            try:
                run.advance(until, seconds, self.interrupted)
            except Diverged as error:
                run.give_up(error)
            step = run.trainer.step
            if step == run.trainer.settings.steps:
                run.save()
                run.folder.set_state(RunState(DONE))
            return {"step": step, "error": ""}
        except (LmCoreError, OSError, MemoryError, RuntimeError) as error:
            if run := self._runs.pop(path, None):
                run.claim.release()
            return {"step": 0, "error": _sentence(error)}

    def _open(self, path: Path) -> TrainingRun | None:
        """The run, as it stands on the disk; None while another server trains it."""
        if path in self._runs and not self._runs[path].regain():
            self._runs.pop(path).claim.release()
        if path not in self._runs:
            claim = RunLock(path)
            if not claim.take():
                return None
            try:
                self._runs[path] = TrainingRun(RunFolder(path), claim)
            except BaseException:
                claim.release()
                raise
        self._runs.move_to_end(path)
        while len(self._runs) > OPEN_RUNS:
            _, oldest = self._runs.popitem(last=False)
            oldest.release()
        self._runs[path].used = time.monotonic()
        return self._runs[path]


def _sentence(error: Exception) -> str:
    """What whoever watches the run is told."""
    if isinstance(error, MemoryError) or "allocate memory" in str(error):
        most = limits.TRAINING_MEMORY // 2**20
        return f"It needs more memory than a run may take ({most:,} MiB). Choose a smaller batch, width or context."
    if isinstance(error, FileNotFoundError):  # whose text would show where this server keeps its files
        return "Its files were removed to make room; open the page again, and it begins anew."
    if isinstance(error, OSError) and error.filename:
        return f"What it learned cannot be stored ({error.strerror})."
    return f"{error}" or type(error).__name__


def main() -> None:
    """Low in priority, so that visitors come first, and deaf to a Ctrl-C meant for the server."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(10)
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (limits.TRAINING_MEMORY, limits.TRAINING_MEMORY))
    except (ImportError, ValueError, OSError):
        pass  # a system without such limits
    torch.set_num_threads(1)
    worker = Worker()
    threading.Thread(target=worker.listen, daemon=True).start()
    worker.serve()


if __name__ == "__main__":
    main()
