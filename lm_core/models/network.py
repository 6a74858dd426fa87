"""What our networks share: layers initialised without global randomness, and ids checked before `forward`.

A subclass offers `forward`: ids (batch, time) -> logits (batch, time, vocab_size), every position in one pass. From it
this base answers the `LanguageModel` contract without a cache.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from lm_core.errors import InvalidInput, whole_number

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lm_core.models import LanguageModel
    from lm_core.models.kv_cache import KVCache
    from lm_core.text.tokenizers import Tokenizer


class Linear(nn.Linear):
    """A matrix, with a bias on request; its values come from a checkpoint or from `initialise`."""

    def reset_parameters(self) -> None:
        """Leaves the memory as it is: nn.Linear would draw from the global generator."""


class Embedding(nn.Embedding):
    """One vector per token id; filled as `Linear` is."""

    def reset_parameters(self) -> None:
        """Leaves the memory as it is."""


def draw_as_torch_does(model: nn.Module, generator: torch.Generator) -> None:
    """Fills embeddings from N(0, 1) and linear layers uniformly within 1 / sqrt(inputs), layer by layer.

    The same numbers as torch's own layers after `torch.manual_seed`, without touching the global generator.
    """
    for layer in model.modules():
        if isinstance(layer, Embedding):
            nn.init.normal_(layer.weight, generator=generator)
        elif isinstance(layer, Linear):
            nn.init.kaiming_uniform_(layer.weight, a=math.sqrt(5), generator=generator)
            if layer.bias is not None:
                bound = 1 / math.sqrt(layer.in_features)
                nn.init.uniform_(layer.bias, -bound, bound, generator=generator)


def padded(batch: Sequence[Sequence[int]]) -> tuple[Tensor, list[int]]:
    """Ids of unequal lengths as one tensor (batch, time), filled up on the right, and the lengths.

    >>> padded([[5, 6], [7]])
    (tensor([[5, 6],
            [7, 0]]), [2, 1])
    """
    lengths = [len(ids) for ids in batch]
    return torch.tensor([[*ids, *[0] * (max(lengths) - len(ids))] for ids in batch]), lengths  # (batch, time)


class NeuralModel(nn.Module):
    """A `LanguageModel` by way of `forward`; keeps nothing between calls."""

    context_length: int | None = None

    def __init__(self, vocab_size: int, tokenizer: Tokenizer, end_ids: Iterable[int]) -> None:
        super().__init__()
        self.vocab_size = whole_number("vocab_size", vocab_size, 1)
        self.tokenizer = tokenizer
        self.end_ids = frozenset(end_ids)

    def initialise(self, generator: torch.Generator) -> None:
        """Draws fresh weights."""
        draw_as_torch_does(self, generator)

    def new_cache(self) -> KVCache | None:
        """None: nothing computed for a token is used again."""
        return None

    @torch.inference_mode()
    def logits(self, ids: Sequence[int], cache: KVCache | None = None) -> NDArray[np.float32]:
        """See LanguageModel.logits; float32."""
        check(self, [ids], None)
        return self(torch.tensor([ids]))[0].numpy()

    @torch.inference_mode()
    def next_logits(
        self, batch: Sequence[Sequence[int]], caches: Sequence[KVCache] | None = None
    ) -> NDArray[np.float32]:
        """See LanguageModel.next_logits; float32."""
        check(self, batch, None)
        ids, lengths = padded(batch)
        return self(ids, lengths)[torch.arange(len(lengths)), torch.tensor(lengths) - 1].numpy()


def check(model: LanguageModel, batch: Sequence[Sequence[int]], caches: Sequence[KVCache] | None = None) -> None:
    """Refuses what would fail deep inside a network, or worse, not fail. Raises InvalidInput."""
    if len(batch) == 0 or any(len(ids) == 0 for ids in batch):
        raise InvalidInput("ids", "at least one token id for each sequence", batch)
    if caches is not None and len(caches) != len(batch):
        raise InvalidInput("caches", f"one for each of {len(batch)} sequences", f"{len(caches)} caches")
    for i, ids in enumerate(batch):
        for token_id in (min(ids), max(ids)):
            whole_number("token id", token_id, 0, model.vocab_size - 1)
        if model.context_length is not None:
            total = len(ids) + (caches[i].positions if caches else 0)
            whole_number("tokens in the context", total, 1, model.context_length)
