"""Round-robin scheduler of training runs on a few worker processes.

A run is trained as far as any of its watchers wants it. A watcher that is silent for a while is dropped, so that a
closed tab costs nothing; what was trained stays on disk, and the same recipe finds it again.
"""

from __future__ import annotations

import atexit
import contextlib
import math
import os
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from lm_core.pretrained.weight_cache import default_folder
from lm_core.serving import faults, limits, process_resources
from lm_core.text.corpus import Corpus
from lm_core.training.recipe import Recipe
from lm_core.training_runs.disk_quota import DiskQuota
from lm_core.training_runs.run_folder import PLAYABLE, RunFolder
from lm_core.training_runs.worker_process import WorkerProcess

SLICE = 0.5
"""Seconds a run trains before the next one has its turn."""
LEASE = 90.0
"""Seconds without a sign of life after which a watcher wants nothing: browsers call hidden pages once a minute."""
HEARD = 5.0
"""Seconds for which a watcher counts as there: runs of those who are gone, or look away, let others go first."""
_AGAIN = 0.5
"""Seconds after which a run that another server trains is asked for again."""
INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class RunStatus:
    """How a run stands, for one who watches it."""

    state: str
    """playable, done, diverged, or interrupted: its worker was lost, and `resume` goes on."""
    message: str
    head: int
    """Steps made so far."""
    training: int
    """Runs that are wanted now, this one included if it is."""
    slots: int
    watchers: int
    """Visitors who want this run trained further, the asking one included if so; "a race" is visitor "a" as well."""


class Scheduler:
    """The manager of one server process; every method may be called from any thread."""

    def __init__(
        self, root: Path, slots: int = limits.TRAINING_RUNS, lease: float = LEASE, slice_seconds: float = SLICE
    ) -> None:
        self.root, self._lease, self._slice = root, lease, slice_seconds
        self._changed = threading.Condition()
        self._wants: dict[str, dict[str, tuple[int, float]]] = {}
        """Of each run, by watcher: the step wanted, and when that was said last."""
        self._lost: dict[str, str] = {}
        """Runs whose worker died or refused, and why."""
        self._slots = [WorkerProcess() for _ in range(slots)]
        self._home: dict[str, WorkerProcess] = {}
        self._disk = DiskQuota(root, lease)
        self._closed = False
        self._threads: list[threading.Thread] = []

    def open(self, recipe: Recipe, corpus: Corpus) -> RunFolder:
        """The run of this recipe on this text, new or found. One whose files make no sense is set aside: see `damaged`.

        Raises OSError if it cannot be stored, and Busy for a new one while memory is short.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        path = self.root / recipe.run_id(corpus)
        damaged = RunFolder(path).set_aside()
        new = not (path / "recipe.json").exists()
        if new:
            process_resources.require_memory()
        folder = RunFolder.create(self.root, recipe, corpus)
        folder.damaged = damaged
        if new:
            self.resume(folder)  # one of this name may have been removed while it was trained
            self._disk.make_room(folder.id, self._is_watched)
        return folder

    def warm(self) -> None:
        """Starts the workers, so that the first step of the first run does not wait for them."""
        with self._changed:
            if self._threads or self._closed:
                return
            for number, slot in enumerate(self._slots):
                thread = threading.Thread(target=self._serve, args=(slot,), name=f"training-{number}", daemon=True)
                self._threads.append(thread)
                thread.start()

    def watch(self, folder: RunFolder, watcher: str, wants: int) -> RunStatus:
        """A sign of life: `watcher` wants the run trained up to a step (0: no further), and learns how it stands."""
        self.warm()
        with self._changed:
            if folder.id in self._lost:
                wants = 0
            before = self._wanted(folder.id)
            self._forget_the_unwatched(folder.id)
            self._wants[folder.id] = self._alive(folder.id) | {watcher: (wants, time.monotonic())}
            slot = self._home.get(folder.id) or min(self._slots, key=self._load)
            self._home[folder.id] = slot
            if wants > folder.head and folder.id not in slot.turns and slot.current != folder.id:
                slot.turns.append(folder.id)
            self._changed.notify_all()
            stops = slot.current == folder.id and before > folder.head >= self._wanted(folder.id)
        if stops:
            self._hush(slot)
        self._disk.sign(folder.path)
        return self._standing(folder)

    def leave(self, folder: RunFolder, watcher: str) -> None:
        """`watcher` is no longer interested."""
        self.watch(folder, watcher, 0)
        with self._changed:
            self._wants.get(folder.id, {}).pop(watcher, None)

    def resume(self, folder: RunFolder) -> None:
        """Lets an interrupted run be trained again, from where it was last saved."""
        with self._changed:
            self._lost.pop(folder.id, None)

    def close(self, patience: float = 4.0) -> None:
        """Ends the workers, each run saved. For the end of the server."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for slot in self._slots:
            slot.end(patience)
        for thread in self._threads:
            thread.join(patience)

    # ---- what is wanted

    def _alive(self, run: str) -> dict[str, tuple[int, float]]:
        """Its watchers who were heard of within the lease, whether they want it trained or only look at it."""
        now = time.monotonic()
        return {who: wish for who, wish in self._wants.get(run, {}).items() if now - wish[1] < self._lease}

    def _is_watched(self, run: str) -> bool:
        with self._changed:
            return bool(self._alive(run))

    def _wanted(self, run: str) -> int:
        """The furthest step any live watcher wants."""
        return max((step for step, _ in self._alive(run).values()), default=0)

    def _forget_the_unwatched(self, new: str) -> None:
        """Before a new run is watched: each sign of life goes through all that are."""
        if new in self._wants:
            return
        busy = {run for slot in self._slots for run in (*slot.turns, slot.current)}
        for run in [run for run in self._wants if run not in busy and not self._alive(run)]:
            del self._wants[run]
            self._home.pop(run, None)
            self._lost.pop(run, None)

    def _is_wanted(self, run: str) -> bool:
        wanted = 0 if run in self._lost else self._wanted(run)
        folder = RunFolder(self.root / run)
        try:
            return wanted > 0 and wanted > folder.head and folder.state().name == PLAYABLE
        except OSError as error:  # it cannot be read now; its watchers ask again, and the others go on
            faults.note("training", error)
            return False

    def _load(self, slot: WorkerProcess) -> int:
        return sum(home is slot and self._is_wanted(run) for run, home in self._home.items())

    def _standing(self, folder: RunFolder) -> RunStatus:
        state, head = folder.state(), folder.head
        with self._changed:
            lost, now = self._lost.get(folder.id), time.monotonic()
            training = sum(map(self._is_wanted, self._wants))
            said = self._wants.get(folder.id, {}).items()
            watchers = len({who.split()[0] for who, (step, at) in said if step > head and now - at < self._lease})
        name, message = (INTERRUPTED, lost) if lost is not None else (state.name, state.message)
        return RunStatus(name, message, head, training, len(self._slots), watchers)

    def _hush(self, slot: WorkerProcess) -> None:
        with contextlib.suppress(OSError, ValueError):  # if it is gone already, its thread will say so
            slot.say({"do": "stop"})

    # ---- whose turn it is

    def _serve(self, slot: WorkerProcess) -> None:
        """The life of a slot: one slice of one run after the other."""
        with contextlib.suppress(OSError):  # whoever asks first then tries again
            slot.start()
        while not self._closed:
            try:
                self._turn(slot)
            except Exception as error:  # one bad file, or one bad second, must not end training for everybody
                faults.note("training", error)
                with self._changed:
                    if slot.current:
                        self._lost[slot.current] = "Its files could not be read. Resume it to try again."
                    slot.current = ""
                    self._changed.wait(1.0)

    def _turn(self, slot: WorkerProcess) -> None:
        """One slice of one run, once there is one that wants it."""
        with self._changed:
            while not (run := self._next(slot)) and not self._closed:
                self._changed.wait(1.0)
            if self._closed or run is None:
                return
            slot.current = run
            until = self._wanted(run)
        answer = slot.ask({"do": "train", "run": str(self.root / run), "until": until, "seconds": self._slice})
        with self._changed:
            slot.current = ""
            if self._closed:
                return
            if answer is None or answer["error"]:
                self._lost[run] = answer["error"] if answer else "The process that trained it ended unexpectedly."
            elif self._is_wanted(run):
                slot.turns.append(run)
                if answer.get("elsewhere"):  # another server trains it; it may stop there before we want it to
                    self._changed.wait(_AGAIN)

    def _next(self, slot: WorkerProcess) -> str | None:
        """The run whose turn it is: in order, those whose watchers were heard of just now before the others."""
        slot.turns = deque(filter(self._is_wanted, slot.turns))
        heard = (run for run in slot.turns if self._silence(run) < HEARD)
        run = next(heard, slot.turns[0] if slot.turns else None)
        if run:
            slot.turns.remove(run)
        return run

    def _silence(self, run: str) -> float:
        """Seconds since anyone who wants this run was heard of."""
        now, head = time.monotonic(), RunFolder(self.root / run).head
        return min((now - said for step, said in self._wants[run].values() if step > head), default=math.inf)


FOLDER = "NEXT_TOKEN_EXPLORER_RUNS"
"""Environment variable: where runs are stored, if not in the user's cache directory."""
_guard = threading.Lock()
_made: list[Scheduler] = []


def scheduler() -> Scheduler:
    """The one of this process, made for the first visitor who needs it."""
    with _guard:
        if not _made:
            named = os.environ.get(FOLDER)
            _made.append(Scheduler(Path(named) if named else default_folder() / "runs"))
            atexit.register(close)
        return _made[0]


def close() -> None:
    """Ends its workers, every run saved."""
    with _guard:
        while _made:
            _made.pop().close()
