"""Log-probability, cross-entropy and perplexity of a given text, by the chain rule.

Natural logarithms (nats) unless a name says otherwise. The first token has no context and is not scored; how many were
scored is always reported.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lm_core.distribution import Distribution, Row
from lm_core.errors import InvalidInput, whole_number
from lm_core.models import LanguageModel
from lm_core.scoring.chain_rule import token_scores


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
    for token_id in continuation:
        whole_number("token id", token_id, 0, model.vocab_size - 1)
    prefixes = [[*context, *continuation[:i]] for i in range(len(continuation))]
    logits = model.next_logits(prefixes)
    return ScoredContinuation(tuple(Distribution(row).row(i) for row, i in zip(logits, continuation)))


@dataclass(frozen=True)
class Score:
    """Log-probabilities of the scored tokens of a text, in order, and the figures made of them.

    >>> four = Score.of_probabilities([0.5, 0.5, 0.5, 0.125])
    >>> round(four.cross_entropy, 4), round(four.perplexity, 4), round(four.bits_per_token, 4)
    (1.0397, 2.8284, 1.5)
    """

    log_probabilities: tuple[float, ...]
    """ln p of each scored token, nats."""
    n_bytes: int | None = None
    """UTF-8 length of the scored text, where there is one."""
    unscored: int = 1
    """Tokens of the text that nothing stood before: the first, and the first of each window where none overlap."""

    def __post_init__(self) -> None:
        if not self.log_probabilities:
            raise InvalidInput("text", "long enough that at least one token is scored", "nothing scored")

    @classmethod
    def of_probabilities(cls, probabilities: Iterable[float]) -> Score:
        """From the probabilities that the true tokens were given."""
        given = tuple(probabilities)
        if any(not 0 <= p <= 1 for p in given):
            raise InvalidInput("probabilities", "numbers from 0 to 1", given)
        return cls(tuple(math.log(p) if p else -math.inf for p in given))

    @property
    def n_tokens(self) -> int:
        """Tokens scored."""
        return len(self.log_probabilities)

    @property
    def log_probability(self) -> float:
        """ln P(text): the sum, nats; -inf if any token was impossible."""
        return sum(self.log_probabilities) if -math.inf in self.log_probabilities else math.fsum(self.log_probabilities)

    @property
    def cross_entropy(self) -> float:
        """Mean of -ln p, nats per token."""
        return -self.log_probability / self.n_tokens

    @property
    def perplexity(self) -> float:
        """exp(cross-entropy), the inverse of the geometric mean of the probabilities; inf if any is 0."""
        return math.exp(self.cross_entropy) if self.cross_entropy < 709 else math.inf

    @property
    def bits_per_token(self) -> float:
        return self.cross_entropy / math.log(2)

    @property
    def bits_per_byte(self) -> float:
        """Comparable between models with different tokenizers, which perplexity is not."""
        if not self.n_bytes:
            raise InvalidInput("n_bytes", "known, to compute bits per byte", self.n_bytes)
        return -self.log_probability / math.log(2) / self.n_bytes

    @property
    def perplexity_per_byte(self) -> float:
        """2 to the power of bits per byte: as unsure as among so many equally likely bytes, at every byte."""
        return math.inf if self.bits_per_byte >= 1024 else 2.0**self.bits_per_byte


def score(model: LanguageModel, ids: Sequence[int], length: int | None = None, stride: int | None = None) -> Score:
    """Scores every token of a text but the first, each exactly once, in windows if the text is long.

    `length` defaults to the model's context (at most 1,024), `stride` to half of it. With a stride equal to the length
    no window overlaps another, and the first token of each stays unscored: see `Score.unscored`.
    Raises InvalidInput for a model whose rows are no distributions: it has no perplexity (`held_out.backoff_score`).
    """
    require_distribution(model)
    length = length or min(len(ids), model.context_length or len(ids), 1024)
    found = [each for window in token_scores(model, ids, length, stride) for each in window]
    positions = {each.position for each in found}
    skipped = [token_id for position, token_id in enumerate(ids) if position and position not in positions]
    left_out = sum(len(model.tokenizer.token_bytes(i)) for i in skipped if i not in model.tokenizer.special_ids)
    scored = tuple(each.log_probability for each in found)
    return Score(scored, _bytes(model, ids[1:]) - left_out, 1 + len(skipped))


def require_distribution(model: LanguageModel) -> None:
    """For whoever reports probabilities. Raises InvalidInput for a model whose rows do not sum to 1."""
    if not getattr(model, "is_distribution", True):
        allowed = "one whose rows sum to 1; stupid backoff gives scores, which have no perplexity"
        raise InvalidInput("model", allowed, type(model).__name__)


def score_sentences(model: LanguageModel, sentences: Iterable[Sequence[int]], bos: int, eos: int) -> Score:
    """Scores many short texts as one: every token and each end, after <bos>. Pooled, not averaged text by text.

    >>> from lm_core.text.corpus import BOS, EOS, SIX_MESSAGES
    >>> from lm_core.models.ngrams.model import NgramModel
    >>> words = SIX_MESSAGES.tokenizer("word")
    >>> six = SIX_MESSAGES.encode(words)
    >>> round(score_sentences(NgramModel.fit(six, order=2, tokenizer=words), six, BOS, EOS).perplexity, 4)
    1.6947
    """
    scores = [score(model, [bos, *sentence, eos]) for sentence in sentences]
    found = tuple(log_probability for each in scores for log_probability in each.log_probabilities)
    return Score(found, sum(each.n_bytes or 0 for each in scores))


def _bytes(model: LanguageModel, ids: Sequence[int]) -> int:
    """UTF-8 length of the text; special tokens stand for none."""
    special = model.tokenizer.special_ids
    return len(model.tokenizer.decode([i for i in ids if i not in special]).encode())


def require_same_tokens(first: LanguageModel, second: LanguageModel) -> None:
    """For whoever compares perplexities: over different tokens they cannot be; bits per byte can."""
    if first.tokenizer is not second.tokenizer and first.vocab_size != second.vocab_size:
        sizes = f"{first.vocab_size} and {second.vocab_size} entries"
        raise InvalidInput("tokenizers", "the same for both perplexities; compare bits per byte instead", sizes)
