"""Interventions: a part of a Transformer changed for one pass, as a value that says where and what.

A head is switched off before the output projection, where its values are still its own (Michel et al. 2019,
"Are Sixteen Heads Really Better than One?"); an MLP or a layer's attention where it would be added to the stream.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lm_core.errors import InvalidInput, whole_number
from lm_core.models.attention import Attention, Step
from lm_core.models.transformer import Block, Transformer

ZERO, MEAN = "zero", "mean"
ATTENTION, MLP = "attention", "mlp"


@dataclass(frozen=True)
class Ablation:
    """`head` of `layer` switched off (both count from 1); head 0: all of the layer's attention, or its `part`.

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


@dataclass(frozen=True)
class Knockout:
    """One arrow cut: in `layer`, position `reader` may not read position `key`; `head` 0: in no head.

    Its score becomes -inf before the softmax, so that the other weights grow to sum to 1. Layer and head count from 1,
    positions from 0. Source: Geva et al. 2023, "Dissecting Recall of Factual Associations", attention knockout.
    """

    layer: int
    head: int
    reader: int
    key: int


@dataclass(frozen=True, eq=False)
class Patch:
    """The residual stream behind `layer` (0: the embeddings) at `position`, counted from 0, replaced by `values`.

    Source: Heimersheim and Nanda 2024, "How to use and interpret activation patching".
    """

    layer: int
    position: int
    values: NDArray[np.float32]
    """(hidden): of another text's pass, Inspection.residual[layer, position]"""


@dataclass(frozen=True)
class Unmask:
    """The causal mask lifted in all layers: every position reads the whole text, also what comes later."""


Intervention = Ablation | Knockout | Patch | Unmask


@torch.inference_mode()
def logits_with(model: Transformer, ids: Sequence[int], interventions: Iterable[Intervention]) -> NDArray[np.float32]:
    """Logits (time, vocab_size) of one pass over `ids` under these interventions, at every position.

    Not for two threads at once: while it runs, the model carries the interventions.

    >>> from lm_core import pretrained
    >>> model = pretrained.load()
    >>> ids = model.tokenizer.encode("The capital of France is")
    >>> paris = model.tokenizer.encode(" Paris")[0]
    >>> for off in ([], [Ablation(24, head=5)], [Knockout(24, 5, reader=4, key=3)]):
    ...     row = logits_with(model, ids, off)[-1].astype("float64")
    ...     print(round(float(np.exp(row[paris]) / np.exp(row).sum()), 2))
    0.77
    0.14
    0.15
    """
    with installed(model, interventions, len(ids)):
        return model.logits(ids)


@contextmanager
def installed(model: Transformer, interventions: Iterable[Intervention], time: int) -> Iterator[None]:
    """The model carries the interventions as long as this is open; its text has `time` tokens."""
    kept = list(interventions)
    with ExitStack() as stack:
        for each in kept:
            if isinstance(each, Ablation):
                hooks = _ablate(model, each)
            elif isinstance(each, Patch):
                hooks = [_patch(model, each, time)]
            else:
                continue
            for hook in hooks:
                stack.callback(hook.remove)
        for hook in _mask(model, kept, time):
            stack.callback(hook.remove)
        yield


def _block(model: Transformer, layer: int, least: int = 1) -> Block:
    whole_number("layer", layer, least, model.config.layers)
    block = model.layers[max(layer, 1) - 1]
    assert isinstance(block, Block)
    return block


def _ablate(model: Transformer, off: Ablation) -> list[Any]:
    block = _block(model, off.layer)
    whole_number("head", off.head, 0, model.config.heads)
    instead = _mean if off.by == MEAN else torch.zeros_like
    if off.part == MLP:
        return [block.mlp.register_forward_hook(lambda _module, _given, out: instead(out))]
    width = model.config.head_dim
    columns = slice((off.head - 1) * width, off.head * width) if off.head else slice(None)

    def before(_module: object, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        heads = given[0].clone()  # (batch, time, heads x head_dim)
        heads[..., columns] = instead(heads[..., columns])
        return (heads,)

    hooks = [block.self_attn.o_proj.register_forward_pre_hook(before)]
    if not off.head and off.by == ZERO:  # the projection's bias too
        hooks.append(block.self_attn.register_forward_hook(lambda _module, _given, out: torch.zeros_like(out)))
    return hooks


def _mean(values: Tensor) -> Tensor:
    """Of (batch, time, width) the mean over time, at every time."""
    return values.mean(dim=1, keepdim=True).expand_as(values)


def _patch(model: Transformer, patch: Patch, time: int) -> Any:
    block = _block(model, patch.layer, 0)
    whole_number("position", patch.position, 0, time - 1)
    values = torch.from_numpy(np.asarray(patch.values, np.float32))
    if values.shape != (model.config.hidden,):
        raise InvalidInput("values", f"{model.config.hidden} numbers, a stream of this model", tuple(values.shape))

    def put(stream: Tensor) -> Tensor:
        stream = stream.clone()  # (batch, time, hidden)
        stream[:, patch.position] = values
        return stream

    if patch.layer:
        return block.register_forward_hook(lambda _module, _given, out: put(out))
    return block.register_forward_pre_hook(lambda _module, given: (put(given[0]), *given[1:]))


def _mask(model: Transformer, interventions: Sequence[Intervention], time: int) -> list[Any]:
    """One hook for each layer with arrows cut, or for all, which gives its attention a mask of its own."""
    arrows = [each for each in interventions if isinstance(each, Knockout)]
    heads, causal = model.config.heads, model.config.causal and Unmask() not in interventions
    layers = [each.layer for each in arrows] if causal else range(1, model.config.layers + 1)
    hooks = []
    for layer in dict.fromkeys(layers):
        attention = _block(model, layer).self_attn
        assert isinstance(attention, Attention)
        allowed = torch.ones(heads, time, time, dtype=torch.bool)
        allowed = allowed.tril() if causal else allowed
        for each in (one for one in arrows if one.layer == layer):
            whole_number("head", each.head, 0, heads)
            whole_number("reader", each.reader, 0, time - 1)
            whole_number("key", each.key, 0, each.reader if causal else time - 1)
            allowed[each.head - 1 if each.head else slice(None), each.reader, each.key] = False
        if not allowed.any(dim=-1).all():
            raise InvalidInput("key", "not the only position that its reader still reads", arrows[0].key)
        hooks.append(attention.register_forward_pre_hook(_masked(allowed[None])))
    return hooks


def _masked(allowed: Tensor) -> Any:
    """`allowed` (1, heads, time, time) in place of the mask that the whole pass shares."""

    def before(_module: object, given: tuple[Tensor, int, Step]) -> tuple[Tensor, int, Step]:
        x, layer, step = given
        return x, layer, replace(step, mask=allowed)

    return before
