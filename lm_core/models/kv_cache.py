"""The KV cache: keys and values of tokens already read, so that each is computed once.

It holds tensors, not ids: whoever passes a cache remembers which tokens it stands for.
"""

from __future__ import annotations

import torch

from lm_core.errors import whole_number


class KVCache:
    """Keys and values of one sequence, all layers, float32.

    `append` writes one layer's new entries and returns all of that layer's; `advance` counts them in
    once every layer has written, so a forward pass that fails midway leaves the cache as it was.

    >>> cache = KVCache(layers=1, kv_heads=1, head_dim=2)
    >>> new = torch.ones(1, 3, 2)  # (kv_heads, time, head_dim)
    >>> keys, values = cache.append(0, new, new)
    >>> cache.advance(3)
    >>> cache.length, cache.nbytes  # 3 tokens x 2 (keys, values) x 1 layer x 1 head x 2 x 4 bytes
    (3, 48)
    >>> cache.trim(1)
    >>> cache.length
    1
    """

    def __init__(self, layers: int, kv_heads: int, head_dim: int) -> None:
        self.layers = whole_number("layers", layers, 1)
        self.kv_heads = whole_number("kv_heads", kv_heads, 1)
        self.head_dim = whole_number("head_dim", head_dim, 1)
        self._length = 0
        self._hidden = 0
        self._store = torch.empty(0)
        self._allocate(0)

    def _allocate(self, capacity: int) -> None:
        grown = torch.empty(self.layers, 2, self.kv_heads, capacity, self.head_dim, dtype=torch.float32)
        if self._length:
            grown[:, :, :, : self._length] = self._store[:, :, :, : self._length]
        self._store = grown

    @property
    def length(self) -> int:
        """Tokens held, those hidden not counted."""
        return self._length - self._hidden

    @property
    def positions(self) -> int:
        """All tokens held; the next one stands at this position."""
        return self._length

    def hide(self, tokens: int) -> None:
        """Takes the first tokens out of `length`, `fork` and `trim`: what a model reads by itself before any text."""
        self._hidden = whole_number("tokens", tokens, 0, self._length)

    def held(self) -> torch.Tensor:
        """What is held, a view: (layers, 2, kv_heads, positions, head_dim); the 2 are keys and values."""
        return self._store[:, :, :, : self._length]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of what is held: (layers, 2, kv_heads, positions, head_dim); the 2 are keys and values."""
        return tuple(self.held().shape)

    @property
    def nbytes(self) -> int:
        """Bytes of the tokens held, as torch counts them; room to grow is not among them."""
        return self.held().nbytes

    @property
    def bytes_per_token(self) -> int:
        return 2 * self.layers * self.kv_heads * self.head_dim * self._store.element_size()

    @property
    def allocated_nbytes(self) -> int:
        """Bytes reserved, room to grow included; at least `nbytes`."""
        return self._store.nbytes

    def reserve(self, tokens: int) -> torch.Tensor:
        """All the memory, (layers, 2, kv_heads, room, head_dim), with room for so many tokens behind those held.

        For an engine that writes in place and then calls `advance`.
        """
        end, capacity = self._length + whole_number("tokens", tokens, 0), self._store.shape[3]
        if end > capacity:
            self._allocate(max(end, 2 * capacity, 64))  # doubling: each token is copied O(1) times on average
        return self._store

    def append(self, layer: int, keys: torch.Tensor, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Writes (kv_heads, new, head_dim) behind the tokens held; returns (kv_heads, length + new, head_dim)."""
        end = self._length + keys.shape[1]
        self.reserve(keys.shape[1])
        self._store[layer, 0, :, self._length : end] = keys
        self._store[layer, 1, :, self._length : end] = values
        return self._store[layer, 0, :, :end], self._store[layer, 1, :, :end]

    def advance(self, tokens: int) -> None:
        """Counts in the entries that every layer has appended."""
        self._length += whole_number("tokens", tokens, 0, self._store.shape[3] - self._length)

    def fork(self, length: int) -> KVCache:
        """A new cache that holds a copy of the first `length` tokens."""
        copy = KVCache(self.layers, self.kv_heads, self.head_dim)
        copy._length, copy._hidden = whole_number("length", length, 0, self.length) + self._hidden, self._hidden
        copy._store = self._store[:, :, :, : copy._length].clone()  # (layers, 2, kv_heads, length, head_dim)
        return copy

    def trim(self, length: int) -> None:
        """Forgets all tokens after the first `length`."""
        self._length = whole_number("length", length, 0, self.length) + self._hidden
