"""GPUs by name: memory and bandwidth as their makers state them.

`memory` is what a driver reports as total on that board, rounded down to a GiB where only the nominal size was found;
an engine can use a little less, which is what a utilisation below 100 % is for.
"""

from __future__ import annotations

from dataclasses import dataclass

from lm_core.errors import InvalidInput

_GIB = 2**30


@dataclass(frozen=True)
class Gpu:
    """`memory` in bytes, `bandwidth` in bytes per second."""

    name: str
    memory: int
    bandwidth: int


GPUS = {
    gpu.name: gpu
    for gpu in (
        Gpu("T4 16 GB", 15 * _GIB, 320 * 10**9),
        Gpu("L4 24 GB", 22 * _GIB, 300 * 10**9),
        Gpu("A10 24 GB", 22 * _GIB, 600 * 10**9),
        Gpu("RTX 3090 24 GB", 24 * _GIB, 936 * 10**9),
        Gpu("RTX 4090 24 GB", 24 * _GIB, 1008 * 10**9),
        Gpu("RTX 5090 32 GB", 32 * _GIB, 1792 * 10**9),
        Gpu("L40S 48 GB", 44 * _GIB, 864 * 10**9),
        Gpu("A100 40 GB", 40 * _GIB, 1555 * 10**9),
        Gpu("A100 80 GB", 80 * _GIB, 2039 * 10**9),
        Gpu("H100 80 GB", 79 * _GIB, 3350 * 10**9),
        Gpu("H200 141 GB", 140 * _GIB, 4800 * 10**9),
        Gpu("B200 180 GB", 179 * _GIB, 8000 * 10**9),
        Gpu("MI300X 192 GB", 191 * _GIB, 5300 * 10**9),
    )
}


def gpu(name: object) -> Gpu:
    """The GPU of that name.

    >>> gpu("H100 80 GB").memory // 2**30
    79
    """
    if not isinstance(name, str) or name not in GPUS:
        raise InvalidInput("gpu", f"one of {', '.join(GPUS)}", name)
    return GPUS[name]
