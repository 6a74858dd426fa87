"""A model that reads some tokens before every text, such as the <bos> it was trained with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from lm_core.errors import InvalidInput

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lm_core.models import LanguageModel
    from lm_core.models.kv_cache import KVCache


class PrefixedModel:
    """A `LanguageModel` around another; its contexts are shorter by what is read first, and its caches hide that.

    >>> from lm_core.models.ngrams.model import NgramModel
    >>> from lm_core.text.tokenizers import WordTokenizer
    >>> words = WordTokenizer(["package", "left"], special=["<bos>", "<eos>"])
    >>> bare = NgramModel.fit([[2, 3]], order=3, tokenizer=words)
    >>> PrefixedModel(bare, [0]).next_logits([[2]]).tolist() == bare.next_logits([[0, 2]]).tolist()
    True
    """

    def __init__(self, model: LanguageModel, begin: Sequence[int]) -> None:
        if model.context_length is not None and len(begin) >= model.context_length:
            raise InvalidInput("begin", f"fewer tokens than the context ({model.context_length})", list(begin))
        self._model, self._begin = model, list(begin)
        self.tokenizer, self.vocab_size, self.end_ids = model.tokenizer, model.vocab_size, model.end_ids
        self.new_cache = model.new_cache
        self.config: Any = getattr(model, "config", None)
        self.context_length = None if model.context_length is None else model.context_length - len(self._begin)

    def logits(self, ids: Sequence[int], cache: KVCache | None = None) -> NDArray[np.floating]:
        """See LanguageModel.logits; no rows for what is read first."""
        first = self._first(cache)
        rows = self._model.logits([*first, *ids], cache)
        self._hide([cache])
        return rows[len(first) :]

    def next_logits(
        self, batch: Sequence[Sequence[int]], caches: Sequence[KVCache] | None = None
    ) -> NDArray[np.floating]:
        """See LanguageModel.next_logits."""
        if len(batch) == 0 or not all(batch):
            raise InvalidInput("ids", "at least one token id for each sequence", batch)
        each: Sequence[KVCache | None] = caches if caches is not None else [None] * len(batch)
        rows = self._model.next_logits([[*self._first(cache), *ids] for ids, cache in zip(batch, each)], caches)
        self._hide(each)
        return rows

    def _first(self, cache: KVCache | None) -> list[int]:
        """What is read before the new tokens: nothing where the cache holds it already."""
        return [] if cache is not None and cache.positions else self._begin

    def _hide(self, caches: Iterable[KVCache | None]) -> None:
        for cache in caches:
            if cache is not None:
                cache.hide(len(self._begin))
