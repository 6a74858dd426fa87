"""Converts weights and configurations of our Transformer to Hugging Face's names and back.

Llama's names, which Mistral and Qwen share, are ours but for a prefix. GPT-2 stores matrices transposed (its Conv1D),
and queries, keys and values in one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor

from lm_core.errors import InvalidInput, whole_number
from lm_core.models.config import TransformerConfig

Weights = dict[str, Tensor]

_GPT2 = {
    "input_layernorm.weight": "ln_1.weight",
    "input_layernorm.bias": "ln_1.bias",
    "self_attn.o_proj.weight": "attn.c_proj.weight",
    "self_attn.o_proj.bias": "attn.c_proj.bias",
    "post_attention_layernorm.weight": "ln_2.weight",
    "post_attention_layernorm.bias": "ln_2.bias",
    "mlp.up_proj.weight": "mlp.c_fc.weight",
    "mlp.up_proj.bias": "mlp.c_fc.bias",
    "mlp.down_proj.weight": "mlp.c_proj.weight",
    "mlp.down_proj.bias": "mlp.c_proj.bias",
}
_GPT2_OUTSIDE = {
    "embed_tokens.weight": "transformer.wte.weight",
    "embed_positions.weight": "transformer.wpe.weight",
    "norm.weight": "transformer.ln_f.weight",
    "norm.bias": "transformer.ln_f.bias",
    "lm_head.weight": "lm_head.weight",
}
_QKV = ("q_proj", "k_proj", "v_proj")


def to_names(weights: Mapping[str, Tensor], config: TransformerConfig) -> Weights:
    """Our state dict as LlamaForCausalLM or GPT2LMHeadModel would save it."""
    if config.style == "llama":
        return {name if name.startswith("lm_head") else f"model.{name}": w for name, w in weights.items()}
    if config.kv_heads != config.heads:
        raise InvalidInput("kv_heads", f"equal to heads ({config.heads}) in GPT-2's format", config.kv_heads)
    named = {theirs: weights[ours] for ours, theirs in _GPT2_OUTSIDE.items() if ours in weights}
    for layer in range(config.layers):
        ours, theirs = f"layers.{layer}.", f"transformer.h.{layer}."
        for inner, outer in _GPT2.items():
            named[theirs + outer] = _turned(outer, weights[ours + inner])
        for kind in ("weight", "bias"):
            joined = torch.cat([weights[f"{ours}self_attn.{part}.{kind}"] for part in _QKV])
            named[f"{theirs}attn.c_attn.{kind}"] = _turned(f"c_attn.{kind}", joined)
    return named


def from_names(named: Mapping[str, Tensor], config: TransformerConfig) -> Weights:
    """The other way round. Raises InvalidInput naming the first weight that is missing or has the wrong shape."""
    if config.style == "llama":
        ours = {name.removeprefix("model."): weight for name, weight in named.items()}
    else:
        prefixes = ("transformer.", "lm_head.")  # the first published files lack them
        full = {n if n.startswith(prefixes) else f"transformer.{n}": weight for n, weight in named.items()}
        ours = _from_gpt2(full, config)
    if config.tied_head:
        ours.pop("lm_head.weight", None)
    return ours


def _from_gpt2(named: Mapping[str, Tensor], config: TransformerConfig) -> Weights:
    try:
        ours = {inner: named[outer] for inner, outer in _GPT2_OUTSIDE.items() if outer in named}
        for layer in range(config.layers):
            mine, theirs = f"layers.{layer}.", f"transformer.h.{layer}."
            for inner, outer in _GPT2.items():
                ours[mine + inner] = _turned(outer, named[theirs + outer])
            for kind in ("weight", "bias"):
                joined = _turned(f"c_attn.{kind}", named[f"{theirs}attn.c_attn.{kind}"])
                for part, piece in zip(_QKV, joined.chunk(3)):
                    ours[f"{mine}self_attn.{part}.{kind}"] = piece.contiguous()
    except KeyError as error:
        raise InvalidInput("weights", f"GPT-2's, with {error.args[0]}", sorted(named)[:3]) from None
    return ours


def _turned(name: str, weight: Tensor) -> Tensor:
    """GPT-2's matrices are (inputs, outputs), ours (outputs, inputs); vectors stay."""
    matrix = name.endswith("weight") and ".c_" in f".{name}"
    return weight.T.contiguous() if matrix else weight


_FIELDS = {
    "llama": {
        "vocab_size": "vocab_size",
        "context_length": "max_position_embeddings",
        "layers": "num_hidden_layers",
        "heads": "num_attention_heads",
        "kv_heads": "num_key_value_heads",
        "head_dim": "head_dim",
        "hidden": "hidden_size",
        "ffn": "intermediate_size",
        "norm_eps": "rms_norm_eps",
        "rope_theta": "rope_theta",
        "tied_head": "tie_word_embeddings",
    },
    "gpt2": {
        "vocab_size": "vocab_size",
        "context_length": "n_positions",
        "layers": "n_layer",
        "heads": "n_head",
        "hidden": "n_embd",
        "ffn": "n_inner",
        "norm_eps": "layer_norm_epsilon",
        "tied_head": "tie_word_embeddings",
    },
}
_LLAMA_LIKE = ("llama", "mistral", "qwen2", "qwen3")
FAMILIES = (*_LLAMA_LIKE, "gpt2")
"""The `model_type`s whose models our Transformer computes."""
# What it computes of them; a configuration that asks for anything else is refused, not approximated.
_COMPUTED = {
    "hidden_act": "silu",
    "activation_function": "gelu_new",
    "attention_bias": False,
    "mlp_bias": False,
    "scale_attn_weights": True,
    "scale_attn_by_inverse_layer_idx": False,
}

# What transformers takes where a file does not say it, as far as that is not ours.
_UNSAID: dict[str, dict[str, Any]] = {
    "llama": {"norm_eps": 1e-6},
    "mistral": {"norm_eps": 1e-6, "kv_heads": 8},
    "qwen2": {"norm_eps": 1e-6, "kv_heads": 32},
    "qwen3": {"norm_eps": 1e-6, "kv_heads": 32, "head_dim": 128},
}


def to_config(config: TransformerConfig) -> dict[str, Any]:
    """A `config.json` that transformers reads.

    >>> shape = {"vocab_size": 9, "context_length": 8, "layers": 1, "heads": 2, "kv_heads": 1, "head_dim": 4}
    >>> tiny = TransformerConfig(**shape, hidden=8, ffn=8)
    >>> from_config(to_config(tiny)) == tiny
    True
    """
    if not config.causal:
        raise InvalidInput("causal", "True: these formats hold causal models only", False)
    if config.qkv_bias or config.qk_norm or config.rope_scaling:
        raise InvalidInput("config", "plain Llama's or GPT-2's: others are read, not written", config)
    architecture = {"llama": "LlamaForCausalLM", "gpt2": "GPT2LMHeadModel"}[config.style]
    fields = {theirs: getattr(config, ours) for ours, theirs in _FIELDS[config.style].items()}
    return {"model_type": config.style, "architectures": [architecture], **fields}


def from_config(config: Mapping[str, Any]) -> TransformerConfig:
    """Our configuration from a `config.json`. Raises InvalidInput for what our Transformer does not compute.

    A sliding window bounds the context: within it, a window is the same as full attention.
    """
    family = config.get("model_type")
    if family not in FAMILIES:
        raise InvalidInput("model_type", "one of " + ", ".join(FAMILIES), family)
    style: Literal["llama", "gpt2"] = "llama" if family in _LLAMA_LIKE else "gpt2"
    for name, value in _COMPUTED.items():
        if config.get(name) not in (None, value):
            raise InvalidInput(name, repr(value), config[name])
    theta, scaling = _rope(config)
    given = {**config, **({"rope_theta": theta} if theta is not None else {})}
    found = {ours: given[theirs] for ours, theirs in _FIELDS[style].items() if given.get(theirs) is not None}
    for name in ("vocab_size", "context_length", "layers", "heads", "hidden"):
        if name not in found:
            raise InvalidInput("config", f"complete, with {_FIELDS[style][name]}", sorted(config))
    for name, value in found.items():
        if isinstance(value, str):
            raise InvalidInput(name, "a number", value)
    window = config.get("sliding_window", 4_096 if family == "mistral" else None)
    if window and config.get("use_sliding_window", family == "mistral"):
        found["context_length"] = min(found["context_length"], whole_number("sliding_window", window, 1))
    heads, hidden = (whole_number(name, found[name], 1) for name in ("heads", "hidden"))
    defaults = {"kv_heads": heads, "head_dim": hidden // heads, "ffn": 4 * hidden, "tied_head": style == "gpt2"}
    defaults |= _UNSAID.get(str(family), {})
    special = {"qkv_bias": family == "qwen2", "qk_norm": family == "qwen3", "rope_scaling": scaling}
    return TransformerConfig(**{**defaults, **found, **special}, style=style)


def _rope(config: Mapping[str, Any]) -> tuple[float | None, tuple[float, float, float, int] | None]:
    """The base of the rotation, where a configuration says it in one of two ways, and how it is stretched."""
    said = [config.get(name) or {} for name in ("rope_scaling", "rope_parameters")]
    if not all(isinstance(each, Mapping) for each in said):
        raise InvalidInput("rope_scaling", "an object", said)
    rope = {**said[0], **said[1]}
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind == "llama3":
        names = ("factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings")
        if any(name not in rope for name in names):
            raise InvalidInput("rope_scaling", "complete, with " + ", ".join(names), rope)
        factor, low, high, original = (rope[name] for name in names)
        return rope.get("rope_theta"), (float(factor), float(low), float(high), int(original))
    if kind != "default":
        raise InvalidInput("rope_type", '"default" or "llama3"', kind)
    return rope.get("rope_theta"), None
