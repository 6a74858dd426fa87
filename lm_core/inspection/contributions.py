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
from lm_core.inspection.interventions import Patch
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
    """Of the output projections and the norm; with a patched stream, also what the patch put there."""
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
    streams, heads, mlps = (
        torch.from_numpy(each[:, position]).double()
        for each in (inspection.residual, inspection.heads, inspection.mlps)
    )  # (layers + 1, hidden), (layers, heads x head_dim), (layers, hidden)
    direction, constant, scale = _direction(model, streams[-1], token, against)
    of_heads = np.array([_of_heads(block, brought, direction) for block, brought in zip(model.layers, heads)])
    of_mlps = (mlps @ direction).numpy()
    whole = float(streams[-1] @ direction)
    embedding = float(streams[0] @ direction)
    biases = constant
    if model.config.style == "gpt2" or any(isinstance(each, Patch) for each in inspection.interventions):
        biases += whole - embedding - float(of_heads.sum()) - float(of_mlps.sum())
    return Contributions(embedding, of_heads, of_mlps, biases, scale)


def _direction(model: Transformer, last: Tensor, token: int, against: int | None) -> tuple[Tensor, float, float]:
    """(what a vector in the stream is multiplied with to give its logit, what the norm adds itself, its scale)."""
    wanted = model.unembedding[token].double()  # (hidden)
    if against is not None:
        wanted = wanted - model.unembedding[against].double()
    norm, x = model.norm, last.double()
    assert isinstance(norm, (nn.LayerNorm, nn.RMSNorm))
    epsilon = float(norm.eps or 0.0)
    weighed = wanted * norm.weight.double()
    if isinstance(norm, nn.RMSNorm):
        scale = float((x.square().mean() + epsilon).rsqrt())
        return weighed * scale, 0.0, scale
    scale = float((x.var(unbiased=False) + epsilon).rsqrt())
    return (weighed - weighed.mean()) * scale, float(norm.bias.double() @ wanted), scale  # the norm takes the mean off


def _of_heads(block: nn.Module, brought: Tensor, direction: Tensor) -> list[float]:
    """What each head of a layer adds; `brought` (heads x head_dim) is what they bring to the output projection."""
    assert isinstance(block, Block)
    into = direction @ block.self_attn.o_proj.weight.double()  # (heads x head_dim)
    return (brought * into).view(-1, block.self_attn.config.head_dim).sum(-1).tolist()
