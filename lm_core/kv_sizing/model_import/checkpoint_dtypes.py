"""The types a file asks for: of the cache, where its weights were published for one, and of the model itself.

An engine left to choose ("auto") follows them: vLLM and SGLang that of the cache, transformers that of the model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lm_core.kv_sizing.dtypes import CACHE_KEYS, CheckpointDtypes


def checkpoint_dtypes(*levels: Mapping[str, Any]) -> tuple[CheckpointDtypes, tuple[str, ...]]:
    """Of a file and of its decoder's part, with a sentence for people.

    >>> checkpoint_dtypes({"quantization_config": {"kv_cache_quant_algo": "FP8"}})[0].cache
    'fp8'
    """
    by = next((key for level in levels for key, value in _asked(level) if _is_fp8(key, value)), "")
    stated = [level.get(name) for level in levels for name in ("torch_dtype", "dtype")]
    model = "f32" if any(str(each) in ("float32", "torch.float32") for each in stated) else ""
    states = [level.get(name) for level in levels for name in ("mamba_ssm_dtype", "mamba_ssm_cache_dtype")]
    state = "f32" if "float32" in map(str, states) else ""
    notes = (f"The file asks for an 8-bit cache ({by}): engines that read that store fp8 by default.",) if by else ()
    return CheckpointDtypes("fp8" if by else "", model, by, state), notes


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
