"""A model that reads some tokens before every text, such as the <bos> it was trained with: nobody need type them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lm_core.errors import InvalidInput

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lm_core.models import LanguageModel
    from lm_core.models.kv_cache import KVCache


class Begun:
    """A `LanguageModel` around one without a cache; its contexts are shorter by what is read first.

    >>> from lm_core.models.ngram import NgramModel
    >>> from lm_core.tokens import WordTokenizer
    >>> words = WordTokenizer(["package", "left"], special=["<bos>", "<eos>"])
    >>> bare = NgramModel.fit([[2, 3]], order=3, tokenizer=words)
    >>> Begun(bare, [0]).next_logits([[2]]).tolist() == bare.next_logits([[0, 2]]).tolist()
    True
    """

    def __init__(self, model: LanguageModel, begin: Sequence[int]) -> None:
        if model.context_length is not None and len(begin) >= model.context_length:
            raise InvalidInput("begin", f"fewer tokens than the context ({model.context_length})", list(begin))
        self._model, self._begin = model, list(begin)
        self.tokenizer, self.vocab_size, self.end_ids = model.tokenizer, model.vocab_size, model.end_ids
        self.context_length = None if model.context_length is None else model.context_length - len(self._begin)

    def new_cache(self) -> KVCache | None:
        """None: each text is read from its beginning."""
        return None

    def logits(self, ids: Sequence[int], cache: KVCache | None = None) -> NDArray[np.floating]:
        """See LanguageModel.logits; no rows for what is read first."""
        return self._model.logits([*self._begin, *ids])[len(self._begin) :]

    def next_logits(
        self, batch: Sequence[Sequence[int]], caches: Sequence[KVCache] | None = None
    ) -> NDArray[np.floating]:
        """See LanguageModel.next_logits."""
        if len(batch) == 0 or not all(batch):
            raise InvalidInput("ids", "at least one token id for each sequence", batch)
        return self._model.next_logits([[*self._begin, *ids] for ids in batch])
