"""What an engine makes of a model and of a dtype: windows it does not apply, types it turns into others.

A window is a fact of the model; whether it saves memory is one of the engine and the model's family. Sources: llama.cpp
src/models (phi3 switches its window off, #13676; Mistral v0.1 is stored as plain llama, which reads none: #3371,
#3867); SGLang 0.5.23 configs/model_config.py, `is_hybrid_swa_model`; vLLM 0.33.0 layers/attention, which takes the
window of each layer from its model class; transformers 5.23 cache_utils.py, which takes it from the config; mlx-lm
0.32.2 models, by whether they ask for a RotatingKVCache.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from lm_core.errors import InvalidInput
from lm_core.kv_sizing.geometry import Assumption, Geometry
from lm_core.kv_sizing.layer_group import LayerGroup

AUTO = "auto"
_OWN_DTYPE = {
    "llama.cpp": "f16",
    "TensorRT-LLM": "f16",
    "MLX": "f16",
}  # "auto", where not the model's own type
_FOLLOWS_THE_FILE = {  # by which key of a file an engine stores the cache in what the weights were published for
    "vLLM": ("kv_cache_scheme", "kv_cache_quant_algo", "kv_cache_dtype"), "SGLang": ("kv_cache_quant_algo",),
}  # fmt: skip
_16_BIT_STATES = ("bamba", "falcon_h1", "falcon_mamba", "granitemoehybrid", "jamba", "mamba", "mamba2", "minimax",
                  "minimax_text_01", "plamo2", "qwen3_next", "zamba2")  # fmt: skip
"""Families whose state vLLM keeps in the model's own type unless their file names another (`_mamba_state_dtype`)."""
_EXPANDED = ("minicpm3",)  # latents that engines with a cache of their own expand into heads
_WINDOWED = ("sliding", "chunked")
# Families whose window each engine is known to apply, and those where it is known to keep every token all the same.
_APPLIED: Mapping[str, frozenset[str]] = {
    "llama.cpp": frozenset({
        "afmoe", "cohere2", "exaone4", "exaone_moe", "gemma2", "gemma3", "gemma3n", "gemma4", "gpt_oss", "llama4",
        "mimo2", "mimo_v2", "mimo_v2_flash", "olmo3", "smallthinker", "step35", "step3p5",
    }),
    "SGLang": frozenset({
        "deepseek_v4", "gemma4", "gpt_oss", "inkling", "laguna", "llama4", "mellum", "mimo_v2", "mimo_v2_flash",
        "step3p5", "step3p7",
    }),
    "vLLM": frozenset({
        "cohere2", "exaone4", "gemma2", "gemma3", "gemma3n", "gemma4", "gpt_oss", "llama4", "mimo_v2", "mimo_v2_flash",
        "ministral", "mistral", "mixtral", "olmo3", "phi3", "phimoe", "qwen2", "qwen3", "starcoder2", "step3p5",
    }),
    "TensorRT-LLM": frozenset(), "MLX": frozenset({
        "afmoe", "cohere2", "exaone4", "exaone_moe", "gemma3", "gemma3n", "gemma4", "gpt_oss", "llama4", "mellum",
        "mimo_v2_flash", "ministral3", "olmo3", "step3p5",
    }),
}  # fmt: skip
_IGNORED: Mapping[str, frozenset[str]] = {
    "llama.cpp": frozenset({
        "llama", "ministral", "mistral", "mixtral", "phi3", "phimoe", "qwen2", "qwen2_moe", "qwen3", "qwen3_moe",
        "starcoder2",
    }),
    "SGLang": frozenset({
        "cohere2", "exaone4", "gemma2", "gemma3", "gemma3n", "ministral", "mistral", "mixtral", "olmo3", "phi3",
        "qwen2", "qwen3", "starcoder2",
    }),
    "MLX": frozenset({"gemma2", "mistral", "mixtral", "phi3", "phimoe", "qwen2", "qwen3", "starcoder2"}),
    "transformers": frozenset({"gpt_neo"}),  # whose cache knows no window; the mask alone does
}  # fmt: skip


@dataclass(frozen=True)
class Stored:
    """The layer groups as the engine keeps them and the dtypes it stores; what differs is said in `remarks`."""

    geometry: Geometry
    dtype_k: str
    dtype_v: str
    remarks: tuple[str, ...]
    assumptions: tuple[Assumption, ...]


def as_stored(geometry: Geometry, engine: str, dtype_k: str, dtype_v: str) -> Stored:
    """Of an engine by its name.

    >>> from lm_core.kv_sizing.presets import preset
    >>> as_stored(preset("mistral-7b-v0.1"), "llama.cpp", "f16", "f16").geometry.groups[0].says()
    '32 full layers, 8 x (128+128)'
    >>> as_stored(preset("deepseek-v3.2"), "vLLM", "fp8", "fp8").dtype_k
    'fp8_ds_mla'
    """
    engine = "llama.cpp" if engine == "Ollama" else engine  # which it starts
    family = _family(geometry)
    if family in _EXPANDED and engine in ("vLLM", "SGLang", "llama.cpp"):
        allowed = f"another one: {engine} expands the latents of {family} models into heads; type those as full layers"
        raise InvalidInput("engine", allowed, engine)
    shape, remarks, assumptions = _windows(geometry, engine)
    if engine == "vLLM" and family in _16_BIT_STATES and not geometry.dtypes.state:
        shape = replace(shape, groups=tuple(replace(g, state_bytes=2) for g in shape.groups))
    k, v = _dtype(geometry, engine, dtype_k), _dtype(geometry, engine, dtype_v)
    if AUTO != dtype_k != k:
        remarks = (
            *remarks,
            f"{engine} stores the cache of a model with sparse latents as {k} where {dtype_k} is asked.",
        )
    return Stored(shape, k, v, remarks, assumptions)


def _dtype(geometry: Geometry, engine: str, name: str) -> str:
    """What is stored: 656 bytes a latent for sparse attention over 512 + 64 (vllm-project/vllm#25988, sglang#11309)."""
    if name == AUTO and geometry.dtypes.cache and geometry.dtypes.by in _FOLLOWS_THE_FILE.get(engine, ()):
        name = geometry.dtypes.cache
    sparse = any(group.kind == "indexer" for group in geometry.groups) and any(
        (group.kind, group.k_dim, group.v_dim) == ("latent", 512, 64) for group in geometry.groups
    )
    turned = {"vLLM": ("fp8", AUTO), "SGLang": ("fp8",)}.get(engine, ())
    if sparse and name in turned:
        return "fp8_ds_mla"
    if name != AUTO:
        return name
    if geometry.dtypes.model and engine == "transformers":
        return geometry.dtypes.model
    return _OWN_DTYPE.get(engine, "bf16")


def _windows(geometry: Geometry, engine: str) -> tuple[Geometry, tuple[str, ...], tuple[Assumption, ...]]:
    family = _family(geometry)
    windowed = [group for group in geometry.groups if group.kind in _WINDOWED]
    known = family in _APPLIED.get(engine, ()) or (engine not in _APPLIED and family not in _IGNORED.get(engine, ()))
    if not windowed or not family or known:
        return geometry, (), ()
    layers = sum(group.layers for group in windowed)
    unwindowed = tuple(map(_in_full, geometry.groups))
    if family in _IGNORED.get(engine, ()):
        says = f"{engine} applies no window to {family} models: {layers} layers keep every token."
        return replace(geometry, groups=unwindowed), (says,), ()
    doubt = f"Whether {engine} applies the window of {family} models is not known here"
    if engine == "vLLM":  # whose model classes hand the window of each layer on, in all cases known
        return geometry, (), (Assumption(f"{doubt}: counted as if it did.", unwindowed),)
    without = replace(geometry, groups=unwindowed)
    return without, (), (Assumption(f"{doubt}: counted in full, to be safe.", geometry.groups),)


def _family(geometry: Geometry) -> str:
    return geometry.family.lower().replace("-", "_").removesuffix("_text")


def _in_full(group: LayerGroup) -> LayerGroup:
    return replace(group, kind="full", window=0) if group.kind in _WINDOWED else group
