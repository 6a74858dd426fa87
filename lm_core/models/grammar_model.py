"""A grammar as a language model: the true distribution of the corpus generated from it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lm_core.errors import InvalidInput
from lm_core.models.lookup_model import LookupModel
from lm_core.text.grammar import END, Grammar
from lm_core.text.tokenizers import WordTokenizer


class GrammarModel(LookupModel):
    """A `LanguageModel` that gives every next word its true probability; <bos> before the message is allowed.

    >>> coin = Grammar({"MESSAGE": [(1, "heads"), (3, "tails")]})
    >>> words = WordTokenizer(coin.words, special=["<bos>", "<eos>"])
    >>> np.exp(GrammarModel(coin, words).next_logits([[0]]))[0].tolist()
    [0.0, 0.0, 0.25, 0.75]
    """

    def __init__(self, grammar: Grammar, tokenizer: WordTokenizer, bos: int = 0, eos: int = 1) -> None:
        self.grammar = grammar
        self.tokenizer = tokenizer
        self.vocab_size = tokenizer.vocab_size
        self.end_ids = frozenset({eos})
        self._bos = bos
        missing = [word for word in grammar.words if not tokenizer.encodable(word)]
        if missing:
            raise InvalidInput("tokenizer", "one that knows all words of the grammar", f"without {missing[0]!r}")

    def row(self, ids: Sequence[int]) -> NDArray[np.float64]:
        """See LookupModel.row. Raises InvalidInput for a beginning that no message has."""
        words = [self.tokenizer.token_bytes(i).decode() for i in (ids[1:] if list(ids[:1]) == [self._bos] else ids)]
        following = self.grammar.next_words(words)
        if not following:
            raise InvalidInput("context", "the beginning of a message of the grammar", self.tokenizer.decode(ids))
        row = np.zeros(self.vocab_size)
        for word, probability in following.items():
            row[min(self.end_ids) if word == END else self.tokenizer.encode(word)[0]] = probability
        with np.errstate(divide="ignore"):
            return np.log(row)
