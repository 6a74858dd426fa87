"""A model served to many visitors: batched passes, chunked prefill, cached answers and shared prefixes.

Meets the `LanguageModel` contract. All passes run on the one thread of the inference queue.
"""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Any, TypeVar

from lm_core.serving import inference_queue, limits
from lm_core.serving.inference_queue import InferenceQueue, Request
from lm_core.serving.lru_cache import LRUCache

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lm_core.models import LanguageModel
    from lm_core.models.kv_cache import KVCache

    Row = NDArray[np.floating]

_SHARE = 4
"""While others wait, a long text is read in chunks smaller by this factor: a pass of theirs takes about as long."""
Ids = tuple[int, ...]
T = TypeVar("T")


def shared_length(a: Sequence[int], b: Sequence[int]) -> int:
    """How many ids two sequences have in common from the start.

    >>> shared_length([5, 6, 7], [5, 6, 9, 9])
    2
    """
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(a, b)))


@dataclass
class Reading:
    """A sequence on its way through the model."""

    unread: Ids
    cache: KVCache | None = None
    """What is held of it; None for a model that keeps nothing, and before it has begun."""
    key: Ids = ()
    """The whole of it, where the answer is to be kept; () if the cache is the caller's."""
    before: int = 0
    """Tokens the caller's cache held at first."""

    def release(self) -> None:
        """Leaves the caller's cache as it was."""
        if self.cache is not None and not self.key:
            self.cache.trim(self.before)


class ServedModel:
    """A model behind the queue, with two memories: logits by prompt, and keys and values by prefix."""

    def __init__(
        self,
        model: LanguageModel,
        reference: Callable[[], Any] | None = None,
        queue: InferenceQueue = inference_queue.queue,
        kv_bytes: int = limits.KV_CACHE_BYTES,
        result_bytes: int = limits.RESULT_BYTES,
        chunk: int = limits.CHUNK,
    ) -> None:
        """`reference` brings the model that can be looked into, where `model` itself cannot."""
        self.tokenizer = model.tokenizer
        self.vocab_size = model.vocab_size
        self.context_length = model.context_length
        self.end_ids = model.end_ids
        self.new_cache = model.new_cache
        self.config: Any = getattr(model, "config", None)
        self._model = model
        self._bring, self._reference = reference, None if reference else model
        self._opening = threading.Lock()
        self._answered = False
        self._queue, self._chunk = queue, chunk
        self._results: LRUCache[Ids, Row] = LRUCache(result_bytes, lambda row: row.nbytes)
        self._prefixes: LRUCache[Ids, KVCache] = LRUCache(kv_bytes, lambda cache: cache.allocated_nbytes)

    @property
    def answered(self) -> bool:
        """Whether it has given an answer yet; the first one takes longest."""
        return self._answered

    def recalls(self, ids: Sequence[int]) -> bool:
        """Whether the answer to this prompt is kept from before."""
        return tuple(ids) in self._results

    def run(self, action: Callable[[Any], T], yields: bool = False) -> T:
        """Does something else with a bare model that can be looked into, in its turn among the passes; with `yields`
        those who type go first."""
        with self._opening:  # not in the queue: bringing it takes a second, and others need not wait for that
            if self._reference is None and self._bring is not None:
                self._reference = self._bring()
        return self._queue.call(lambda: action(self._reference), yields)

    def logits(self, ids: Sequence[int], cache: KVCache | None = None) -> Row:
        """See LanguageModel.logits; a long text is read in chunks, others have their turn between them."""
        import numpy as np

        cache = cache if cache is not None or len(ids) <= self._chunk else self._model.new_cache()
        if cache is None or not self._fits([tuple(ids)], [cache]):
            return self._queue.call(lambda: self._model.logits(ids, cache))
        before, starts = cache.length, range(0, len(ids), self._chunk)

        def read(start: int) -> Callable[[], Row]:
            return lambda: self._model.logits(ids[start : start + self._chunk], cache)

        try:
            return np.concatenate([self._queue.call(read(start)) for start in starts])
        except BaseException:
            cache.trim(before)
            raise

    def next_logits(self, batch: Sequence[Sequence[int]], caches: Sequence[KVCache] | None = None) -> Row:
        """See LanguageModel.next_logits. Without caches of the caller's, answers given before are given again."""
        import numpy as np

        wanted = [tuple(ids) for ids in batch]
        if not self._fits(wanted, caches):
            return self._queue.call(lambda: self._model.next_logits(batch, caches))  # which says what is wrong
        if caches is not None:
            readings = [Reading(ids, cache, before=cache.length) for ids, cache in zip(wanted, caches)]
            return np.stack(self._queue.ask([Request(self, reading) for reading in readings]))
        known = {ids: row for ids in wanted if (row := self._results.get(ids)) is not None}
        missing = [ids for ids in dict.fromkeys(wanted) if ids not in known]
        if missing:
            known |= zip(missing, self._queue.ask([Request(self, Reading(ids, key=ids)) for ids in missing]))
        return np.stack([known[ids] for ids in wanted])

    def _fits(self, batch: Sequence[Ids], caches: Sequence[KVCache] | None) -> bool:
        held = [cache.length for cache in caches] if caches is not None else [0] * len(batch)
        room = math.inf if self.context_length is None else self.context_length
        return 0 < len(batch) == len(held) and all(ids and n + len(ids) <= room for n, ids in zip(held, batch))

    # ---- on the queue's thread

    def advance(self, requests: list[Request]) -> list[Request]:
        """One pass: of those that are nearly through, as many as fit; then a chunk of one that is longer, a smaller one
        while others wait."""
        waiting = [request for request in requests if not self._settled(request)]
        self._begin([request.work for request in waiting])
        long = [r for r in waiting if r.work.cache is not None and len(r.work.unread) > self._chunk]
        now: list[Request] = []
        room = 2 * self._chunk
        for request in [request for request in waiting if request not in long]:
            if now and len(request.work.unread) > room:
                break
            room -= len(request.work.unread)
            now.append(request)
        self._finish(now)
        for request in long[:1]:
            self._read_on(request, self._chunk // _SHARE if now else self._chunk)
        unfinished = [request for request in waiting if not request.done.is_set()]
        return sorted(unfinished, key=lambda request: request in long[:1])  # what had its turn goes last

    def _settled(self, request: Request) -> bool:
        """Whether nothing is left to do: nobody waits any more, or the answer has come meanwhile."""
        if request.dropped:
            request.work.release()
            request.finish()
        elif request.work.key and (row := self._results.get(request.work.key)) is not None:
            request.finish(row)
        return request.done.is_set()

    def _begin(self, readings: list[Reading]) -> None:
        """Gives those that are new what is kept of their beginning; at least the last token is always read anew."""
        fresh = [reading for reading in readings if reading.key and reading.cache is None]
        if not fresh or self._model.new_cache() is None:
            return
        held = list(self._prefixes)
        nearest = [max(held, key=lambda prefix: shared_length(prefix, r.key), default=()) for r in fresh]
        wanted = Counter(nearest)
        for reading, prefix in zip(fresh, nearest):
            shared = min(shared_length(prefix, reading.key), len(reading.key) - 1)
            kept = self._prefixes.get(prefix) if shared else None
            if kept is None:
                reading.cache = self._model.new_cache()
                continue
            # A text that goes on takes the cache along, no copy needed: the longer one serves both.
            goes_on = shared == len(prefix) and wanted[prefix] == 1
            reading.cache = self._prefixes.pop(prefix) if goes_on else kept.fork(shared)
            reading.unread = reading.key[shared:]

    def _finish(self, requests: list[Request]) -> None:
        """Reads what is left of them, equal ones once, and answers."""
        firsts = {request.work.key or id(request): request for request in requests}
        leading = list(firsts.values())
        for request, row in zip(leading, self._rows(leading)):
            if row is None:  # it was told why
                continue
            self._answered = True
            if request.work.key:
                self._results.put(request.work.key, row)
                if request.work.cache is not None:
                    self._prefixes.put(request.work.key, request.work.cache)
            request.finish(row)
        for request in requests:
            if not request.done.is_set():  # the twin of one that failed asks once more; of another, it is answered
                self._settled(request)

    def _rows(self, requests: list[Request]) -> Sequence[Row | None]:
        """Last rows, all in one pass; where that fails each alone, so that an error reaches only whom it concerns."""
        if not requests:
            return []
        readings: list[Reading] = [request.work for request in requests]
        caches = None if readings[0].cache is None else [reading.cache for reading in readings]
        try:
            return list(self._model.next_logits([r.unread for r in readings], caches))  # type: ignore[arg-type]
        except Exception as error:
            if len(requests) == 1:
                readings[0].release()
                requests[0].finish(error=error)
                return [None]
        return [self._rows([request])[0] for request in requests]

    def _read_on(self, request: Request, tokens: int) -> None:
        """A part of a long text; what it scores is not asked."""
        reading: Reading = request.work
        chunk, reading.unread = reading.unread[:tokens], reading.unread[tokens:]
        try:
            self._model.next_logits([chunk], [reading.cache])  # type: ignore[list-item]
        except Exception as error:
            reading.release()
            request.finish(error=error)
