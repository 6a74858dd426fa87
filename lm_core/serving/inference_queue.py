"""The queue of all models of a process: first come, first served; requests to the same model share a forward pass.

Passes run on one thread: torch keeps a team of workers for each thread that calls it, and teams compete for the cores.
While a pass runs, requests gather; the next pass takes all of them that ask the same model (dynamic batching), so that
nobody waits for a batch to fill.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from lm_core.errors import Busy
from lm_core.serving import faults, limits

T = TypeVar("T")
YIELDING = 2.0
"""Seconds for which work that yields lets everybody else go first; then it takes its turn like the others."""
PATIENCE = 0.25
"""Seconds after which one who waits is told their place, again and again."""
Waiting = Callable[[int | None, float], None]
"""Called in the waiting thread with the requests before it and the seconds expected, and with None once that is over.
If it raises, the request is dropped and the error goes on to the caller."""


class Group(Protocol):
    """Whoever serves requests together."""

    def advance(self, requests: list[Request]) -> list[Request]:
        """Works on the requests for one pass, finishing some with `Request.finish`; returns the unfinished."""
        ...


@dataclass(eq=False)
class Request:
    """One thing asked for."""

    group: Group | None
    """Requests of the same group may share a pass; None: alone."""
    work: Any
    """What the group needs to know, and may change between passes."""
    yields: bool = False
    """Whether those who type go first: it is long, or only looked at."""
    since: float = field(default_factory=time.monotonic)
    caller: object = None
    """Whose it is: one call may ask for many things."""
    begun: bool = False
    dropped: bool = False
    """Nobody waits for it any more."""
    result: Any = None
    error: BaseException | None = None
    done: threading.Event = field(default_factory=threading.Event)

    def finish(self, result: Any = None, error: BaseException | None = None) -> None:
        self.result, self.error = result, error
        self.done.set()


class InferenceQueue:
    """Bounded, in order; a request that takes several passes lets others go between them."""

    def __init__(self, most: int = limits.QUEUE, batch: int = limits.BATCH) -> None:
        self._most, self._batch = most, batch
        self._changed = threading.Condition()
        self._line: deque[Request] = deque()
        self._thread: threading.Thread | None = None
        self._pass_seconds = 0.05
        self.waiting: Waiting = lambda _ahead, _seconds: None

    def __len__(self) -> int:
        """Callers who wait, whatever each asks for; those being worked on not counted."""
        return len({request.caller for request in tuple(self._line)})

    def call(self, action: Callable[[], T], yields: bool = False) -> T:
        """Does something in its turn, alone; with `yields` others who wait go first, for a while."""
        return self.ask([Request(None, action, yields)])[0]

    def ask(self, requests: list[Request]) -> list[Any]:
        """The results, in order. Raises what serving them raised, or Busy when the line is full."""
        caller = object()
        for request in requests:
            request.caller = caller
        with self._changed:
            if len(self) >= self._most:
                raise Busy(f"The model has {len(self)} requests waiting.")
            self._line.extend(requests)
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="inference", daemon=True)
                self._thread.start()
            self._changed.notify_all()
        told = False
        try:
            for request in requests:
                while not request.done.wait(PATIENCE):
                    self.waiting(*self._place(request))
                    told = True
        except BaseException:
            self._drop(requests)
            raise
        if told:
            self.waiting(None, 0.0)
        for request in requests:
            if request.error is not None:
                raise request.error
        return [request.result for request in requests]

    def _place(self, request: Request) -> tuple[int, float]:
        with self._changed:
            place = self._line.index(request) if request in self._line else 0
            others = {other.caller for other in list(self._line)[:place]} - {request.caller}
        return len(others), (1 + place // self._batch) * self._pass_seconds

    def _drop(self, requests: list[Request]) -> None:
        """Takes them out of the line; what is being worked on is waited for, since it may hold a caller's cache."""
        with self._changed:
            for request in requests:
                request.dropped = True
                if request in self._line and not request.begun:
                    self._line.remove(request)
                    request.done.set()
        for request in requests:
            request.done.wait()

    # ---- on the one thread

    def _serve(self) -> None:
        while True:
            try:
                self._pass()
            except Exception as error:  # those who asked have been told; the next must not wait for ever
                faults.note("the line for the model", error)

    def _pass(self) -> None:
        """One pass, once there is something to do."""
        with self._changed:
            while not self._line:
                self._changed.wait()
            taken = self._take()
            for request in taken:
                request.begun = True
        start = time.perf_counter()
        unfinished = self._work(taken)
        self._pass_seconds += 0.2 * (time.perf_counter() - start - self._pass_seconds)
        with self._changed:
            self._line.extend(unfinished)

    def _take(self) -> list[Request]:
        """The first in line, and with it those further back that can share its pass: of every caller the first, then
        of every caller the second, so that one who asks for much does not keep out the others."""
        late = time.monotonic() - YIELDING
        first = next((each for each in self._line if not each.yields or each.since < late), self._line[0])
        self._line.remove(first)
        if first.group is None:
            return [first]
        turns, asked = [], Counter([first.caller])
        for request in self._line:
            if request.group is first.group:
                turns.append((asked[request.caller], request))
                asked[request.caller] += 1
        others = [request for _, request in sorted(turns, key=lambda turn: turn[0])][: self._batch - 1]
        for request in others:
            self._line.remove(request)
        return [first, *others]

    def _work(self, taken: list[Request]) -> list[Request]:
        group = taken[0].group
        try:
            if group is None:
                taken[0].finish(taken[0].work())
                return []
            return group.advance(taken)
        except BaseException as error:  # it belongs to those who asked
            for request in taken:
                if not request.done.is_set():
                    request.finish(error=error)
            return []


queue = InferenceQueue()
"""The one of this process."""
