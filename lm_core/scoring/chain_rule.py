"""Token scores of a text: the probability of each token given those before, its rank, and the likeliest token there.

Also the running product of probabilities in float32 and float64, which underflows, beside the sum of logarithms.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lm_core.errors import whole_number
from lm_core.logits import log_softmax
from lm_core.models import LanguageModel

WINDOW = 512
"""Tokens read at once: their logits over 49,152 entries take 100 MB."""


@dataclass(frozen=True)
class TokenScore:
    """P(token | everything before it). `rank` 1 is the model's own favourite, which is `top`. Logarithms in nats."""

    position: int
    token: int
    log_probability: float
    rank: int
    top: int
    top_log_probability: float


def windows(n_tokens: int, length: int, stride: int) -> Iterator[tuple[int, int, int]]:
    """(begin, end, first scored) of windows that score each token but the first exactly once.

    Each window reads at most `length` tokens and moves on by at most `stride`; a small stride gives more context. A
    stride as long as the window lets nothing overlap, as many published perplexities are computed: then the first token
    of every window has nothing before it and stays unscored.

    >>> list(windows(10, length=4, stride=2))
    [(0, 4, 1), (2, 6, 4), (4, 8, 6), (6, 10, 8)]
    >>> list(windows(10, length=4, stride=4))
    [(0, 4, 1), (4, 8, 5), (8, 10, 9)]
    """
    whole_number("length", length, 2)
    whole_number("stride", stride, 1, length)
    if stride == length:
        for begin in range(0, n_tokens - 1, length):
            yield begin, min(n_tokens, begin + length), begin + 1
        return
    scored = 1
    while scored < n_tokens:
        end = min(n_tokens, max(scored + stride, length) if scored > 1 else length)
        yield max(0, end - length), end, scored
        scored = end


def token_scores(
    model: LanguageModel, ids: Sequence[int], length: int = WINDOW, stride: int | None = None
) -> Iterator[tuple[TokenScore, ...]]:
    """Every token but the first, each once; a tuple for each window, so that long texts can show how far they are.

    Raises InvalidInput for a model whose rows are no distributions: it gives scores, not probabilities.

    A window moves on by `stride`, half its length unless given, so that each token sees at least the rest of what came
    before.

    >>> from lm_core.text.corpus import SIX_MESSAGES
    >>> from lm_core.models.ngrams.model import NgramModel
    >>> words = SIX_MESSAGES.tokenizer("word")
    >>> model = NgramModel.fit(SIX_MESSAGES.encode(words), order=2, tokenizer=words)
    >>> window, = token_scores(model, [0, *words.encode("package left hub")])
    >>> [(factor.position, factor.rank, round(np.exp(factor.log_probability), 3).item()) for factor in window]
    [(1, 1, 0.333), (2, 1, 1.0), (3, 2, 0.333)]
    """
    for token_id in ids:
        whole_number("token id", token_id, 0, model.vocab_size - 1)
    if len(ids) < 2:
        return
    length = max(2, min(length, model.context_length or length))
    for begin, end, first in windows(len(ids), length, stride or max(1, length // 2)):
        logits = np.asarray(model.logits(list(ids[begin : end - 1])))  # what follows the last token is not asked
        yield tuple(_factor(logits[i - begin - 1], i, ids[i]) for i in range(first, end))


def _factor(logits: np.ndarray, position: int, token: int) -> TokenScore:
    row = log_softmax(logits)
    top = int(row.argmax())
    rank = 1 + int((row > row[token]).sum()) + int((row[:token] == row[token]).sum())  # ties go by id
    return TokenScore(position, token, float(row[token]), rank, top, float(row[top]))


@dataclass(frozen=True)
class RunningProduct:
    """The product so far, as float32 and float64 hold it, and the sum of logarithms, which loses nothing."""

    product32: float
    product64: float
    log_sum: float


def running_products(log_probabilities: Sequence[float]) -> tuple[RunningProduct, ...]:
    """Multiplies the probabilities one by one, and adds up their logarithms.

    >>> steps = running_products([-50.0] * 20)
    >>> steps[1].product32 > 0, steps[2].product32, steps[14].product64, steps[-1].log_sum
    (True, 0.0, 0.0, -1000.0)
    """
    narrow, wide, total, made = np.float32(1), 1.0, 0.0, []
    with np.errstate(under="ignore"):
        for log_probability in log_probabilities:
            narrow = np.float32(narrow * np.float32(np.exp(log_probability)))
            wide *= float(np.exp(log_probability))
            total += log_probability
            made.append(RunningProduct(float(narrow), wide, total))
    return tuple(made)


def tokens_until_underflow(cross_entropy: float) -> tuple[float, float]:
    """After how many tokens of this mean loss (nats) a product is 0 in float32, and in float64.

    The least positive numbers are 2**-149 and 2**-1074; half of that rounds to 0. Infinite for a loss of 0.

    >>> [round(tokens) for tokens in tokens_until_underflow(2.0)]
    [52, 373]
    """
    narrow, wide = (bits * math.log(2) for bits in (150, 1075))
    return (math.inf, math.inf) if cross_entropy <= 0 else (narrow / cross_entropy, wide / cross_entropy)
