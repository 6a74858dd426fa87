"""A gated recurrent unit (GRU): tokens one by one into a state of fixed size, and from the state the logits.

Cho 2014, in the form torch and cuDNN use. Step t needs the state of step t - 1, so training cannot compute all
positions at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lm_core.errors import whole_number
from lm_core.models.network import Embedding, Linear, NeuralModel

if TYPE_CHECKING:
    from lm_core.text.tokenizers import Tokenizer


@dataclass(frozen=True)
class GRUConfig:
    """Shape of a one-layer GRU language model."""

    vocab_size: int
    embedding: int = 32
    hidden: int = 64

    def __post_init__(self) -> None:
        for name in ("vocab_size", "embedding", "hidden"):
            whole_number(name, getattr(self, name), 1)


class GRUModel(NeuralModel):
    """A `LanguageModel` whose whole memory of the past is one vector of `hidden` numbers.

    >>> from lm_core.text.tokenizers import WordTokenizer
    >>> words = WordTokenizer(["package", "left", "hub"])
    >>> model = GRUModel(GRUConfig(words.vocab_size), words)
    >>> model.initialise(torch.Generator().manual_seed(7))
    >>> model.logits(words.encode("package left hub")).shape
    (3, 3)
    """

    def __init__(self, config: GRUConfig, tokenizer: Tokenizer, end_ids: Iterable[int] = ()) -> None:
        super().__init__(config.vocab_size, tokenizer, end_ids)
        self.config = config
        self.embed_tokens = Embedding(config.vocab_size, config.embedding)
        # Three gates in one matrix each: reset, update, candidate.
        self.from_input = Linear(config.embedding, 3 * config.hidden)
        self.from_state = Linear(config.hidden, 3 * config.hidden)
        self.lm_head = Linear(config.hidden, config.vocab_size)

    def forward(self, ids: Tensor, lengths: Sequence[int] | None = None) -> Tensor:
        """Logits (batch, time, vocab_size); padding on the right comes too late to matter."""
        inputs = self.from_input(self.embed_tokens(ids))  # (batch, time, 3 * hidden): all steps at once
        state = inputs.new_zeros(ids.shape[0], self.config.hidden)
        states = []
        for step in inputs.unbind(dim=1):
            state = self._next(step, state)
            states.append(state)
        return self.lm_head(torch.stack(states, dim=1))  # (batch, time, hidden) -> (batch, time, vocab_size)

    def _next(self, step: Tensor, state: Tensor) -> Tensor:
        """r, z = gates; n = tanh(input + r * from state); the new state is (1 - z) n + z old."""
        reset_in, update_in, candidate_in = step.chunk(3, dim=-1)  # each (batch, hidden)
        reset_old, update_old, candidate_old = self.from_state(state).chunk(3, dim=-1)
        reset = torch.sigmoid(reset_in + reset_old)
        update = torch.sigmoid(update_in + update_old)
        candidate = torch.tanh(candidate_in + reset * candidate_old)
        return candidate + update * (state - candidate)
