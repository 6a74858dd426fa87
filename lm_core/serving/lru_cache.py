"""A thread-safe LRU cache, bounded in bytes or in entries.

Ours, because cachetools measures a value once, when it is put; a KV cache grows after that.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class LRUCache(Generic[Key, Value]):
    """A mapping that drops what was unused for longest. `size` gives the bytes of a value; without it, entries count.

    >>> kept = LRUCache(10, len)
    >>> kept.put("a", b"12345"), kept.put("b", b"12345"), kept.get("a"), kept.put("c", b"1")
    (None, None, b'12345', None)
    >>> list(kept), kept.nbytes
    (['a', 'c'], 6)
    """

    def __init__(self, budget: int, size: Callable[[Value], int] = lambda _: 1) -> None:
        self._budget, self._size = budget, size
        self._lock = threading.RLock()
        self._held: OrderedDict[Key, Value] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        """The value, which then counts as used."""
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
            return self._held.get(key)

    def put(self, key: Key, value: Value) -> None:
        """Keeps it, as long as there is room; values may have grown since they were put here."""
        with self._lock:
            self._held[key] = value
            self._held.move_to_end(key)
            while self._held and self.nbytes > self._budget:
                self._held.popitem(last=False)

    def pop(self, key: Key) -> Value | None:
        with self._lock:
            return self._held.pop(key, None)

    @property
    def nbytes(self) -> int:
        with self._lock:
            return sum(map(self._size, self._held.values()))

    def __contains__(self, key: object) -> bool:
        return key in self._held

    def __iter__(self) -> Iterator[Key]:
        with self._lock:
            return iter(list(self._held))

    def __len__(self) -> int:
        return len(self._held)
