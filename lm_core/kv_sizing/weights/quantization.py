"""The format in which a file says that its weights are stored, from `quantization_config` and its relatives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_PLACES = ("quantization_config", "compression_config", "hf_quant_config", "quantization")
_METHODS = {
    "fp8": "fp8", "fbgemm_fp8": "fp8", "finegrained_fp8": "fp8", "deepseek_fp8": "fp8", "modelopt_fp8": "fp8",
    "mxfp4": "mxfp4", "nvfp4": "nvfp4", "modelopt_fp4": "nvfp4",
}  # fmt: skip
_LAYOUTS = {  # compressed-tensors
    "float-quantized": "fp8", "naive-quantized": "fp8", "int-quantized": "int8", "pack-quantized": "int4",
    "nvfp4-pack-quantized": "nvfp4", "dense": "bf16",
}  # fmt: skip


def weight_format(*levels: Mapping[str, Any]) -> str:
    """Of a file and of its decoder's part; "" where it says something that is not known here.

    >>> weight_format({"quantization_config": {"quant_method": "awq", "bits": 4}}), weight_format({})
    ('int4', 'bf16')
    """
    for level in levels:
        for place in _PLACES:
            if isinstance(level.get(place), Mapping):
                return _of(level[place])
    stated = {str(level.get(name)) for level in levels for name in ("torch_dtype", "dtype")}
    return "f32" if stated & {"float32", "torch.float32"} else "bf16"


def _of(said: Mapping[str, Any]) -> str:
    inner = said.get("quantization")
    if isinstance(inner, Mapping):
        return _of(inner)
    method = str(said.get("quant_method", "")).lower()
    algorithm = str(said.get("quant_algo", "")).upper()
    if method == "compressed-tensors" or "config_groups" in said:
        return _packed(said)
    if method in ("awq", "gptq", "auto-round", "gptq_marlin", "awq_marlin"):
        return {4: "int4", 8: "int8"}.get(said.get("bits", said.get("w_bit", 0)), "")
    if method == "bitsandbytes":
        return "nf4" if said.get("load_in_4bit") else "int8" if said.get("load_in_8bit") else ""
    if algorithm:
        return {"FP8": "fp8", "NVFP4": "nvfp4", "INT8": "int8", "W4A16_AWQ": "int4"}.get(algorithm, "")
    return _METHODS.get(method, "")


def _packed(said: Mapping[str, Any]) -> str:
    """compressed-tensors: one layout for all groups; several are not known."""
    layout = str(said.get("format", ""))
    if layout == "pack-quantized":
        groups = said.get("config_groups")
        weights = [group.get("weights") for group in groups.values()] if isinstance(groups, Mapping) else []
        bits = {found.get("num_bits") for found in weights if isinstance(found, Mapping)}
        return "int4" if bits == {4} else "int8" if bits == {8} else ""
    return _LAYOUTS.get(layout, "")
