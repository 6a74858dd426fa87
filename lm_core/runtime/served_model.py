"""Makes one model safe and quick for many visitors: one forward pass at a time, prefixes and answers kept.

Meets the `LanguageModel` contract itself, so a page cannot tell it from the bare model. All passes run on
one thread: torch keeps a team of workers for each thread that calls it, and teams fight over the cores.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import takewhile
from typing import TYPE_CHECKING, Any, TypeVar

from lm_core.runtime import limits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lm_core.models import LanguageModel
    from lm_core.models.kv_cache import KVCache

Ids = tuple[int, ...]
T = TypeVar("T")


def shared_length(a: Sequence[int], b: Sequence[int]) -> int:
    """How many ids two sequences have in common from the start.

    >>> shared_length([5, 6, 7], [5, 6, 9, 9])
    2
    """
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(a, b)))


class ServedModel:
    """A model behind a queue, with two memories: logits by prompt, and keys and values by prefix."""

    def __init__(
        self, model: LanguageModel, kv_bytes: int = limits.KV_CACHE_BYTES, results: int = limits.KEPT_RESULTS
    ) -> None:
        self.tokenizer = model.tokenizer
        self.vocab_size = model.vocab_size
        self.context_length = model.context_length
        self.end_ids = model.end_ids
        self.new_cache = model.new_cache
        self.config: Any = getattr(model, "config", None)
        self._model = model
        self._kv_bytes = kv_bytes
        self._max_results = results
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="inference")
        self._lock = threading.Lock()  # guards _results; _prefixes belongs to the worker thread
        self._results: OrderedDict[Ids, NDArray[np.floating]] = OrderedDict()
        self._prefixes: OrderedDict[Ids, KVCache] = OrderedDict()

    @property
    def answered(self) -> bool:
        """Whether it has given an answer yet; the first one takes longest."""
        return bool(self._results)

    def recalls(self, ids: Sequence[int]) -> bool:
        """Whether the answer to this prompt is kept from before."""
        return tuple(ids) in self._results

    def run(self, action: Callable[[Any], T]) -> T:
        """Does something else with the bare model, in its turn among the passes."""
        return self._worker.submit(action, self._model).result()

    def logits(self, ids: Sequence[int], cache: KVCache | None = None) -> NDArray[np.floating]:
        """See LanguageModel.logits."""
        return self._worker.submit(self._model.logits, ids, cache).result()

    def next_logits(
        self, batch: Sequence[Sequence[int]], caches: Sequence[KVCache] | None = None
    ) -> NDArray[np.floating]:
        """See LanguageModel.next_logits. Without caches of the caller's, answers given before are given again."""
        import numpy as np

        if caches is not None or len(batch) == 0 or not all(batch):
            return self._worker.submit(self._model.next_logits, batch, caches).result()
        return np.stack([self._answer(tuple(ids)) for ids in batch])

    def _answer(self, ids: Ids) -> NDArray[np.floating]:
        with self._lock:
            known = self._results.get(ids)
            if known is not None:
                self._results.move_to_end(ids)
                return known
        row = self._worker.submit(self._compute, ids).result()
        with self._lock:
            self._results[ids] = row
            while len(self._results) > self._max_results:
                self._results.popitem(last=False)
        return row

    def _compute(self, ids: Ids) -> NDArray[np.floating]:
        """One forward pass over what no kept prefix covers; at least the last token is always read anew."""
        cache = self._model.new_cache()
        if cache is None:
            return self._model.next_logits([ids])[0]
        nearest = max(self._prefixes, key=lambda held: shared_length(held, ids), default=())
        shared = min(shared_length(nearest, ids), len(ids) - 1)
        goes_on = 0 < shared == len(nearest)  # then no copy is needed: the longer text's cache serves both
        if shared:
            self._prefixes.move_to_end(nearest)
            cache = self._prefixes[nearest] if goes_on else self._prefixes[nearest].fork(shared)
        row = self._model.next_logits([ids[shared:]], [cache])[0]
        if goes_on:
            del self._prefixes[nearest]
        self._prefixes[ids] = cache
        self._prefixes.move_to_end(ids)
        while sum(held.allocated_nbytes for held in self._prefixes.values()) > self._kv_bytes:
            self._prefixes.popitem(last=False)
        return row
