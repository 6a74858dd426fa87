"""Token ids in, logits out: a causal decoder-only Transformer in the style of Llama.

Touvron 2023 (Llama): RMSNorm before each sublayer, rotary positions (Su 2021), grouped-query attention
(Ainslie 2023), SwiGLU (Shazeer 2020). Parameters carry Hugging Face's names, so that a Llama checkpoint
is a state dict. Knows nothing of files, text or sampling; the KV cache is an argument, never state.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lm_core.errors import InvalidInput, whole_number
from lm_core.models.kv_cache import KVCache

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lm_core.tokens import Tokenizer


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

    def __post_init__(self) -> None:
        for name in ("vocab_size", "context_length", "layers", "heads", "kv_heads", "head_dim", "hidden", "ffn"):
            whole_number(name, getattr(self, name), 1)
        if self.heads % self.kv_heads:
            raise InvalidInput("kv_heads", f"a divisor of heads ({self.heads})", self.kv_heads)
        if self.head_dim % 2:
            raise InvalidInput("head_dim", "even, because rotary positions turn pairs", self.head_dim)


class Linear(nn.Linear):
    """A matrix without bias; its values come from a checkpoint or from `initialise`, not from global randomness."""

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__(in_features, out_features, bias=False)

    def reset_parameters(self) -> None:
        """Leaves the memory as it is."""


class Embedding(nn.Embedding):
    """One vector per token id; filled as `Linear` is."""

    def reset_parameters(self) -> None:
        """Leaves the memory as it is."""


def rotary(positions: Tensor, head_dim: int, theta: float) -> tuple[Tensor, Tensor]:
    """Cosines and sines, each (batch, 1, time, head_dim), for positions (batch, time).

    Angles are formed in float64: in float32 position 8,000 would already be off by 5e-4.
    """
    rates = theta ** -(torch.arange(0, head_dim, 2, dtype=torch.float64) / head_dim)
    angles = positions[:, None, :, None].double() * rates  # (batch, 1, time, head_dim / 2)
    both = torch.cat([angles, angles], dim=-1)  # (batch, 1, time, head_dim)
    return both.cos().float(), both.sin().float()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turns the pairs (x[i], x[i + head_dim / 2]) by their angle; x is (batch, heads, time, head_dim)."""
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat([-second, first], dim=-1) * sin


@dataclass(frozen=True)
class Step:
    """What one forward pass shares with every layer."""

    cos: Tensor
    sin: Tensor
    mask: Tensor | None
    """True where a query (time) may see a key (past + time): (batch, 1, time, past + time). None: plain causal."""
    new: list[int]
    """New tokens of each sequence, padding excluded."""
    caches: Sequence[KVCache] | None


class Attention(nn.Module):
    """Each position gathers values from itself and earlier positions, weighted by query-key similarity."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        c = config
        self.q_proj = Linear(c.hidden, c.heads * c.head_dim)
        self.k_proj = Linear(c.hidden, c.kv_heads * c.head_dim)
        self.v_proj = Linear(c.hidden, c.kv_heads * c.head_dim)
        self.o_proj = Linear(c.heads * c.head_dim, c.hidden)

    def forward(self, x: Tensor, layer: int, step: Step) -> Tensor:
        batch, time, _ = x.shape
        split = (batch, time, -1, self.config.head_dim)
        q = self.q_proj(x).view(split).transpose(1, 2)  # (batch, heads, time, head_dim)
        k = self.k_proj(x).view(split).transpose(1, 2)  # (batch, kv_heads, time, head_dim)
        v = self.v_proj(x).view(split).transpose(1, 2)  # (batch, kv_heads, time, head_dim)
        q, k = rotate(q, step.cos, step.sin), rotate(k, step.cos, step.sin)
        if step.caches is not None:
            k, v = _with_past(layer, k, v, step)  # (batch, kv_heads, past + time, head_dim)
        causal = step.mask is None and time > 1
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=step.mask, is_causal=causal, enable_gqa=True)
        return self.o_proj(out.transpose(1, 2).reshape(batch, time, -1))  # (batch, time, hidden)


def _with_past(layer: int, k: Tensor, v: Tensor, step: Step) -> tuple[Tensor, Tensor]:
    """Puts each sequence's cached keys and values before its new ones, padded on the right to one length."""
    assert step.caches is not None
    held = [cache.append(layer, k[i, :, :n], v[i, :, :n]) for i, (cache, n) in enumerate(zip(step.caches, step.new))]
    if len(held) == 1:
        return held[0][0][None], held[0][1][None]
    longest = max(keys.shape[1] for keys, _ in held)
    keys = torch.stack([F.pad(keys, (0, 0, 0, longest - keys.shape[1])) for keys, _ in held])
    values = torch.stack([F.pad(values, (0, 0, 0, longest - values.shape[1])) for _, values in held])
    return keys, values


class FeedForward(nn.Module):
    """SwiGLU: a gate decides how much of each of the `ffn` features passes."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.gate_proj = Linear(config.hidden, config.ffn)
        self.up_proj = Linear(config.hidden, config.ffn)
        self.down_proj = Linear(config.ffn, config.hidden)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Block(nn.Module):
    """One layer: attention, then feed-forward, each added to the residual stream."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.input_layernorm = nn.RMSNorm(config.hidden, eps=config.norm_eps)
        self.self_attn = Attention(config)
        self.post_attention_layernorm = nn.RMSNorm(config.hidden, eps=config.norm_eps)
        self.mlp = FeedForward(config)

    def forward(self, x: Tensor, layer: int, step: Step) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), layer, step)
        return x + self.mlp(self.post_attention_layernorm(x))


class Transformer(nn.Module):
    """A `LanguageModel`; `forward` is for training and tests, `logits` and `next_logits` for everybody else."""

    def __init__(self, config: TransformerConfig, tokenizer: Tokenizer, end_ids: Iterable[int] = ()) -> None:
        super().__init__()
        self.config = config
        self.tokenizer = tokenizer
        self.end_ids = frozenset(end_ids)
        self.vocab_size = config.vocab_size
        self.context_length = config.context_length
        self.embed_tokens = Embedding(config.vocab_size, config.hidden)
        self.layers = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = nn.RMSNorm(config.hidden, eps=config.norm_eps)
        self.lm_head = None if config.tied_head else Linear(config.hidden, config.vocab_size)

    def initialise(self, generator: torch.Generator, std: float = 0.02) -> None:
        """Draws every matrix from N(0, std), as GPT-2 does; norms keep their ones."""
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, std=std, generator=generator)

    def new_cache(self) -> KVCache:
        """An empty cache of this model's shape."""
        return KVCache(self.config.layers, self.config.kv_heads, self.config.head_dim)

    def hidden_states(self, ids: Tensor, new: list[int], caches: Sequence[KVCache] | None = None) -> Tensor:
        """Final normed states (batch, time, hidden) of ids (batch, time), padded on the right to one length."""
        past = [cache.length for cache in caches] if caches else [0] * len(new)
        time = ids.shape[1]
        positions = torch.tensor(past)[:, None] + torch.arange(time)  # (batch, time)
        mask = None
        if any(past) and (time > 1 or len(past) > 1):
            keys = torch.arange(max(p + n for p, n in zip(past, new)))
            mask = keys <= positions[:, None, :, None]  # (batch, 1, time, past + time)
        step = Step(*rotary(positions, self.config.head_dim, self.config.rope_theta), mask, new, caches)
        x = self.embed_tokens(ids)  # (batch, time, hidden)
        for layer, block in enumerate(self.layers):
            x = block(x, layer, step)
        for cache, n in zip(caches or (), new):
            cache.advance(n)
        return self.norm(x)

    def head(self, states: Tensor) -> Tensor:
        """Scores every vocabulary entry: (..., hidden) -> (..., vocab_size)."""
        weight = self.embed_tokens.weight if self.lm_head is None else self.lm_head.weight
        return F.linear(states, weight)

    def forward(self, ids: Tensor) -> Tensor:
        """Logits (batch, time, vocab_size) of ids (batch, time), every position in one pass."""
        return self.head(self.hidden_states(ids, [ids.shape[1]] * ids.shape[0]))

    @torch.inference_mode()
    def logits(self, ids: Sequence[int], cache: KVCache | None = None) -> NDArray[np.float32]:
        """See LanguageModel.logits; float32."""
        caches = None if cache is None else [cache]
        self._check([ids], caches)
        return self.head(self.hidden_states(torch.tensor([ids]), [len(ids)], caches))[0].numpy()

    @torch.inference_mode()
    def next_logits(
        self, batch: Sequence[Sequence[int]], caches: Sequence[KVCache] | None = None
    ) -> NDArray[np.float32]:
        """See LanguageModel.next_logits; float32. Only the last position of each sequence meets the head."""
        self._check(batch, caches)
        new = [len(ids) for ids in batch]
        # Padding goes right, where causal attention cannot see it; any valid id will do.
        padded = torch.tensor([[*ids, *[0] * (max(new) - len(ids))] for ids in batch])  # (batch, time)
        states = self.hidden_states(padded, new, caches)
        last = states[torch.arange(len(new)), torch.tensor(new) - 1]  # (batch, hidden)
        return self.head(last).numpy()

    def _check(self, batch: Sequence[Sequence[int]], caches: Sequence[KVCache] | None) -> None:
        """Refuses what would fail deep inside, or worse, not fail."""
        if len(batch) == 0 or any(len(ids) == 0 for ids in batch):
            raise InvalidInput("ids", "at least one token id for each sequence", batch)
        if caches is not None and len(caches) != len(batch):
            raise InvalidInput("caches", f"one for each of {len(batch)} sequences", f"{len(caches)} caches")
        for i, ids in enumerate(batch):
            for token_id in (min(ids), max(ids)):
                whole_number("token id", token_id, 0, self.vocab_size - 1)
            total = len(ids) + (caches[i].length if caches else 0)
            whole_number("tokens in the context", total, 1, self.context_length)
