"""The shape of a Transformer, in the style of Llama or of GPT-2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lm_core.errors import InvalidInput, whole_number


@dataclass(frozen=True)
class TransformerConfig:
    """Shape of a Transformer. `heads` share `kv_heads` keys and values: equal is MHA, fewer GQA, one MQA.

    >>> TransformerConfig(vocab_size=100, context_length=8, layers=1, heads=4, kv_heads=3, head_dim=2, hidden=8, ffn=16)
    Traceback (most recent call last):
    ...
    lm_core.errors.InvalidInput: `kv_heads` must be a divisor of heads (4), but is 3.
    """

    vocab_size: int
    context_length: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    hidden: int
    ffn: int
    norm_eps: float = 1e-5
    rope_theta: float = 10_000.0
    tied_head: bool = True
    style: Literal["llama", "gpt2"] = "llama"
    qkv_bias: bool = False
    """Queries, keys and values have biases, as in Qwen2."""
    qk_norm: bool = False
    """Each head's queries and keys are normed before they are turned, as in Qwen3."""
    rope_scaling: tuple[float, float, float, int] | None = None
    """Llama 3.1's: factor, low and high frequency factor, the context it was first trained with."""
    causal: bool = True
    """False: every position sees the whole text, as a masked language model does; logits then know the answer."""

    def __post_init__(self) -> None:
        for name in ("vocab_size", "context_length", "layers", "heads", "kv_heads", "head_dim", "hidden", "ffn"):
            whole_number(name, getattr(self, name), 1)
        if self.rope_scaling is not None:  # a list, where it comes from JSON
            object.__setattr__(self, "rope_scaling", tuple(self.rope_scaling))
        if self.heads % self.kv_heads:
            raise InvalidInput("kv_heads", f"a divisor of heads ({self.heads})", self.kv_heads)
        if self.style not in ("llama", "gpt2"):
            raise InvalidInput("style", '"llama" or "gpt2"', self.style)
        if self.head_dim % 2 and self.style == "llama":
            raise InvalidInput("head_dim", "even, because rotary positions turn pairs", self.head_dim)
