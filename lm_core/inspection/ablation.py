"""Ablation: parts of a Transformer switched off for one pass, and what the model then predicts.

A head is switched off before the output projection, where its values are still its own (Michel et al. 2019); an MLP or
a layer's attention where it would be added to the residual stream.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lm_core.errors import InvalidInput, whole_number
from lm_core.models.attention import Attention
from lm_core.models.transformer import Block, Transformer

ZERO, MEAN = "zero", "mean"
ATTENTION, MLP = "attention", "mlp"


@dataclass(frozen=True)
class Intervention:
    """What is switched off: `head` of `layer` (both count from 1); head 0: all of the layer's attention, or its `part`.

    `by` "zero" writes zeros in its place, "mean" its mean over the positions of the text.
    """

    layer: int
    head: int = 0
    part: str = ATTENTION
    by: str = ZERO

    def __post_init__(self) -> None:
        if self.part not in (ATTENTION, MLP) or (self.part == MLP and self.head):
            raise InvalidInput("part", "attention, or mlp without a head", self.part)
        if self.by not in (ZERO, MEAN):
            raise InvalidInput("by", f"{ZERO} or {MEAN}", self.by)


@torch.inference_mode()
def logits_without(
    model: Transformer, ids: Sequence[int], interventions: Iterable[Intervention]
) -> NDArray[np.float32]:
    """Logits (time, vocab_size) of one pass over `ids` with these parts switched off, at every position.

    Not for two threads at once: while it runs, the model carries the interventions.

    >>> from lm_core import pretrained
    >>> model = pretrained.load()
    >>> ids = model.tokenizer.encode("The capital of France is")
    >>> paris = model.tokenizer.encode(" Paris")[0]
    >>> for off in ([], [Intervention(24, head=5)]):
    ...     row = logits_without(model, ids, off)[-1].astype("float64")
    ...     print(round(float(np.exp(row[paris]) / np.exp(row).sum()), 2))
    0.77
    0.14
    """
    with ExitStack() as stack:
        for each in interventions:
            stack.callback(_switch_off(model, each).remove)
        return model.logits(ids)


def _switch_off(model: Transformer, off: Intervention) -> Any:
    """Puts the intervention into the model; the handle takes it out again."""
    whole_number("layer", off.layer, 1, model.config.layers)
    whole_number("head", off.head, 0, model.config.heads)
    block = model.layers[off.layer - 1]
    assert isinstance(block, Block)
    attention = block.self_attn
    assert isinstance(attention, Attention)
    if off.head:
        columns = slice((off.head - 1) * model.config.head_dim, off.head * model.config.head_dim)

        def before(_module: object, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            heads = given[0].clone()  # (batch, time, heads x head_dim)
            heads[..., columns] = _instead(heads[..., columns], off.by)
            return (heads,)

        return attention.o_proj.register_forward_pre_hook(before)
    module = block.mlp if off.part == MLP else attention
    return module.register_forward_hook(lambda _module, _given, out: _instead(out, off.by).expand_as(out))


def _instead(values: Tensor, by: str) -> Tensor:
    """What stands where (batch, time, width) stood."""
    return values.mean(dim=1, keepdim=True) if by == MEAN else torch.zeros_like(values)
