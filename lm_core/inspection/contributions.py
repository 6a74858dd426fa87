"""Direct logit attribution: a logit as a sum over everything that was written into the residual stream.

Source: Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits". The stream is a sum, and the final norm
and the output layer are linear once the norm's scale is held at what it was on this text.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lm_core.errors import whole_number
from lm_core.inspection.forward_pass import Inspection
from lm_core.models.transformer import Block, Transformer


@dataclass(frozen=True)
class Part:
    """What one part of the model adds to a logit. `layer` counts from 1, `head` from 1; 0 where there is none."""

    kind: str
    """"embedding", "head", "mlp" or "biases"."""
    layer: int
    head: int
    logit: float


@dataclass(frozen=True)
class Contributions:
    """Of one logit, or of the difference of two; embedding, heads, mlps and biases sum to it."""

    embedding: float
    heads: NDArray[np.float64]
    """(layers, heads)"""
    mlps: NDArray[np.float64]
    """(layers)"""
    biases: float
    scale: float
    """Of the final norm: one over the root mean square (or deviation) of the stream; held fixed."""

    @property
    def logit(self) -> float:
        return self.embedding + float(self.heads.sum()) + float(self.mlps.sum()) + self.biases

    @property
    def parts(self) -> list[Part]:
        """All of them, those that change the logit most first."""
        found = [Part("embedding", 0, 0, self.embedding)]
        found += [Part("head", layer + 1, head + 1, float(x)) for (layer, head), x in np.ndenumerate(self.heads)]
        found += [Part("mlp", layer + 1, 0, float(x)) for layer, x in enumerate(self.mlps)]
        found += [Part("biases", 0, 0, self.biases)] if self.biases else []
        return sorted(found, key=lambda part: -abs(part.logit))


@torch.inference_mode()
def contributions(
    model: Transformer, inspection: Inspection, position: int, token: int, against: int | None = None
) -> Contributions:
    """Who wrote the logit of `token` after the token at `position`; with `against`, its lead over that one.

    >>> from lm_core import pretrained
    >>> from lm_core.inspection import inspect
    >>> model = pretrained.load()
    >>> found = inspect(model, model.tokenizer.encode("The capital of France is"))
    >>> paris, london = (model.tokenizer.encode(word)[0] for word in (" Paris", " London"))
    >>> lead = contributions(model, found, 4, paris, london)
    >>> abs(lead.logit - float(found.logits[4, paris] - found.logits[4, london])) < 1e-4
    True
    """
    whole_number("position", position, 0, len(inspection.ids) - 1)
    for each in (token, *(() if against is None else (against,))):
        whole_number("token id", each, 0, model.vocab_size - 1)
    streams = torch.from_numpy(inspection.residual)  # (layers + 1, time, hidden)
    direction, constant, scale = _direction(model, streams[-1, position], token, against)
    heads, mlps, biases = [], [], constant
    for layer, block in enumerate(model.layers):
        assert isinstance(block, Block)
        weights = torch.from_numpy(inspection.attention[layer, :, position])  # (heads, time)
        of_heads, bias, mlp = _of_layer(block, streams[layer], weights, position, direction)
        heads.append(of_heads)
        mlps.append(mlp)
        biases += bias
    embedding = float(streams[0, position].double() @ direction)
    return Contributions(embedding, np.array(heads), np.array(mlps), biases, scale)


def _direction(model: Transformer, last: Tensor, token: int, against: int | None) -> tuple[Tensor, float, float]:
    """(what a vector in the stream is multiplied with to give its logit, what the norm adds itself, its scale)."""
    output = model.embed_tokens.weight if model.lm_head is None else model.lm_head.weight
    wanted = output[token].double()  # (hidden)
    if against is not None:
        wanted = wanted - output[against].double()
    norm, x = model.norm, last.double()
    assert isinstance(norm, (nn.LayerNorm, nn.RMSNorm))
    epsilon = float(norm.eps or 0.0)
    weighed = wanted * norm.weight.double()
    if isinstance(norm, nn.RMSNorm):
        scale = float((x.square().mean() + epsilon).rsqrt())
        return weighed * scale, 0.0, scale
    scale = float((x.var(unbiased=False) + epsilon).rsqrt())
    return (weighed - weighed.mean()) * scale, float(norm.bias.double() @ wanted), scale  # the norm takes the mean off


def _of_layer(
    block: Block, stream: Tensor, weights: Tensor, position: int, direction: Tensor
) -> tuple[list[float], float, float]:
    """(each head, the bias behind the heads, the MLP) of one layer. `stream` (time, hidden) is what it reads."""
    attention = block.self_attn
    head_dim = attention.config.head_dim
    values = attention.v_proj(block.input_layernorm(stream)).view(
        len(stream), -1, head_dim
    )  # (time, kv_heads, head_dim)
    values = values.repeat_interleave(len(weights) // values.shape[1], dim=1)  # (time, heads, head_dim)
    brought = torch.einsum("ht,thd->hd", weights, values)  # (heads, head_dim)
    out = attention.o_proj
    into = (direction @ out.weight.double()).view(-1, head_dim)  # (heads, head_dim)
    of_heads = (brought.double() * into).sum(-1)
    bias = 0.0 if out.bias is None else float(out.bias.double() @ direction)
    middle = stream[position] + out(brought.flatten())  # (hidden)
    mlp = block.mlp(block.post_attention_layernorm(middle))
    return of_heads.tolist(), bias, float(mlp.double() @ direction)
