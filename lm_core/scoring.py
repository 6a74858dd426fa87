"""How probable a model finds a given text: token by token, by the chain rule.

Knows no pages and no sampling: the text is given, nothing is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lm_core.distribution import Distribution, Row
from lm_core.errors import InvalidInput
from lm_core.models import LanguageModel


@dataclass(frozen=True)
class ScoredContinuation:
    """Tokens that follow a context: each as its row of the distribution it was scored by."""

    rows: tuple[Row, ...]

    @property
    def log_probability(self) -> float:
        """ln P(tokens | context), nats: the sum of the rows' log-probabilities."""
        return math.fsum(row.log_probability for row in self.rows)

    @property
    def probability(self) -> float:
        """P(tokens | context): the product of the rows' probabilities."""
        return math.exp(self.log_probability)


def score_continuation(model: LanguageModel, context: Sequence[int], continuation: Sequence[int]) -> ScoredContinuation:
    """Chain rule: P(a b | context) = P(a | context) P(b | context a). Both are token ids, neither may be empty.

    >>> from lm_core import pretrained
    >>> model = pretrained.load()
    >>> paris = model.tokenizer.encode(" Paris")
    >>> scored = score_continuation(model, model.tokenizer.encode("The capital of France is"), paris)
    >>> round(scored.probability, 2), scored.rows[0].rank
    (0.77, 1)
    """
    if not context or not continuation:
        raise InvalidInput("context and continuation", "at least one token each", (len(context), len(continuation)))
    prefixes = [[*context, *continuation[:i]] for i in range(len(continuation))]
    logits = model.next_logits(prefixes)
    return ScoredContinuation(tuple(Distribution(row).row(i) for row, i in zip(logits, continuation)))
