"""Cache size against length or number of sequences: the points of a plot, in powers of two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lm_core.kv_sizing.sizing import Sizing, size


@dataclass(frozen=True)
class Curve:
    """`totals` bytes at each of `contexts`, with this many `sequences`."""

    sequences: int
    contexts: tuple[int, ...]
    totals: tuple[int, ...]


def lengths(sizing: Sizing) -> tuple[int, ...]:
    """Powers of two from 256 to the model's longest context, or past the length asked for where that is unknown."""
    longest = max(sizing.geometry.max_context or 131_072, sizing.load.context)
    return tuple(1 << power for power in range(8, max(9, (longest - 1).bit_length() + 1)))


def over_sequences(sizing: Sizing) -> Curve:
    """The same question for 1, 2, 4 ... sequences, past the number asked for; `contexts` then holds those numbers.

    >>> from lm_core.kv_sizing import preset, size
    >>> curve = over_sequences(size(preset("llama-3.1-8b"), 8192, 3))
    >>> curve.contexts[:3], curve.totals[0]
    ((1, 2, 4), 1073741824)
    """
    load = sizing.load
    numbers = tuple(1 << power for power in range(max(7, load.sequences.bit_length() + 1)))
    return Curve(0, numbers, tuple(_total(sizing, load.context, many) for many in numbers))


def curves(sizing: Sizing, sequences: Sequence[int]) -> tuple[Curve, ...]:
    """One for each number of sequences.

    >>> from lm_core.kv_sizing import preset, size
    >>> curve, = curves(size(preset("llama-3.1-8b"), 8192), [1])
    >>> curve.contexts[0], curve.totals[0]
    (256, 33554432)
    """
    contexts = lengths(sizing)
    return tuple(Curve(many, contexts, tuple(_total(sizing, n, many) for n in contexts)) for many in sequences)


def _total(sizing: Sizing, context: int, sequences: int) -> int:
    load = sizing.load
    dtypes = (load.dtype_k.name, load.dtype_v.name)
    return size(sizing.geometry, context, sequences, *dtypes, sizing.engine, load.tensor_parallel).total
