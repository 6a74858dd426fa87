"""A GGUF file as the weights of an `Engine`: the file's own integers, matrices that share an input put together.

Turns quantised tensors into named arrays. Query and key rows are reordered as `gguf.half_split` reorders them, so
that a KV cache means the same here and in the Transformer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lm_core.pretrained import blocks, onnx_graph
from lm_core.pretrained.gguf import half_split

if TYPE_CHECKING:
    import torch

    from lm_core.models.config import TransformerConfig

Q4_1, Q8_0 = "Q4_1", "Q8_0"


def arrays(tensors: dict[str, Any], config: TransformerConfig) -> onnx_graph.Arrays:
    """All weights by the names `graph.build` uses, and the embedding's rows under `embedding.q`, `embedding.s`.

    Raises ValueError where a tensor is quantised otherwise than in Q4_1 (matrices) and Q8_0 (the tied head).
    """
    found: onnx_graph.Arrays = {"norm": _vector(tensors["output_norm.weight"])}
    for i in range(config.layers):
        source = f"blk.{i}"

        def matrix(name: str, heads: int = 0, source: str = source) -> blocks.Blocks:
            read = blocks.from_q4_1(_raw(tensors[f"{source}.{name}.weight"], Q4_1))
            return read.rows(_order(len(read.scales), heads)) if heads else read

        qkv = [matrix("attn_q", config.heads), matrix("attn_k", config.kv_heads), matrix("attn_v")]
        found |= onnx_graph.matrix(f"layers.{i}.qkv", blocks.stacked(qkv))
        found |= onnx_graph.matrix(f"layers.{i}.o", matrix("attn_output"))
        found |= onnx_graph.matrix(f"layers.{i}.gate_up", blocks.stacked([matrix("ffn_gate"), matrix("ffn_up")]))
        found |= onnx_graph.matrix(f"layers.{i}.down", matrix("ffn_down"))
        found[f"layers.{i}.norm1"] = _vector(tensors[f"{source}.attn_norm.weight"])
        found[f"layers.{i}.norm2"] = _vector(tensors[f"{source}.ffn_norm.weight"])
    embedding = _raw(tensors["token_embd.weight"], Q8_0)
    upper, lower = blocks.from_q8_0(embedding)
    found |= onnx_graph.matrix("head.upper", upper) | onnx_graph.matrix("head.lower", lower)
    del found["head.upper.o"]  # zero
    found["embedding.s"], found["embedding.q"] = blocks.signed_bytes(embedding)
    return found


def tensors(tensors: dict[str, Any], config: TransformerConfig) -> dict[str, torch.Tensor]:
    """The same as torch tensors, as a checkpoint holds them."""
    import torch

    return {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in arrays(tensors, config).items()}


def _order(rows: int, heads: int) -> np.ndarray:
    return half_split(np.arange(rows, dtype=np.float32)[:, None], heads).ravel().astype(np.intp)


def _raw(tensor: Any, kind: str) -> np.ndarray:
    if tensor.tensor_type.name != kind:
        raise ValueError(f"{tensor.name} is quantised as {tensor.tensor_type.name}, not {kind}")
    return np.asarray(tensor.data)


def _vector(tensor: Any) -> np.ndarray:
    return np.array(tensor.data, np.float32)
