"""Reads the text of an engine's start: vLLM's, SGLang's or llama.cpp's. Gives what it says of model, memory and cache.

Only whole figures that the engine printed are taken; a line cut in the middle is no figure. Every amount in bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from lm_core.errors import InvalidInput

MOST_CHARACTERS = 2_000_000
_UNITS = {"GiB": 2**30, "GB": 2**30, "MiB": 2**20, "KiB": 2**10}  # vLLM and SGLang write GB for powers of 1,024


@dataclass(frozen=True)
class Printed:
    """A figure as it was printed, with half a unit of its last place on either side."""

    name: str
    text: str
    value: float
    half: float

    def holds(self, low: float, high: float) -> bool:
        """Whether a figure that may be anything from `low` to `high` agrees with what was printed."""
        return low <= self.value + self.half and high >= self.value - self.half


@dataclass(frozen=True)
class StartLog:
    """What was read; 0 and "" where the text does not say. `settings`: by the names of the page's parameters."""

    engine: str
    version: str = ""
    model: str = ""
    settings: dict[str, int | float | str | bool] = field(default_factory=dict)
    printed: tuple[Printed, ...] = ()

    def figure(self, name: str) -> Printed | None:
        """The figure of that name, if it was printed."""
        return next((each for each in self.printed if each.name == name), None)


def read(text: str) -> StartLog:
    """Of a pasted text. Raises InvalidInput where it is no start of one of the three.

    >>> log = read("Available KV cache memory: 5.01 GiB\\nGPU KV cache size: 93,872 tokens")
    >>> log.engine, [(each.name, each.value) for each in log.printed][1]
    ('vLLM', ('tokens', 93872.0))
    """
    if len(text) > MOST_CHARACTERS:
        raise InvalidInput("log", f"at most {MOST_CHARACTERS:,} characters", f"{len(text):,}")
    readers = (("SGLang", _SGLANG), ("vLLM", _VLLM), ("llama.cpp", _LLAMA))
    for engine, figures in readers:
        printed = [found for name, pattern in figures if (found := _printed(name, pattern, text))]
        if printed:
            settings = _settings(engine, text)
            return StartLog(engine, _first(_VERSION[engine], text), _first(_MODEL[engine], text), settings,
                            tuple(printed))  # fmt: skip
    raise InvalidInput("log", "the text of a start of vLLM, SGLang or llama.cpp’s server, with its figures", text[:60])


_N = r"(-?\d[\d,]*(?:\.\d+)?)"
_VLLM = (
    ("weights", rf"(?:Model loading took|model weights take|Loading model weights took)\s*{_N}\s*(GiB|GB)"),
    ("available", rf"(?:Available KV cache memory:|reserved for KV Cache is|kv_cache_size=)\s*{_N}\s*(GiB)"),
    ("tokens", rf"GPU KV cache size:\s*{_N} tokens"),
    ("blocks", rf"(?:num_gpu_blocks is:|# GPU blocks:|num_gpu_blocks['\"]?[=:])\s*{_N}"),
    ("concurrency", rf"Maximum concurrency for [\d,]+ tokens per request:\s*{_N}x"),
    ("needed", rf"\(?{_N}\s*(GiB) KV cache is needed"),
    ("graphs", rf"Graph capturing finished in .*? took {_N}\s*(GiB)"),
)  # fmt: skip
_SGLANG = (
    ("tokens", rf"KV Cache is allocated\..*?#tokens: {_N}|max_total_num_tokens={_N}"),
    ("keys", rf"KV Cache is allocated\..*?\bKV? size: {_N} (GB)"),
    ("values", rf"KV Cache is allocated\..*?\bV size: {_N} (GB)"),
    ("weights", rf"Load weight end\..*?mem usage={_N} (GB)"),
)
_LLAMA = (
    ("cache", rf"KV buffer size =\s*{_N} (MiB)"),
    ("states", rf"RS buffer size =\s*{_N} (MiB)"),
    ("weights", rf"(?:CUDA\d+|ROCm\d+|Metal|Vulkan\d+)(?:_Mapped)? (?:model )?buffer size =\s*{_N} (MiB)"),
    ("compute", rf"(?:CUDA\d+|ROCm\d+|Metal|Vulkan\d+) compute buffer size =\s*{_N} (MiB)"),
)
_SUMMED = ("cache", "states", "weights", "compute")  # of llama.cpp: a line for each device
_VERSION = {
    "vLLM": r"(?:API server version|LLM engine \(v|\bversion)\s*v?(\d+\.\d+[\w.+]*)",
    "SGLang": r"sglang[ =v-]*(\d+\.\d+[\w.]*)",
    "llama.cpp": r"(?:build[:=]?\s*|b)(\d{4,5})\b",
}
_MODEL = {
    "vLLM": r"(?:model=|'model(?:_tag)?':\s*|vllm serve\s+|\bmodel\s{2,}|load model )['\"]?([\w./:-]+\w)",
    "SGLang": r"model_path=['\"]?([\w./:-]+\w)",
    "llama.cpp": r"general\.name\s+str\s+=\s+(.+)",
}
_LENGTH = r"(?:max[_-]model[_-]len|max_seq_len)['\"]?[=: ]+(\d+[Kk]?)|Using max model len (\d+)|" \
          r"Maximum concurrency for ([\d,]+) tokens"  # fmt: skip
_SETTINGS = {
    "vLLM": (
        ("n", _LENGTH),
        ("used", r"gpu[_-]memory[_-]utilization['\"]?[=: (]+([01]?\.\d+)"),
        ("tp", r"tensor[_-]parallel[_-]size['\"]?[=: ]+(\d+)"),
        ("pp", r"pipeline[_-]parallel[_-]size['\"]?[=: ]+(\d+)"),
        ("dtype", r"kv[_-]cache[_-]dtype['\"]?[=: ]+['\"]?(\w+)"),
        ("block_size", r"attention block size to (\d+)|\bblock[_-]size['\"]?[=: ]+'?(\d+)"),
        ("max_num_batched_tokens", r"max[_-]num[_-]batched[_-]tokens['\"]?[=: ]+(\d+)"),
        ("async_scheduling", r"[Aa]sync(?:hronous)?[ _]scheduling(?: is |['\"]?[=: ]+)(\w+)"),
    ),
    "SGLang": (
        ("n", r"context_len(?:gth)?=(\d+)"),
        ("tp", r"tp_size=(\d+)"),
        ("dtype", r"kv_cache_dtype='?(\w+)"),
        ("page_size", r"page_size=(\d+)"),
    ),
    "llama.cpp": (
        ("n", r"n_ctx(?:_seq)?\s+=\s*(\d+)|kv_size = (\d+)"),
        ("batch", r"n_seq_max\s+=\s*(\d+)|n_slots\s*=\s*(\d+)"),
        ("n_ubatch", r"n_ubatch\s+=\s*(\d+)"),
        ("dtype", r"\bK \((\w+)\)"),
        ("dv", r"\bV \((\w+)\)"),
    ),
}  # fmt: skip
_NAMED = {"fp8_e4m3": "fp8", "fp8_e5m2": "fp8", "bfloat16": "bf16", "float16": "f16", "half": "f16", "auto": ""}


def _printed(name: str, pattern: str, text: str) -> Printed | None:
    found = list(re.finditer(pattern, text))
    if not found:
        return None
    chosen = found if name in _SUMMED and "MiB" in pattern else found[:1]
    value = half = 0.0
    for each in chosen:
        number, unit = _amount(each)
        decimals = len(number.partition(".")[2])
        value += float(number) * unit
        half += 0.5 * unit / 10**decimals if unit > 1 or decimals else 0.0
    words = " + ".join(" ".join(group.rstrip(",") for group in each.groups() if group) for each in chosen)
    return Printed(name, words, value, half)


def _amount(found: re.Match[str]) -> tuple[str, int]:
    """The number as digits, and bytes of its unit; 1 where there is none."""
    said = [group for group in found.groups() if group]
    return said[0].replace(",", ""), _UNITS.get(said[-1], 1)


def _settings(engine: str, text: str) -> dict[str, int | float | str | bool]:
    found = ((name, _setting(name, pattern, text)) for name, pattern in _SETTINGS[engine])
    return {name: value for name, value in found if value is not None and value != ""}


def _setting(name: str, pattern: str, text: str) -> int | float | str | bool | None:
    found = re.search(pattern, text)
    said = next((group for group in found.groups() if group), None) if found else None
    if said is None:
        return None
    if name in ("dtype", "dv"):
        return _NAMED.get(said, said)
    if name == "async_scheduling":
        return said.lower() in ("true", "enabled")
    if name == "used":
        return round(100 * float(said))
    number = said.replace(",", "")
    return int(number[:-1]) * 1024 if number[-1] in "Kk" else int(number)


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    return found[1].strip()[:120] if found else ""
