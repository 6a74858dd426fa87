"""Lower bounds of the loss: guessing uniformly, knowing how often each token comes, knowing the token before.

Entropies of the text's own counts, over exactly the targets that training scores.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from lm_core.text.corpus import Corpus
from lm_core.training.examples import Examples
from lm_core.training.loss import IGNORED

_READABLE = 200
"""Rows up to which every prefix is looked up: in a longer text nearly each is met once, and the floor says nothing."""


@dataclass(frozen=True)
class Baseline:
    """A loss that some kind of knowledge cannot go below."""

    name: str
    nats: float
    """Per token."""


def baselines(rows: Examples, vocab_size: int, corpus: Corpus, edges: bool = True) -> tuple[Baseline, ...]:
    """The baselines of one text, from guessing down.

    >>> from lm_core.text.corpus import REGIONAL_LOCAL
    >>> from lm_core.training.recipe import ARTICLE
    >>> from lm_core.training.build import examples, texts
    >>> read = texts(ARTICLE, REGIONAL_LOCAL)
    >>> found = baselines(examples(ARTICLE, read.learned), 8, REGIONAL_LOCAL, edges=False)
    >>> [(baseline.name, round(baseline.nats, 4)) for baseline in found]  # doctest: +NORMALIZE_WHITESPACE
    [('guessing, ln 8', 2.0794), ('unigram', 1.3863), ('bigram', 0.3466), ('best possible on these lines', 0.3466)]
    """
    batch = rows.all()
    pairs: list[tuple[int, int]] = []
    whole: list[tuple[Hashable, int]] = []
    few = len(rows) <= _READABLE
    for inputs, targets in zip(batch.inputs.tolist(), batch.targets.tolist()):
        scored = [t for t, target in enumerate(targets) if target != IGNORED]
        pairs += [(inputs[t], targets[t]) for t in scored]
        if few:
            whole += [(tuple(inputs[: t + 1]), targets[t]) for t in scored]
    found = [
        Baseline(f"guessing, ln {vocab_size:,}", math.log(vocab_size)),
        Baseline("unigram", conditional_entropy((None, target) for _, target in pairs)),
        Baseline("bigram", conditional_entropy(pairs)),
    ]
    if corpus.grammar and edges:
        found.append(Baseline("grammar, the true floor", corpus.grammar.cross_entropy))
    elif few:
        found.append(Baseline("best possible on these lines", conditional_entropy(whole)))
    return tuple(found)


def conditional_entropy(seen: Iterable[tuple[Hashable, int]]) -> float:
    """H(token | context) of (context, token) pairs as they were counted, nats per token (Shannon 1948).

    >>> conditional_entropy([("left", 1), ("left", 2), ("the", 3), ("the", 3)]) == math.log(2) / 2
    True
    """
    joint = Counter(seen)
    context: Counter[Hashable] = Counter()
    for (before, _), count in joint.items():
        context[before] += count
    total = context.total()
    return math.fsum(n * (math.log(context[before]) - math.log(n)) for (before, _), n in joint.items()) / total
