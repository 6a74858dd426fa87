"""A model written by hand: for a few texts, the probabilities of the next word. Its loop can be followed by eye."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from lm_core.errors import InvalidInput
from lm_core.logits import omitted
from lm_core.models.lookup_model import LookupModel
from lm_core.text.tokenizers import WordTokenizer


class TableModel(LookupModel):
    """Looks the whole context up in a table {text: {next word: probability}}; knows nothing else.

    >>> model = TableModel({"The bot": {"answered": 0.75, "slept": 0.25}}, end="</s>")
    >>> model.next_logits([model.tokenizer.encode("The bot")])[0].round(2).tolist()
    [-inf, -inf, -inf, -0.29, -1.39]
    """

    def __init__(self, table: Mapping[str, Mapping[str, float]], end: str = "</s>") -> None:
        self.end = end
        words = (" ".join((context, *(word for word in row if word != end))) for context, row in table.items())
        self.tokenizer = WordTokenizer.of(words, special=[end])
        self.vocab_size = self.tokenizer.vocab_size
        self.end_ids = frozenset({0})
        self._rows = {tuple(self.tokenizer.encode(context)): self._row(context, row) for context, row in table.items()}

    def _row(self, context: str, row: Mapping[str, float]) -> NDArray[np.float64]:
        if omitted(row.values()) > 1e-9:
            raise InvalidInput("table", f"a row that sums to 1 for {context!r}", dict(row))
        probabilities = np.zeros(self.vocab_size)
        for word, probability in row.items():
            probabilities[0 if word == self.end else self.tokenizer.encode(word)[0]] = probability
        with np.errstate(divide="ignore"):
            return np.log(probabilities)

    def row(self, ids: Sequence[int]) -> NDArray[np.float64]:
        """See LookupModel.row. Raises InvalidInput for a text that the table does not hold."""
        if tuple(ids) not in self._rows:
            known = "; ".join(self.tokenizer.decode(context) for context in self._rows)
            raise InvalidInput("context", f"one of the table's texts ({known})", self.tokenizer.decode(ids))
        return self._rows[tuple(ids)]


ORDER_SHIPPED = {
    "Order shipped from the": {"warehouse": 0.85, "store": 0.10, "hub": 0.05},
    "Order shipped from the warehouse": {".": 0.80, "and": 0.20},
    "Order shipped from the warehouse.": {"</s>": 1.0},
}
"""An illustration, not measured: three contexts, enough for one sentence."""
