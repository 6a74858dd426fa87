"""Reads a GGUF file of Llama, Qwen2 or Qwen3: configuration, float32 weights under Hugging Face names, tokenizer.

The file format belongs to the `gguf` library; this module knows which of its fields mean what.
Field and tensor names: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lm_core.errors import DamagedFile, ModelUnavailable
from lm_core.models.config import TransformerConfig
from lm_core.text.byte_pair_encoding import ByteLevelBPE

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

_LAYER_NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_OUTER_NAMES = {"token_embd": "embed_tokens", "output_norm": "norm", "output": "lm_head"}
_CONTROL, _USER = 3, 4  # tokenizer.ggml.token_type of special tokens, and of others that are never cut
ARCHITECTURES = ("llama", "qwen2", "qwen3")
_FOLDER = "take the model's folder in Hugging Face's format instead."


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


def read(
    path: Path, remedy: str, weights: Weights | None = None, fits: Callable[[int], None] = lambda _nbytes: None
) -> Checkpoint:
    """The whole checkpoint, its weights as `dequantised` gives them unless said otherwise. `fits` is told the bytes of
    the weights as float32 before they are read, and may raise.

    Raises DamagedFile, ending in `remedy`, if the file cannot be understood; ModelUnavailable where it holds a model
    that our Transformer does not compute.
    """
    try:
        reader = _open(path)
        field = _field_reader(reader)
        fits(sum(4 * int(tensor.n_elements) for tensor in reader.tensors))
        config = _config(field, {tensor.name for tensor in reader.tensors})
        found = (weights or dequantised)({tensor.name: tensor for tensor in reader.tensors}, config)
        tokenizer = _tokenizer(field)
        end_ids = tuple(i for i in [field("tokenizer.ggml.eos_token_id", None)] if i is not None)
    except ModelUnavailable:
        raise
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


_REQUIRED = object()


def _field_reader(reader: Any) -> Callable[..., Any]:
    def field(name: str, default: Any = _REQUIRED) -> Any:
        if name not in reader.fields and default is not _REQUIRED:
            return default
        return reader.fields[name].contents()

    return field


def _config(field: Callable[..., Any], tensors: set[str]) -> TransformerConfig:
    kind = field("general.architecture")
    if kind not in ARCHITECTURES:
        what = f"The file is of the architecture {kind!r}; this project reads {', '.join(ARCHITECTURES)} from GGUF."
        raise ModelUnavailable(what, _FOLDER)
    if "rope_freqs.weight" in tensors or field(f"{kind}.rope.scaling.type", "none") != "none":
        raise ModelUnavailable("The file stretches its rotary positions, which is not read from GGUF.", _FOLDER)
    heads, hidden = field(f"{kind}.attention.head_count"), field(f"{kind}.embedding_length")
    context = field(f"{kind}.context_length")
    return TransformerConfig(
        vocab_size=field(f"{kind}.vocab_size", None) or len(field("tokenizer.ggml.tokens")),
        context_length=min(context, field(f"{kind}.attention.sliding_window", context) or context),
        layers=field(f"{kind}.block_count"),
        heads=heads,
        kv_heads=field(f"{kind}.attention.head_count_kv", heads),
        head_dim=field(f"{kind}.attention.key_length", hidden // heads),
        hidden=hidden,
        ffn=field(f"{kind}.feed_forward_length"),
        norm_eps=field(f"{kind}.attention.layer_norm_rms_epsilon"),
        rope_theta=field(f"{kind}.rope.freq_base", 10_000.0),
        tied_head="output.weight" not in tensors,
        qkv_bias=kind == "qwen2",
        qk_norm=kind == "qwen3",
    )


def _weight(tensor: Any, config: TransformerConfig) -> torch.Tensor:
    import numpy as np
    import torch
    from gguf.quants import dequantize

    values = dequantize(tensor.data, tensor.tensor_type)  # (out_features, in_features)
    llama = not (config.qkv_bias or config.qk_norm)  # the others' rows stand in halves already
    if llama and ".attn_q." in tensor.name:
        values = half_split(values, config.heads)
    elif llama and ".attn_k." in tensor.name:
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


_NAMED = {"smollm": "smollm", "gpt-2": "gpt-2", "qwen2": "qwen2", "llama-bpe": "llama-3"}
"""Ways to cut text before merging, as GGUF names them and as `ByteLevelBPE.build` does."""


def _tokenizer(field: Callable[..., Any]) -> ByteLevelBPE:
    kind, cut = field("tokenizer.ggml.model"), field("tokenizer.ggml.pre", "default")
    if kind != "gpt2" or cut not in _NAMED:
        what = f"The file's tokenizer ({kind}, {cut}) is not read from GGUF: byte-level BPE is."
        raise ModelUnavailable(what, _FOLDER)
    types = field("tokenizer.ggml.token_type")
    begins = field("tokenizer.ggml.add_bos_token", cut == "llama-bpe")  # older files of Llama 3 do not say it
    return ByteLevelBPE.build(
        vocabulary=field("tokenizer.ggml.tokens"),
        merges=field("tokenizer.ggml.merges"),
        special_ids=[i for i, kind in enumerate(types) if kind == _CONTROL],
        cut=_NAMED[cut],
        whole_ids=[i for i, kind in enumerate(types) if kind == _USER],
        begin=field("tokenizer.ggml.bos_token_id") if begins else None,
    )
