"""Language models: token ids in, logits out. One contract, `LanguageModel`, and one file for each family.

`table_model`, `ngrams/` and `grammar_model` look a row up; `neural_ngram`, `gru` and `transformer` (with `config`,
`attention` and `kv_cache`) compute it; `masked_lm` is the contrast. `model_file` stores a model we trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lm_core.models.kv_cache import KVCache
    from lm_core.text.tokenizers import Tokenizer


class LanguageModel(Protocol):
    """Callers rely on these names alone and never ask which family a model belongs to."""

    @property
    def tokenizer(self) -> Tokenizer: ...

    @property
    def vocab_size(self) -> int: ...

    @property
    def context_length(self) -> int | None:
        """Most positions the model can attend to; None if unbounded."""
        ...

    @property
    def end_ids(self) -> frozenset[int]:
        """Tokens after which the model has nothing more to say."""
        ...

    def new_cache(self) -> KVCache | None:
        """An empty cache of the model's shape; None for a model that has nothing to keep."""
        ...

    def logits(self, ids: Sequence[int], cache: KVCache | None = None) -> NDArray[np.floating]:
        """Shape (len(ids), vocab_size): row t scores the token that follows ids[t].

        With a cache, ids are the new tokens only, and the cache then holds them too.
        """
        ...

    def next_logits(
        self, batch: Sequence[Sequence[int]], caches: Sequence[KVCache] | None = None
    ) -> NDArray[np.floating]:
        """Shape (len(batch), vocab_size): the last row of each sequence; lengths may differ."""
        ...
