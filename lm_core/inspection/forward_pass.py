"""One forward pass with attention weights, residual stream and what each part wrote into it on record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from lm_core.errors import InvalidInput, whole_number
from lm_core.inspection.interventions import Intervention, installed
from lm_core.models.attention import Activations
from lm_core.models.kv_cache import KVCache
from lm_core.models.transformer import Block, Transformer


@dataclass(frozen=True)
class Inspection:
    """One forward pass, looked into."""

    ids: tuple[int, ...]
    attention: NDArray[np.float32]
    """(layers, heads, query, key); every row over the keys sums to 1."""
    residual: NDArray[np.float32]
    """(layers + 1, time, hidden): the embeddings, then what stands behind every layer."""
    heads: NDArray[np.float32]
    """(layers, time, heads x head_dim): what the heads bring, side by side, before the output projection."""
    mlps: NDArray[np.float32]
    """(layers, time, hidden): what each MLP adds to the stream."""
    logits: NDArray[np.float32]
    """(time, vocab_size): row t scores the token that follows ids[t]."""
    cache: KVCache | None
    """Keys and values of the text, rotated where the model rotates; None without the causal mask."""
    kept: int = 0
    """Positions, from the first, that were not computed but taken from an earlier pass."""
    interventions: tuple[Intervention, ...] = ()

    @property
    def nbytes(self) -> int:
        """Of all arrays; those of the cache come to another tenth or so."""
        arrays = (self.attention, self.residual, self.heads, self.mlps, self.logits)
        return sum(each.nbytes for each in arrays)


@torch.inference_mode()
def inspect(
    model: Transformer, ids: Sequence[int], interventions: Iterable[Intervention] = (), known: Inspection | None = None
) -> Inspection:
    """Runs the model once over `ids`, attention written out, under the interventions if there are any.

    `known` is a pass of the same model without interventions: what a text shares with it from the first token on is
    taken from there, and only the rest is computed, with its KV cache. Not for two threads at once.

    Raises InvalidInput for no ids, or more than the model's context.

    >>> from lm_core import pretrained
    >>> model = pretrained.load()
    >>> ids = model.tokenizer.encode("The capital of France is")
    >>> once = inspect(model, ids)
    >>> once.attention.shape, once.residual.shape, once.kept
    ((30, 9, 5, 5), (31, 5, 576), 0)
    >>> longer = inspect(model, [*ids, *model.tokenizer.encode(" Paris")], known=once)
    >>> longer.attention.shape, longer.kept
    ((30, 9, 6, 6), 5)
    """
    ids, interventions = tuple(ids), tuple(interventions)
    if not 1 <= len(ids) <= model.config.context_length:
        raise InvalidInput("ids", f"from 1 to {model.config.context_length:,} token ids", len(ids))
    for token_id in ids:
        whole_number("token id", token_id, 0, model.vocab_size - 1)
    kept, cache = 0, model.new_cache()
    if known and known.cache and cache and not interventions:
        kept = min(_shared(known.ids, ids), len(ids) - 1)
        cache = known.cache.fork(kept)
    recording, heads, mlps = Activations([], []), list[Tensor](), list[Tensor]()
    with ExitStack() as stack:
        stack.enter_context(installed(model, interventions, len(ids)))
        for block in model.layers:  # behind the interventions, so that what they leave is recorded
            assert isinstance(block, Block)
            written = block.self_attn.o_proj.register_forward_pre_hook(lambda _module, given: heads.append(given[0][0]))
            stack.callback(written.remove)
            stack.callback(block.mlp.register_forward_hook(lambda _module, _given, out: mlps.append(out[0])).remove)
        new = ids[kept:]
        states = model.hidden_states(torch.tensor([new]), [len(new)], None if cache is None else [cache], recording)
    found = Inspection(
        ids, torch.stack(recording.attention).numpy(), torch.stack(recording.residual).numpy(),
        torch.stack(heads).numpy(), torch.stack(mlps).numpy(), model.head(states)[0].numpy(), cache, kept,
        interventions,
    )  # fmt: skip
    return _joined(known, found) if kept and known else found


def _shared(first: tuple[int, ...], second: tuple[int, ...]) -> int:
    """How many tokens two texts have in common from the first on."""
    return next((n for n, (a, b) in enumerate(zip(first, second)) if a != b), min(len(first), len(second)))


def _joined(known: Inspection, found: Inspection) -> Inspection:
    """The kept positions of `known`, then the new ones of `found`."""
    kept, later = found.kept, len(found.ids) - found.kept
    before = F.pad(torch.from_numpy(known.attention[:, :, :kept, :kept]), (0, later))  # nobody reads what comes later
    return Inspection(
        found.ids, np.concatenate([before.numpy(), found.attention], axis=2),
        np.concatenate([known.residual[:, :kept], found.residual], axis=1),
        np.concatenate([known.heads[:, :kept], found.heads], axis=1),
        np.concatenate([known.mlps[:, :kept], found.mlps], axis=1),
        np.concatenate([known.logits[:kept], found.logits]), found.cache, kept,
    )  # fmt: skip


@dataclass(frozen=True)
class Weight:
    """What a reader takes from one key, of all its attention 1."""

    key: int
    weight: float


def heaviest(row: NDArray[np.floating], count: int) -> tuple[Weight, ...]:
    """The keys a reader takes most from, the earlier first among equals.

    >>> heaviest(np.array([0.2, 0.7, 0.1]), 2)
    (Weight(key=1, weight=0.7), Weight(key=0, weight=0.2))
    """
    order = np.argsort(-row, kind="stable")[:count]
    return tuple(Weight(int(key), float(row[key])) for key in order)
