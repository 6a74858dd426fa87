"""Reads a Llama-family GGUF file: configuration, float32 weights under Hugging Face names, tokenizer.

The file format belongs to the `gguf` library; this module knows which of its fields mean what.
Field and tensor names: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lm_core.errors import DamagedFile
from lm_core.models.transformer import TransformerConfig
from lm_core.tokens import ByteLevelBPE

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

_LAYER_NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_OUTER_NAMES = {"token_embd": "embed_tokens", "output_norm": "norm", "output": "lm_head"}
_CONTROL = 3  # tokenizer.ggml.token_type of special tokens


@dataclass(frozen=True)
class Checkpoint:
    """A model as read from disk: everything needed to build it."""

    config: TransformerConfig
    weights: dict[str, torch.Tensor]
    tokenizer: ByteLevelBPE
    end_ids: tuple[int, ...]


def hugging_face_name(name: str) -> str:
    """A GGUF tensor name as Hugging Face spells it.

    >>> hugging_face_name("blk.3.attn_q.weight"), hugging_face_name("output_norm.weight")
    ('layers.3.self_attn.q_proj.weight', 'norm.weight')
    """
    parts = name.split(".")
    if parts[0] == "blk":
        return f"layers.{parts[1]}.{_LAYER_NAMES[parts[2]]}.{parts[3]}"
    return f"{_OUTER_NAMES[parts[0]]}.{parts[1]}"


def half_split(rows: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Reorders query or key rows from GGUF's rotation of neighbours (0,1)(2,3).. to halves (0,n/2)(1,n/2+1)..

    >>> import numpy as np
    >>> half_split(np.array([[0.0], [2.0], [1.0], [3.0]]), heads=1).ravel().tolist()
    [0.0, 1.0, 2.0, 3.0]
    """
    out_features, in_features = rows.shape
    pairs = rows.reshape(heads, out_features // heads // 2, 2, in_features)
    return pairs.swapaxes(1, 2).reshape(out_features, in_features)  # (heads * head_dim, in_features)


Weights = Callable[[dict[str, Any], TransformerConfig], "dict[str, torch.Tensor]"]
"""What turns the tensors of a file, by name, into weights."""


def read(path: Path, remedy: str, weights: Weights | None = None) -> Checkpoint:
    """The whole checkpoint, its weights as `dequantised` gives them unless said otherwise.

    Raises DamagedFile, ending in `remedy`, if the file cannot be understood.
    """
    try:
        reader = _open(path)
        field = _field_reader(reader)
        config = _config(field, tied=all(tensor.name != "output.weight" for tensor in reader.tensors))
        found = (weights or dequantised)({tensor.name: tensor for tensor in reader.tensors}, config)
        tokenizer = _tokenizer(field)
        end_ids = (int(field("tokenizer.ggml.eos_token_id")),)
    except Exception as error:  # a damaged file can fail anywhere inside the reader
        raise DamagedFile(f"The model file {path.name} cannot be read ({type(error).__name__}).", remedy) from error
    return Checkpoint(config, found, tokenizer, end_ids)


def dequantised(tensors: dict[str, Any], config: TransformerConfig) -> dict[str, torch.Tensor]:
    """Float32 weights under Hugging Face names."""
    with ThreadPoolExecutor() as pool:  # numpy lets go of the interpreter while it multiplies
        values = pool.map(lambda tensor: _weight(tensor, config), tensors.values())
        return {hugging_face_name(name): value for name, value in zip(tensors, values)}


def _open(path: Path) -> Any:
    import numpy as np
    from gguf import GGUFReader

    class PlainReader(GGUFReader):
        """Slices a plain array: slicing a numpy.memmap 800,000 times takes longer than all the parsing."""

        def _get(self, offset: int, dtype: Any, count: int = 1, override_order: Any = None) -> Any:
            if type(self.data) is np.memmap:
                self.data = self.data.view(np.ndarray)  # type: ignore[assignment]
            return super()._get(offset, dtype, count, override_order)

    return PlainReader(path)


def _field_reader(reader: Any) -> Callable[[str], Any]:
    def field(name: str) -> Any:
        return reader.fields[name].contents()

    return field


def _config(field: Callable[[str], Any], tied: bool) -> TransformerConfig:
    if field("general.architecture") != "llama":
        raise ValueError(f"architecture {field('general.architecture')!r} is not llama")
    heads = field("llama.attention.head_count")
    return TransformerConfig(
        vocab_size=field("llama.vocab_size"),
        context_length=field("llama.context_length"),
        layers=field("llama.block_count"),
        heads=heads,
        kv_heads=field("llama.attention.head_count_kv"),
        head_dim=field("llama.embedding_length") // heads,
        hidden=field("llama.embedding_length"),
        ffn=field("llama.feed_forward_length"),
        norm_eps=field("llama.attention.layer_norm_rms_epsilon"),
        rope_theta=field("llama.rope.freq_base"),
        tied_head=tied,
    )


def _weight(tensor: Any, config: TransformerConfig) -> torch.Tensor:
    import numpy as np
    import torch
    from gguf.quants import dequantize

    values = dequantize(tensor.data, tensor.tensor_type)  # (out_features, in_features)
    if ".attn_q." in tensor.name:
        values = half_split(values, config.heads)
    elif ".attn_k." in tensor.name:
        values = half_split(values, config.kv_heads)
    # Unquantised tensors are still views of the read-only file: those alone are copied here.
    weight = torch.from_numpy(np.require(values, dtype=np.float32, requirements=["C", "W", "O"]))
    return column_major(weight) if weight.dim() == 2 else weight


def column_major(matrix: torch.Tensor) -> torch.Tensor:
    """The same matrix, laid out in memory column by column.

    A product with one row of activations, which is what decoding does, then streams through the weights a
    quarter to a half faster on a CPU; longer prompts are not slower.
    """
    return matrix.t().contiguous().t()


def _tokenizer(field: Callable[[str], Any]) -> ByteLevelBPE:
    if field("tokenizer.ggml.model") != "gpt2":
        raise ValueError(f"tokenizer {field('tokenizer.ggml.model')!r} is not byte-level BPE")
    types = field("tokenizer.ggml.token_type")
    return ByteLevelBPE.build(
        vocabulary=field("tokenizer.ggml.tokens"),
        merges=field("tokenizer.ggml.merges"),
        special_ids=[i for i, kind in enumerate(types) if kind == _CONTROL],
        split_digits=field("tokenizer.ggml.pre") == "smollm",
    )
