"""GPUs by name: memory as the driver reports it, bandwidth, and what their matrix units compute, from gpus.toml.

A driver reports less than the label says: an "80 GB" H100 has 79.22 GiB for a program to see.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lm_core.errors import InvalidInput

_GIB, _MIB, _GB, _TERA = 2**30, 2**20, 10**9, 10**12
_KEPT_BY_DRIVER = 430 * _MIB
"""nvidia-smi's total less what a program sees: 79.65 - 79.22 GiB on an H100, 0.25 to 0.7 on the others measured."""


@dataclass(frozen=True)
class Gpu:
    """`memory` in bytes, `bandwidth` in bytes a second, `bf16` and `fp8` in operations a second (0: not known).

    `price`: US dollars an hour, 0 where none is known. `unified`: the processor's memory and the GPU's are one.
    """

    name: str
    memory: int
    bandwidth: int
    bf16: int = 0
    fp8: int = 0
    price: float = 0.0
    unified: bool = False


def _read(name: str, row: dict[str, Any]) -> Gpu:
    memory = round(row["reported_gib"] * _GIB) if "reported_gib" in row else row["driver_mib"] * _MIB - _KEPT_BY_DRIVER
    bf16, fp8 = (round(row.get(key, 0) * _TERA) for key in ("bf16", "fp8"))
    return Gpu(name, memory, row["bandwidth_gb"] * _GB, bf16, fp8, row.get("price", 0.0), row.get("unified", False))


GPUS = {
    name: _read(name, row)
    for name, row in tomllib.loads(Path(__file__).with_name("gpus.toml").read_text(encoding="utf-8")).items()
}


def runs_on(engine: str, gpu: Gpu) -> bool:
    """Whether an engine runs on such a GPU at all: MLX on Apple's alone, the servers of data centres on all others.

    >>> runs_on("vLLM", GPUS["Apple M4 Max 64 GB"]), runs_on("llama.cpp", GPUS["Apple M4 Max 64 GB"])
    (False, True)
    """
    apple = gpu.name.startswith("Apple")
    return apple if engine == "MLX" else not apple or engine in ("llama.cpp", "Ollama", "ideal", "transformers")


def gpu(name: object) -> Gpu:
    """The GPU of that name.

    >>> round(gpu("H100 80 GB").memory / 2**30, 2)
    79.22
    """
    if not isinstance(name, str) or name not in GPUS:
        raise InvalidInput("gpu", f"one of {', '.join(GPUS)}", name)
    return GPUS[name]
