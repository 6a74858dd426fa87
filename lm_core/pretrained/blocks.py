"""Quantised matrices of a GGUF file, rearranged for a kernel that multiplies by 4-bit weights directly.

Q4_1 and Q8_0 blocks become 4-bit integers with a scale (and an offset) for each 32 weights; no value changes, so a
product with them is the product with the dequantised matrix.
Block formats: https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLOCK = 32
"""Weights of a row that share a scale."""
_ZERO = 8
"""What the kernel takes from each 4-bit integer: its weights are scale * (integer - 8)."""


@dataclass(frozen=True)
class Blocks:
    """A matrix (out_features, in_features) in rows of blocks: weight = scale * (integer - 8) + offset."""

    integers: NDArray[np.uint8]
    """(out_features, blocks, 32), each from 0 to 15."""
    scales: NDArray[np.float32]
    """(out_features, blocks)."""
    offsets: NDArray[np.float32]
    """(out_features, blocks): added to every weight of a block, hence multiplied by the sum of its inputs."""

    def packed(self) -> NDArray[np.uint8]:
        """Two integers to a byte, the earlier one in the lower half: (out_features, blocks, 16)."""
        return self.integers[..., 0::2] | self.integers[..., 1::2] << np.uint8(4)

    def rows(self, order: NDArray[np.intp]) -> Blocks:
        """The same rows in another order."""
        return Blocks(self.integers[order], self.scales[order], self.offsets[order])


def stacked(parts: Sequence[Blocks]) -> Blocks:
    """One below the other, as if several matrices were one."""
    return Blocks(*(np.concatenate([getattr(p, name) for p in parts]) for name in ("integers", "scales", "offsets")))


def from_q4_1(raw: NDArray[np.uint8]) -> Blocks:
    """Q4_1 rows (out_features, bytes). A block is d, m (float16) and 16 bytes of halves: weight = d * q + m.

    >>> d, m = np.float16([0.5, -1]).view(np.uint8).reshape(2, 2)
    >>> block = np.concatenate([d, m, np.full(16, 0xF2, np.uint8)])  # the first 16 weights are 2, the others 15
    >>> found = from_q4_1(block[None])
    >>> (found.scales * (found.integers[0, 0, [0, 31]] - 8.0) + found.offsets).ravel().tolist()
    [0.0, 6.5]
    """
    blocks = raw.reshape(len(raw), -1, 20)  # (out_features, blocks, bytes)
    scales, least = _half(blocks[..., 0:2]), _half(blocks[..., 2:4])
    halves = blocks[..., 4:]
    integers = np.concatenate([halves & np.uint8(15), halves >> np.uint8(4)], axis=-1)  # (out_features, blocks, 32)
    return Blocks(integers, scales, least + _ZERO * scales)


def from_q8_0(raw: NDArray[np.uint8]) -> tuple[Blocks, Blocks]:
    """Q8_0 rows (out_features, bytes) as a sum of two matrices: an integer from -128 to 127 is 16 times one half of
    its bits plus the other. A block is d (float16) and 32 signed bytes: weight = d * q.

    >>> block = np.concatenate([np.float16([2]).view(np.uint8), np.int8([-128, 127] * 16).view(np.uint8)])
    >>> sum((b.scales * (b.integers[0, 0, :2] - 8.0) + b.offsets) for b in from_q8_0(block[None])).tolist()
    [[-256.0, 254.0]]
    """
    scales, signed = signed_bytes(raw)
    shifted = (signed.astype(np.int16) + 128).astype(np.uint8)  # 16 * upper + lower, from 0 to 255
    nothing = np.zeros_like(scales)
    return Blocks(shifted >> np.uint8(4), 16 * scales, nothing), Blocks(shifted & np.uint8(15), scales, _ZERO * scales)


def signed_bytes(raw: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    """Scales (out_features, blocks) and integers (out_features, blocks, 32) of Q8_0 rows."""
    blocks = raw.reshape(len(raw), -1, 34)  # (out_features, blocks, bytes)
    return _half(blocks[..., :2]), blocks[..., 2:].copy().view(np.int8)


def _half(pair: NDArray[np.uint8]) -> NDArray[np.float32]:
    return pair.copy().view(np.float16)[..., 0].astype(np.float32)
