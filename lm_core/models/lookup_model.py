"""Base class of models that look a row up: every context on its own, and no cache."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lm_core.errors import InvalidInput
from lm_core.models.kv_cache import KVCache


class LookupModel(ABC):
    """A `LanguageModel` by way of `row`; any length of context is welcome."""

    context_length = None

    @abstractmethod
    def row(self, ids: Sequence[int]) -> NDArray[np.float64]:
        """Logits (vocab_size,) of the token after `ids`: natural logarithms, -inf for the impossible."""

    def new_cache(self) -> None:
        """None: nothing is computed, so nothing is worth keeping."""
        return None

    def logits(self, ids: Sequence[int], cache: KVCache | None = None) -> NDArray[np.float64]:
        """See LanguageModel.logits."""
        return self.next_logits([ids[: i + 1] for i in range(len(ids))])

    def next_logits(
        self, batch: Sequence[Sequence[int]], caches: Sequence[KVCache] | None = None
    ) -> NDArray[np.float64]:
        """See LanguageModel.next_logits. Raises what `row` raises for a context it cannot answer."""
        if not len(batch):
            raise InvalidInput("ids", "at least one sequence", batch)
        return np.stack([self.row(ids) for ids in batch])
