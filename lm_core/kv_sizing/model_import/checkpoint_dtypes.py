"""The types a file asks for: of the cache, where its weights were published for one, and of the model itself.

An engine left to choose ("auto") follows them: vLLM and SGLang that of the cache, transformers that of the model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lm_core.kv_sizing.dtypes import CheckpointDtypes

CACHE_KEYS = ("kv_cache_scheme", "kv_cache_quant_algo", "kv_cache_dtype", "kv_cache_quantized_layers")


def checkpoint_dtypes(*levels: Mapping[str, Any]) -> tuple[CheckpointDtypes, tuple[str, ...]]:
    """Of a file and of its decoder's part, with a sentence for people.

    >>> checkpoint_dtypes({"quantization_config": {"kv_cache_quant_algo": "FP8"}})[0].cache
    'fp8'
    """
    cache = "fp8" if any(_is_fp8(*pair) for level in levels for pair in _asked(level)) else ""
    stated = [level.get(name) for level in levels for name in ("torch_dtype", "dtype")]
    model = "f32" if any(str(each) in ("float32", "torch.float32") for each in stated) else ""
    notes = ("The file asks for an 8-bit cache: vLLM and SGLang store fp8 unless told otherwise.",) if cache else ()
    return CheckpointDtypes(cache, model), notes


def _asked(level: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for part in ("quantization_config", "compression_config", "hf_quant_config", "quantization"):
        inside = level.get(part)
        if isinstance(inside, Mapping):
            yield from ((key, inside[key]) for key in CACHE_KEYS if inside.get(key) is not None)
            yield from _asked(inside)


def _is_fp8(key: str, value: Any) -> bool:
    if isinstance(value, Mapping):
        return value.get("num_bits") == 8 and value.get("type") in (None, "float")
    return key != "kv_cache_quantized_layers" and str(value).upper().startswith("FP8")
