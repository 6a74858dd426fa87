"""Samples one continuation for each of many users, and counts equal texts, with the probability of each.

Users whose texts are equal so far share a forward pass. Each user draws from a seed of their own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lm_core.decoding.filters import Context
from lm_core.decoding.strategies import Sample, Strategy
from lm_core.errors import InvalidInput, whole_number
from lm_core.logits import log_softmax
from lm_core.models import LanguageModel

if TYPE_CHECKING:
    from lm_core.models.kv_cache import KVCache

Ids = tuple[int, ...]
MOST_USERS, MOST_TOKENS = 100, 64


@dataclass(frozen=True)
class SampledText:
    """One text, and for how many users it came out."""

    ids: Ids
    users: int
    log_probability: float
    """ln P(text | prompt) as the model gave it, before temperature and filters, nats."""


def sample_texts(
    model: LanguageModel, prompt_ids: Sequence[int], strategy: Strategy, users: int, tokens: int
) -> Iterator[tuple[SampledText, ...]]:
    """After each token, the different texts so far, most frequent first, likelier first among equals.

    User n draws with the seed (strategy's seed, n); a greedy strategy gives all the same. A text that has ended with
    the model's end token stays as it is.

    >>> from lm_core.models.table_model import ORDER_SHIPPED, TableModel
    >>> model = TableModel(ORDER_SHIPPED)
    >>> *_, last = sample_texts(model, model.tokenizer.encode("Order shipped from the"), Strategy(), users=30, tokens=3)
    >>> [(model.tokenizer.decode(answer.ids), answer.users) for answer in last]
    [('warehouse.</s>', 30)]
    """
    whole_number("users", users, 1, MOST_USERS)
    whole_number("tokens", tokens, 1, MOST_TOKENS)
    if not len(prompt_ids):
        raise InvalidInput("prompt_ids", "at least one token id", prompt_ids)
    generators = [_generator(strategy, user) for user in range(users)]
    texts: list[Ids] = [()] * users
    scores: dict[Ids, float] = {(): 0.0}
    caches: dict[Ids, KVCache | None] = {}
    for _ in range(tokens):
        going = sorted({text for text in texts if not text or text[-1] not in model.end_ids})
        if not going:
            return
        rows = _predict(model, prompt_ids, going, caches)
        for user, text in enumerate(texts):
            if text in rows:
                context = Context([*prompt_ids, *text], len(prompt_ids))
                chosen = strategy.decide(rows[text], context, generators[user]).id
                texts[user] = (*text, chosen)
                scores[texts[user]] = scores[text] + float(log_softmax(rows[text])[chosen])
        counts = Counter(texts).items()
        yield tuple(
            SampledText(text, count, scores[text])
            for text, count in sorted(counts, key=lambda c: (-c[1], -scores[c[0]]))
        )


def _generator(strategy: Strategy, user: int):  # type: ignore[no-untyped-def]
    import numpy as np

    if not isinstance(strategy.chooser, Sample):
        return None
    return np.random.Generator(np.random.PCG64([strategy.chooser.seed, user]))


def _predict(
    model: LanguageModel, prompt_ids: Sequence[int], texts: Sequence[Ids], caches: dict[Ids, KVCache | None]
) -> dict[Ids, Sequence[float]]:
    """Logits after each text; each text goes on from a copy of the cache of what it goes on from."""
    held: list[KVCache] = []
    new = []
    for text in texts:
        parent = caches.get(text[:-1]) if text else None
        cache = parent.fork(parent.length) if parent is not None else model.new_cache()
        if cache is not None:
            held.append(cache)
        new.append([*prompt_ids, *text][cache.length if cache is not None else 0 :])
    rows = model.next_logits(new, held) if held else model.next_logits(new)
    caches.clear()
    caches.update(zip(texts, held))
    return dict(zip(texts, rows))
