"""A remote engine as a served model, with a local copy as its fallback: where the engine fails, this server answers.

Where only the engine holds the model there is no fallback, and its failure is raised. Which of the two answered is
counted for each thread, because each visitor's page runs on a thread of its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lm_core.remote.client import PAUSE, EngineFailed
from lm_core.remote.remote_only import RemoteOnlyModel
from lm_core.serving import inference_queue, limits
from lm_core.serving.inference_queue import InferenceQueue
from lm_core.serving.served_model import ServedModel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lm_core.models.kv_cache import KVCache
    from lm_core.remote.client import Top
    from lm_core.remote.model import Probe, RemoteModel

    Row = NDArray[np.floating]


_TESTED_FOR = 300.0
"""Seconds after which an engine is tested again: another model may have taken its place without a failure."""


@dataclass
class Provenance:
    """Who gave some numbers.

    >>> of_before, now = Provenance(engine=2), Provenance(own=1, why="The engine broke off its answer.")
    >>> now.add(of_before)
    >>> now.engine, now.own
    (2, 1)
    """

    engine: int = 0
    """Answers of the engine."""
    own: int = 0
    """Answers of this server in its place."""
    why: str = ""
    """What the engine failed at last."""

    def add(self, other: Provenance) -> None:
        """Counts what the other counts too."""
        self.engine, self.own, self.why = self.engine + other.engine, self.own + other.own, other.why or self.why


class EngineWithFallback(ServedModel):
    """The engine's answers, or the fallback's. Has a queue of its own: who asks the fallback waits for no network."""

    def __init__(self, remote: RemoteModel, fallback: ServedModel | RemoteOnlyModel) -> None:
        line = InferenceQueue()
        line.waiting = lambda ahead, seconds: inference_queue.queue.waiting(ahead, seconds)
        super().__init__(remote, queue=line)
        self.title = remote.title
        self._remote, self._fallback = remote, fallback
        if isinstance(fallback, ServedModel):  # only the fallback can be looked into
            self.config = fallback.config
            self.run = fallback.run  # type: ignore[method-assign]
        self._connecting = threading.Lock()
        self.measured: Probe | None = None
        """What it was found to give when it was last connected."""
        self._connected, self._probed = False, 0.0
        self._refused, self._refused_until = "", 0.0
        self._threads = threading.local()

    def take_provenance(self) -> Provenance:
        """Who answered this thread since it last asked."""
        answered_by = self._following[0]
        self._threads.following = [Provenance()]
        return answered_by

    @property
    def provenance(self) -> Provenance:
        """The same, while more may come."""
        return self._following[0]

    def follow(self, kept: Provenance) -> None:
        """Numbers kept from before are shown again by this thread: what is said of them is said again, and whoever
        answers from here on is said of them too, until `unfollow` or until the thread asks."""
        self._following[0].add(kept)
        self._following.append(kept)

    def unfollow(self, kept: Provenance) -> None:
        """Ends what `follow` began."""
        self._threads.following = [answered_by for answered_by in self._following if answered_by is not kept]

    @property
    def _following(self) -> list[Provenance]:
        """What this thread's answers are counted in; the first is what it asks for."""
        if not hasattr(self._threads, "following"):
            self._threads.following = [Provenance()]
        found: list[Provenance] = self._threads.following
        return found

    def _count(self, engine: int = 0, own: int = 0, why: str = "") -> None:
        for answered_by in self._following:
            answered_by.add(Provenance(engine, own, why))

    def probe(self) -> Probe:
        """What the engine can do. Asked again after each failure, for it may come back as another model; not at once
        where it was refused for what it is. Raises EngineFailed."""
        with self._connecting:
            if time.monotonic() - self._probed > _TESTED_FOR:
                self._connected = False
            if self.measured is None or not self._connected:
                if time.monotonic() < self._refused_until:
                    raise EngineFailed(self._refused)
                try:
                    self.measured = self._remote.probe()
                except EngineFailed as error:
                    self._refused, self._refused_until = str(error), time.monotonic() + PAUSE
                    raise
                self._connected, self._probed = True, time.monotonic()
            return self.measured

    def gives_few(self) -> bool:
        """Whether it answers, but not over the whole vocabulary."""
        return self.measured is not None and not self.measured.complete

    def top(self, ids: Sequence[int]) -> Top:
        """The few likeliest tokens, of an engine that does not give all. Raises EngineFailed."""
        try:
            self.probe()
            return self._remote.top(ids)
        except EngineFailed as error:
            self._count(why=str(error))
            raise

    def logits(self, ids: Sequence[int], cache: KVCache | None = None) -> Row:
        """See LanguageModel.logits; a request for each position, of a long text the fallback's."""
        if not 0 < len(ids) <= limits.ENGINE_POSITIONS:
            most = f"{limits.ENGINE_POSITIONS} positions of a text"
            why = f"The engine ({self.title}) is asked for at most {most}."
            return self._instead(1, why, "Shorten the text.").logits(ids)
        return self.next_logits([ids[:end] for end in range(1, len(ids) + 1)])

    def next_logits(self, batch: Sequence[Sequence[int]], caches: Sequence[KVCache] | None = None) -> Row:
        """See LanguageModel.next_logits; the engine's log-probabilities, or the fallback's logits where it fails."""
        try:
            if (probe := self.probe()).complete:
                rows = super().next_logits(batch)
                self._count(engine=len(batch))
                return rows
            sizes = f"{probe.entries:,} of {self.vocab_size:,} probabilities"
            why = f"The engine ({self.title}) gives {sizes}, and temperature needs all of them."
        except EngineFailed as error:
            self._connected = False
            why = str(error)
        return self._instead(len(batch), why, "Choose another model, or try again in a while.").next_logits(batch)

    def _instead(self, answers: int, why: str, remedy: str) -> ServedModel:
        """Who answers where the engine does not. Raises EngineFailed where nobody else holds the model."""
        if isinstance(self._fallback, RemoteOnlyModel):
            raise EngineFailed(f"{why} No other server holds this model. {remedy}")
        self._count(own=answers, why=why)
        return self._fallback
