"""One attention weight worked out: query and key, their product, the softmax over all keys, the value it brings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from lm_core.errors import InvalidInput, whole_number
from lm_core.inspection.forward_pass import Inspection
from lm_core.inspection.interventions import Knockout, Unmask
from lm_core.models.attention import Attention, rotary, rotate, rotation_rates
from lm_core.models.transformer import Block, Transformer


@dataclass(frozen=True)
class AttentionScore:
    """How one head of one layer comes to the weight with which a reader reads a key."""

    query: NDArray[np.float32]
    """(head_dim), rotated to the reader's position where the model rotates."""
    key: NDArray[np.float32]
    """(head_dim), rotated to its own position."""
    value: NDArray[np.float32]
    """(head_dim)"""
    kv_head: int
    """Which of the key-value heads, from 1, this head reads; several share one in grouped-query attention."""
    products: NDArray[np.float64]
    """(keys): query . key with every key that the reader may read; -inf for one that it may not."""
    scores: NDArray[np.float64]
    """(keys): the products over the square root of head_dim."""
    weights: NDArray[np.float64]
    """(keys): softmax of the scores."""
    at: int
    """Which of the keys this is about."""

    @property
    def weight(self) -> float:
        return float(self.weights[self.at])

    @property
    def brought(self) -> NDArray[np.float64]:
        """(head_dim): weight times value, what the key adds to what the head brings."""
        return self.weight * self.value.astype(np.float64)


@torch.inference_mode()
def attention_score(
    model: Transformer, inspection: Inspection, layer: int, head: int, reader: int, key: int
) -> AttentionScore:
    """`layer` and `head` count from 1, positions from 0. Vaswani et al. 2017: softmax(q k^T / sqrt(head_dim)) v.

    >>> from lm_core import pretrained
    >>> from lm_core.inspection import inspect
    >>> model = pretrained.load()
    >>> found = inspect(model, model.tokenizer.encode("The capital of France is"))
    >>> score = attention_score(model, found, layer=24, head=5, reader=4, key=3)
    >>> score.query.shape, score.kv_head, round(score.weight, 2)  # nine heads share three keys and values
    ((64,), 2, 0.9)
    """
    config, time = model.config, len(inspection.ids)
    whole_number("layer", layer, 1, config.layers)
    whole_number("head", head, 1, config.heads)
    whole_number("reader", reader, 0, time - 1)
    last = reader if config.causal and Unmask() not in inspection.interventions else time - 1
    whole_number("key", key, 0, last)
    block = model.layers[layer - 1]
    assert isinstance(block, Block)
    attention = block.self_attn
    stream = torch.from_numpy(inspection.residual[layer - 1])[None, : last + 1]  # (1, keys, hidden)
    q, k, v = _projected(model, attention, block.input_layernorm(stream))  # (heads or kv_heads, keys, head_dim)
    group = (head - 1) // (config.heads // config.kv_heads)
    query = q[head - 1, reader]
    products = k[group].double() @ query.double()
    for cut in inspection.interventions:
        if isinstance(cut, Knockout) and (cut.layer, cut.reader) == (layer, reader) and cut.head in (0, head):
            products[cut.key] = -torch.inf
    if not torch.isfinite(products).any():
        raise InvalidInput("reader", "a position that reads something", reader)
    scores = products / config.head_dim**0.5
    return AttentionScore(
        query.numpy(), k[group, key].numpy(), v[group, key].numpy(), group + 1, products.numpy(), scores.numpy(),
        scores.softmax(-1).numpy(), key,
    )  # fmt: skip


def _projected(
    model: Transformer, attention: Attention, x: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Queries (heads, time, head_dim), keys and values (kv_heads, time, head_dim) of x (1, time, hidden)."""
    split = (1, x.shape[1], -1, model.config.head_dim)
    q, k, v = (each(x).view(split) for each in (attention.q_proj, attention.k_proj, attention.v_proj))
    if attention.q_norm is not None and attention.k_norm is not None:
        q, k = attention.q_norm(q), attention.k_norm(k)
    q, k, v = (each.transpose(1, 2) for each in (q, k, v))  # (1, heads or kv_heads, time, head_dim)
    if model.embed_positions is None:
        turn = rotary(torch.arange(x.shape[1])[None], rotation_rates(model.config))
        q, k = rotate(q, *turn), rotate(k, *turn)
    return q[0], k[0], v[0]
