"""A decoder-only Transformer, in the style of Llama or of GPT-2.

Llama (Touvron 2023): RMSNorm before each sublayer, rotary positions (Su 2021), grouped-query attention (Ainslie 2023),
SwiGLU (Shazeer 2020). GPT-2 (Radford 2019): LayerNorm, learned positions, GELU, biases. Parameters carry the names
of Hugging Face's Llama. The KV cache is an argument, never state.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lm_core.models.attention import Activations, Attention, Step, linear, rotary, rotation_rates
from lm_core.models.config import TransformerConfig
from lm_core.models.kv_cache import KVCache
from lm_core.models.network import Embedding, Linear, NeuralModel, check, padded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lm_core.text.tokenizers import Tokenizer


def _norm(config: TransformerConfig) -> nn.Module:
    kind = nn.LayerNorm if config.style == "gpt2" else nn.RMSNorm
    return kind(config.hidden, eps=config.norm_eps)


class FeedForward(nn.Module):
    """`ffn` features of each position. SwiGLU: a gate decides how much of each passes. GPT-2: plain GELU."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.gate_proj = Linear(config.hidden, config.ffn, bias=False) if config.style == "llama" else None
        self.up_proj = linear(config, config.hidden, config.ffn)
        self.down_proj = linear(config, config.ffn, config.hidden)

    def forward(self, x: Tensor) -> Tensor:
        up = self.up_proj(x)  # (batch, time, ffn)
        features = F.gelu(up, approximate="tanh") if self.gate_proj is None else F.silu(self.gate_proj(x)) * up
        return self.down_proj(features)


class Block(nn.Module):
    """One layer: attention, then feed-forward, each added to the residual stream."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.input_layernorm = _norm(config)
        self.self_attn = Attention(config)
        self.post_attention_layernorm = _norm(config)
        self.mlp = FeedForward(config)

    def forward(self, x: Tensor, layer: int, step: Step) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), layer, step)
        return x + self.mlp(self.post_attention_layernorm(x))


class Transformer(NeuralModel):
    """A `LanguageModel`; `forward` is for training and tests, `logits` and `next_logits` for everybody else."""

    def __init__(self, config: TransformerConfig, tokenizer: Tokenizer, end_ids: Iterable[int] = ()) -> None:
        super().__init__(config.vocab_size, tokenizer, end_ids)
        self.config = config
        self.context_length = config.context_length
        self.embed_tokens = Embedding(config.vocab_size, config.hidden)
        self.embed_positions = Embedding(config.context_length, config.hidden) if config.style == "gpt2" else None
        self.layers = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = _norm(config)
        self.lm_head = None if config.tied_head else Linear(config.hidden, config.vocab_size, bias=False)

    def initialise(self, generator: torch.Generator, std: float | None = None) -> None:
        """Draws every matrix from N(0, std); biases are zero, norms one. GPT-2's std is 0.02 at its width of 768;
        unless one is given, it is scaled to this model's width."""
        std = 0.02 * math.sqrt(768 / self.config.hidden) if std is None else std
        for name, parameter in self.named_parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, std=std, generator=generator)
            elif name.endswith("proj.bias"):
                nn.init.zeros_(parameter)

    def new_cache(self) -> KVCache | None:
        """An empty cache of this model's shape; None without the causal mask, where old keys would go stale."""
        c = self.config
        return KVCache(c.layers, c.kv_heads, c.head_dim) if c.causal else None

    def hidden_states(
        self,
        ids: Tensor,
        new: Sequence[int],
        caches: Sequence[KVCache] | None = None,
        recording: Activations | None = None,
    ) -> Tensor:
        """Final normed states (batch, time, hidden) of ids (batch, time), padded on the right to one length."""
        past = [cache.positions for cache in caches] if caches else [0] * len(new)
        positions = torch.tensor(past)[:, None] + torch.arange(ids.shape[1])  # (batch, time)
        x = self.embed_tokens(ids)  # (batch, time, hidden)
        turn = None
        if self.embed_positions is None:
            turn = rotary(positions, rotation_rates(self.config))
        else:  # padding may reach past the last learned position; what it is given there is never looked at
            x = x + self.embed_positions(positions.clamp(max=self.config.context_length - 1))
        step = Step(turn, self._mask(positions, past, new), new, caches, recording)
        for layer, block in enumerate(self.layers):
            if recording is not None:
                recording.residual.append(x[0])
            x = block(x, layer, step)
        if recording is not None:
            recording.residual.append(x[0])
        for cache, n in zip(caches or (), new):
            cache.advance(n)
        return self.norm(x)

    def _mask(self, positions: Tensor, past: Sequence[int], new: Sequence[int]) -> Tensor | None:
        """Which keys each query may see, where that is more than plain causality says."""
        time = positions.shape[1]
        if not self.config.causal:
            lengths = torch.tensor(list(new))
            return (torch.arange(time) < lengths[:, None])[:, None, None]  # (batch, 1, 1, time): all but padding
        if any(past) and (time > 1 or len(past) > 1):
            keys = torch.arange(max(p + n for p, n in zip(past, new)))
            return keys <= positions[:, None, :, None]  # (batch, 1, time, past + time)
        return None

    @property
    def unembedding(self) -> Tensor:
        """The output layer's matrix, (vocab_size, hidden); of a tied model the embedding's own."""
        return self.embed_tokens.weight if self.lm_head is None else self.lm_head.weight

    def head(self, states: Tensor) -> Tensor:
        """Scores every vocabulary entry: (..., hidden) -> (..., vocab_size)."""
        return F.linear(states, self.unembedding)

    def forward(self, ids: Tensor, lengths: Sequence[int] | None = None) -> Tensor:
        """Logits (batch, time, vocab_size) of ids (batch, time), every position in one pass.

        `lengths` says where each row's padding begins; without the causal mask it would be seen.
        """
        return self.head(self.hidden_states(ids, lengths or [ids.shape[1]] * ids.shape[0]))

    @torch.inference_mode()
    def logits(self, ids: Sequence[int], cache: KVCache | None = None) -> NDArray[np.float32]:
        """See LanguageModel.logits; float32."""
        caches = None if cache is None else [cache]
        check(self, [ids], caches)
        return self.head(self.hidden_states(torch.tensor([ids]), [len(ids)], caches))[0].numpy()

    @torch.inference_mode()
    def next_logits(
        self, batch: Sequence[Sequence[int]], caches: Sequence[KVCache] | None = None
    ) -> NDArray[np.float32]:
        """See LanguageModel.next_logits; float32. Only the last position of each sequence meets the head."""
        check(self, batch, caches)
        ids, new = padded(batch)
        states = self.hidden_states(ids, new, caches)
        last = states[torch.arange(len(new)), torch.tensor(new) - 1]  # (batch, hidden)
        return self.head(last).numpy()
