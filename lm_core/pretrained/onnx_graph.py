"""A Llama-style Transformer as one ONNX graph over 4-bit blocks, all activations float32.

Turns a configuration into nodes, and a matrix into the initialisers they name. The arithmetic is that of
`models.transformer.Transformer`; what differs is that no matrix is ever dequantised as a whole for one token.
Operators of the domain com.microsoft: https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lm_core.pretrained.blocks import BLOCK, Blocks

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

    from lm_core.models.config import TransformerConfig

Arrays = dict[str, NDArray[Any]]
_CONTRIB = "com.microsoft"


def matrix(name: str, blocks: Blocks) -> Arrays:
    """Initialisers of one matrix: packed integers, scales, and offsets laid out (blocks, out_features)."""
    offsets = np.ascontiguousarray(blocks.offsets.T)
    return {f"{name}.q": blocks.packed(), f"{name}.s": blocks.scales.ravel(), f"{name}.o": offsets}


def rotary_tables(config: TransformerConfig) -> Arrays:
    """Cosines and sines, each (context_length, head_dim / 2), formed in float64 as `attention.rotary` does."""
    rates = config.rope_theta ** -(np.arange(0, config.head_dim, 2) / config.head_dim)
    angles = np.arange(config.context_length)[:, None] * rates
    return {"cos": np.cos(angles).astype(np.float32), "sin": np.sin(angles).astype(np.float32)}


class _Graph:
    """Collects nodes; each method returns the name of what it computes."""

    def __init__(self, config: TransformerConfig) -> None:
        self.config = config
        self.nodes: list[NodeProto] = []
        self.constants: Arrays = {}
        """Small arrays the nodes need besides the weights."""

    def node(self, kind: str, *inputs: str, outputs: int = 1, **attributes: Any) -> list[str]:
        from onnx import helper

        contrib = kind in {"MatMulNBits", "GroupQueryAttention", "SkipSimplifiedLayerNormalization", "QuickGelu"}
        names = [f"v{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, domain=_CONTRIB if contrib else "", **attributes))
        return names

    def constant(self, name: str, value: NDArray[Any]) -> str:
        self.constants[name] = value
        return name

    def block_sums(self, x: str, inputs: int) -> str:
        """(rows, inputs) -> (rows, blocks), as a product with ones: one node instead of two."""
        ones = np.kron(np.eye(inputs // BLOCK, dtype=np.float32), np.ones((BLOCK, 1), np.float32))
        return self.node("MatMul", x, self.constant(f"ones{inputs}", ones))[0]

    def product(self, x: str, sums: str, name: str, inputs: int, outputs: int, offset: bool = True) -> str:
        """x (rows, inputs) times a matrix: scale * (integer - 8) by the 4-bit kernel, then the offsets."""
        shape = {"K": inputs, "N": outputs, "bits": 4, "block_size": BLOCK}
        # accuracy_level 1 keeps the inputs in float32; 4 would quantise them and move probabilities by up to 0.045.
        main = self.node("MatMulNBits", x, f"{name}.q", f"{name}.s", accuracy_level=1, **shape)[0]
        return self.node("Gemm", sums, f"{name}.o", main)[0] if offset else main

    def linear(self, x: str, name: str, inputs: int, outputs: int) -> str:
        return self.product(x, self.block_sums(x, inputs), name, inputs, outputs)

    def norm(self, stream: str, change: str, weight: str) -> tuple[str, str]:
        """RMSNorm of stream + change, and the sum itself."""
        eps = self.config.norm_eps
        if not change:
            return self.node("SimplifiedLayerNormalization", stream, weight, axis=-1, epsilon=eps)[0], stream
        normed, *between, both = self.node(
            "SkipSimplifiedLayerNormalization", stream, change, weight, outputs=4, epsilon=eps
        )
        self.nodes[-1].output[1:3] = [""] * len(between)  # for training only
        return normed, both

    def layer(self, i: int, stream: str, change: str) -> tuple[str, str]:
        """One block; stream and change are the residual stream and what is still to be added to it."""
        c, p = self.config, f"layers.{i}"
        normed, stream = self.norm(stream, change, f"{p}.norm1")
        wide = c.heads * c.head_dim
        qkv = self.linear(normed, f"{p}.qkv", c.hidden, wide + 2 * c.kv_heads * c.head_dim)
        split = self.node("Reshape", qkv, "split")[0]  # (batch, time, qkv)
        past = (f"past_k{i}", f"past_v{i}")
        seen, _, _ = self.node(
            "GroupQueryAttention", split, "", "", *past, "lengths_less_one", "longest", "cos", "sin", outputs=3,
            num_heads=c.heads, kv_num_heads=c.kv_heads, do_rotary=1, rotary_interleaved=0, scale=c.head_dim**-0.5,
        )  # fmt: skip
        self.nodes[-1].output[1:] = [f"now_k{i}", f"now_v{i}"]
        rows = self.node("Reshape", seen, self.constant("rows_of_heads", np.array([-1, wide])))[0]
        change = self.linear(rows, f"{p}.o", wide, c.hidden)
        normed, stream = self.norm(stream, change, f"{p}.norm2")
        both = self.linear(normed, f"{p}.gate_up", c.hidden, 2 * c.ffn)
        halves = self.constant("halves", np.array([c.ffn, c.ffn]))
        gate, up = self.node("Split", both, halves, outputs=2, axis=-1)
        silu = self.node("QuickGelu", gate, alpha=1.0)[0]  # x * sigmoid(x)
        features = self.node("Mul", silu, up)[0]
        return stream, self.linear(features, f"{p}.down", c.ffn, c.hidden)


def build(config: TransformerConfig, weights: Arrays) -> bytes:
    """The model, serialised, without the weights: those are given to the session beside it, under the same names.

    Inputs: embedded rows (batch * time, hidden), `split` (batch, time, -1), `asked` rows to score, lengths, and the
    keys and values of every layer (batch, kv_heads, room, head_dim), which are written in place. Output: logits
    (asked, vocab_size).
    """
    from onnx import TensorProto, helper, numpy_helper

    graph, c = _Graph(config), config
    stream, change = "embedded", ""
    for i in range(c.layers):
        stream, change = graph.layer(i, stream, change)
    normed, _ = graph.norm(stream, change, "norm")
    last = graph.node("Gather", normed, "asked")[0]
    sums = graph.block_sums(last, c.hidden)
    upper = graph.product(last, sums, "head.upper", c.hidden, c.vocab_size, offset=False)
    lower = graph.product(last, sums, "head.lower", c.hidden, c.vocab_size)
    graph.node("Add", upper, lower)
    graph.nodes[-1].output[0] = "logits"

    given = helper.make_tensor_value_info
    kept: list[str | int] = ["batch", c.kv_heads, "room", c.head_dim]
    inputs = [given("embedded", TensorProto.FLOAT, ["tokens", c.hidden])]
    inputs += [given("split", TensorProto.INT64, [3]), given("asked", TensorProto.INT64, ["rows"])]
    inputs += [given("lengths_less_one", TensorProto.INT32, ["batch"]), given("longest", TensorProto.INT32, [1])]
    inputs += [given(f"past_{kind}{i}", TensorProto.FLOAT, kept) for i in range(c.layers) for kind in "kv"]
    outputs = [given("logits", TensorProto.FLOAT, ["rows", c.vocab_size])]
    outputs += [given(f"now_{kind}{i}", TensorProto.FLOAT, kept) for i in range(c.layers) for kind in "kv"]
    small = [numpy_helper.from_array(value, name) for name, value in graph.constants.items()]
    beside = [_beside(name, value) for name, value in weights.items()]
    model = helper.make_model(
        helper.make_graph(graph.nodes, "transformer", inputs, outputs, small + beside),
        opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid(_CONTRIB, 1)],
        ir_version=10,
    )
    return bytes(model.SerializeToString())


def _beside(name: str, value: NDArray[Any]) -> TensorProto:
    """An initialiser by name, kind and shape alone."""
    from onnx import TensorProto, helper
    from onnx.external_data_helper import set_external_data

    tensor = TensorProto(name=name, data_type=helper.np_dtype_to_tensor_dtype(value.dtype), dims=value.shape)
    tensor.raw_data = b" "
    set_external_data(tensor, location="beside")
    tensor.ClearField("raw_data")
    return tensor
