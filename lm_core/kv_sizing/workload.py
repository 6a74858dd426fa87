"""A workload (context, sequences, dtype, sharing), and a line of the answer to it."""

from __future__ import annotations

from dataclasses import dataclass

from lm_core.errors import whole_number
from lm_core.kv_sizing.dtypes import Dtype, dtype

MOST_TOKENS = 1 << 40


@dataclass(frozen=True)
class Workload:
    """`sequences` of `context` tokens each, split over `tensor_parallel` GPUs."""

    context: int
    sequences: int
    dtype_k: Dtype
    dtype_v: Dtype
    tensor_parallel: int = 1

    @classmethod
    def of(cls, context: object, sequences: object, dtype_k: object, dtype_v: object, ranks: object = 1) -> Workload:
        """Checks every part."""
        return cls(
            whole_number("context", context, 1, MOST_TOKENS), whole_number("sequences", sequences, 1, 1 << 30),
            dtype(dtype_k), dtype(dtype_v), whole_number("tensor_parallel", ranks, 1, 4096),
        )  # fmt: skip


@dataclass(frozen=True)
class Line:
    """A part of the whole on one GPU: `bytes`, and the product that gives them, with the numbers put in.

    What stands after a semicolon in `formula` explains one of its factors.
    """

    label: str
    bytes: int
    formula: str


def up(value: int, multiple: int) -> int:
    """The next multiple that is not smaller.

    >>> up(640, 256)
    768
    """
    return -(-value // multiple) * multiple
