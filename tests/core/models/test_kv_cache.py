"""KVCache: bytes by the formula, growth, trimming, forking."""

import pytest
import torch

from lm_core import InvalidInput, KVCache


def fill(cache: KVCache, tokens: int, value: float = 1.0) -> None:
    new = torch.full((cache.kv_heads, tokens, cache.head_dim), value)
    for layer in range(cache.layers):
        cache.append(layer, new, -new)
    cache.advance(tokens)


def test_bytes_by_hand() -> None:
    """SmolLM2-135M: 2 x 30 layers x 3 heads x 64 x 4 bytes = 46,080 bytes a token."""
    cache = KVCache(layers=30, kv_heads=3, head_dim=64)
    assert (cache.length, cache.nbytes, cache.bytes_per_token) == (0, 0, 46_080)
    fill(cache, 5)
    assert cache.nbytes == 5 * 46_080 <= cache.allocated_nbytes


def test_growing_keeps_what_was_there() -> None:
    cache = KVCache(layers=2, kv_heads=1, head_dim=2)
    for token in range(200):
        fill(cache, 1, value=token)
    keys, values = cache.append(1, torch.zeros(1, 1, 2), torch.zeros(1, 1, 2))
    assert keys[0, :200, 0].tolist() == list(range(200))
    assert torch.equal(values, -keys)
    assert cache.length == 200  # appended, not yet counted in


def test_trim_and_fork() -> None:
    cache = KVCache(layers=1, kv_heads=1, head_dim=2)
    fill(cache, 10)
    copy = cache.fork(4)
    cache.trim(2)
    fill(copy, 1, value=9)
    assert (cache.length, copy.length) == (2, 5)
    keys, _ = cache.append(0, torch.zeros(1, 1, 2), torch.zeros(1, 1, 2))
    assert keys[0, :, 0].tolist() == [1, 1, 0]


def test_refusals() -> None:
    cache = KVCache(layers=1, kv_heads=1, head_dim=2)
    fill(cache, 3)
    for wrong in (-1, 4, 1.0):
        with pytest.raises(InvalidInput, match="`length` must be a whole number from 0 to 3"):
            cache.trim(wrong)  # type: ignore[arg-type]
        with pytest.raises(InvalidInput, match="`length` must be a whole number from 0 to 3"):
            cache.fork(wrong)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="`layers` must be a whole number >= 1"):
        KVCache(0, 1, 2)
