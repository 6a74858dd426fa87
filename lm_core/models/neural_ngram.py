"""The last n - 1 tokens in, logits out: word vectors side by side through one hidden layer.

Bengio 2003, with GELU (Hendrycks 2016) for tanh. Unlike a count table, contexts share parameters: similar words may
get similar vectors. What stands further back than n - 1 tokens is not seen at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from lm_core.errors import whole_number
from lm_core.models.network import Embedding, Linear, NeuralModel

if TYPE_CHECKING:
    from lm_core.text.tokenizers import Tokenizer


@dataclass(frozen=True)
class NeuralNgramConfig:
    """Shape of a neural n-gram; `context` is n - 1."""

    vocab_size: int
    context: int = 2
    embedding: int = 6
    hidden: int = 16

    def __post_init__(self) -> None:
        for name in ("vocab_size", "context", "embedding", "hidden"):
            whole_number(name, getattr(self, name), 1)


class NeuralNgram(NeuralModel):
    """A `LanguageModel`; where the text has not begun yet, the word vector is zero.

    >>> from lm_core.text.tokenizers import WordTokenizer
    >>> words = WordTokenizer(["package", "left", "hub"])
    >>> model = NeuralNgram(NeuralNgramConfig(words.vocab_size), words)
    >>> model.initialise(torch.Generator().manual_seed(7))
    >>> model.logits(words.encode("package left")).shape
    (2, 3)
    """

    def __init__(self, config: NeuralNgramConfig, tokenizer: Tokenizer, end_ids: Iterable[int] = ()) -> None:
        super().__init__(config.vocab_size, tokenizer, end_ids)
        self.config = config
        self.embed_tokens = Embedding(config.vocab_size, config.embedding)
        self.hidden = Linear(config.context * config.embedding, config.hidden)
        self.lm_head = Linear(config.hidden, config.vocab_size)

    def forward(self, ids: Tensor, lengths: Sequence[int] | None = None) -> Tensor:
        """Logits (batch, time, vocab_size); padding on the right is never looked at, so lengths do not matter."""
        time = ids.shape[1]
        vectors = F.pad(self.embed_tokens(ids), (0, 0, self.config.context - 1, 0))  # (batch, context - 1 + time, emb)
        seen = [vectors[:, back : back + time] for back in range(self.config.context)]  # oldest first
        features = torch.cat(seen, dim=-1)  # (batch, time, context * embedding)
        return self.lm_head(F.gelu(self.hidden(features)))
