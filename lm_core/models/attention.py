"""Multi-head attention with rotary positions (Su 2021), grouped heads (Ainslie 2023) and a KV cache."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lm_core.models.kv_cache import KVCache
from lm_core.models.network import Linear

if TYPE_CHECKING:
    from lm_core.models.config import TransformerConfig


def linear(config: TransformerConfig, inputs: int, outputs: int) -> Linear:
    """A matrix; with biases in the style of GPT-2."""
    return Linear(inputs, outputs, bias=config.style == "gpt2")


def _projection(config: TransformerConfig, heads: int) -> Linear:
    """Hidden states to queries, keys or values."""
    return Linear(config.hidden, heads * config.head_dim, bias=config.style == "gpt2" or config.qkv_bias)


def rotation_rates(config: TransformerConfig) -> Tensor:
    """Radians a position, float64, of each pair of a head: (head_dim / 2,).

    Llama 3.1 stretches what turns less than once within the context it was first trained with, by `factor`; what turns
    often stays, and between the two it goes over evenly (transformers, modeling_rope_utils).
    """
    rates = config.rope_theta ** -(torch.arange(0, config.head_dim, 2, dtype=torch.float64) / config.head_dim)
    if config.rope_scaling is None:
        return rates
    factor, low, high, original = config.rope_scaling
    turns = original * rates / (2 * math.pi)
    kept = ((turns - low) / (high - low)).clamp(0, 1)
    return rates * (kept + (1 - kept) / factor)


def rotary(positions: Tensor, rates: Tensor) -> tuple[Tensor, Tensor]:
    """Cosines and sines, each (batch, 1, time, head_dim), for positions (batch, time).

    Angles are formed in float64: in float32 position 8,000 would already be off by 5e-4.
    """
    angles = positions[:, None, :, None].double() * rates  # (batch, 1, time, head_dim / 2)
    both = torch.cat([angles, angles], dim=-1)  # (batch, 1, time, head_dim)
    return both.cos().float(), both.sin().float()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turns the pairs (x[i], x[i + head_dim / 2]) by their angle; x is (batch, heads, time, head_dim)."""
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat([-second, first], dim=-1) * sin


@dataclass(frozen=True)
class Activations:
    """What a forward pass leaves behind when asked to, of its first sequence."""

    attention: list[Tensor]
    """For each layer (heads, time, time): how much each query takes from each key."""
    residual: list[Tensor]
    """(time, hidden) each: the embeddings, then what stands behind every layer."""


@dataclass(frozen=True)
class Step:
    """What one forward pass shares with every layer."""

    turn: tuple[Tensor, Tensor] | None
    """Cosines and sines of the positions; None where positions were added to the embeddings."""
    mask: Tensor | None
    """True where a query (time or 1) may see a key (past + time): (batch, 1, time, past + time). None: no exception."""
    new: Sequence[int]
    """New tokens of each sequence, padding excluded."""
    caches: Sequence[KVCache] | None
    recording: Activations | None = None


class Attention(nn.Module):
    """Each position gathers values from itself and earlier positions, weighted by query-key similarity."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        c = config
        self.q_proj = _projection(c, c.heads)
        self.k_proj = _projection(c, c.kv_heads)
        self.v_proj = _projection(c, c.kv_heads)
        self.o_proj = linear(c, c.heads * c.head_dim, c.hidden)
        self.q_norm = nn.RMSNorm(c.head_dim, eps=c.norm_eps) if c.qk_norm else None
        self.k_norm = nn.RMSNorm(c.head_dim, eps=c.norm_eps) if c.qk_norm else None

    def forward(self, x: Tensor, layer: int, step: Step) -> Tensor:
        batch, time, _ = x.shape
        split = (batch, time, -1, self.config.head_dim)
        q, k = self.q_proj(x).view(split), self.k_proj(x).view(split)
        if self.q_norm is not None and self.k_norm is not None:
            q, k = self.q_norm(q), self.k_norm(k)
        q, k = q.transpose(1, 2), k.transpose(1, 2)  # (batch, heads or kv_heads, time, head_dim)
        v = self.v_proj(x).view(split).transpose(1, 2)  # (batch, kv_heads, time, head_dim)
        if step.turn is not None:
            q, k = rotate(q, *step.turn), rotate(k, *step.turn)
        if step.caches is not None:
            k, v = _with_past(layer, k, v, step)  # (batch, kv_heads, past + time, head_dim)
        causal = self.config.causal and step.mask is None and time > 1
        if step.recording is not None:
            out = _by_hand(q, k, v, step, causal)
        else:
            out = F.scaled_dot_product_attention(q, k, v, attn_mask=step.mask, is_causal=causal, enable_gqa=True)
        return self.o_proj(out.transpose(1, 2).reshape(batch, time, -1))  # (batch, time, hidden)


def _by_hand(q: Tensor, k: Tensor, v: Tensor, step: Step, causal: bool) -> Tensor:
    """The same attention with its weights written down, which the fused kernel never holds as a whole."""
    shared = q.shape[1] // k.shape[1]  # query heads to a key-value head
    k, v = k.repeat_interleave(shared, dim=1), v.repeat_interleave(shared, dim=1)  # (batch, heads, time, head_dim)
    scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[-1])  # (batch, heads, time, time)
    allowed = step.mask
    if causal:
        allowed = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
    if allowed is not None:
        scores = scores.masked_fill(~allowed, -torch.inf)
    weights = scores.softmax(dim=-1)
    assert step.recording is not None
    step.recording.attention.append(weights[0])
    return weights @ v


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
