"""Beam search: keeps the `width` likeliest partial texts at each step.

Lowerre 1976; for language models Graves 2012. Ranks by joint log-probability without length normalisation, so that
results compare with `scoring`. Finds at least what greedy decoding finds, not always the best there is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lm_core.errors import whole_number
from lm_core.generation.loop import Limits, check_room, finish_reason
from lm_core.generation.trace import FinishReason
from lm_core.logits import log_softmax
from lm_core.models import LanguageModel

MAX_WIDTH = 64


@dataclass(frozen=True)
class Hypothesis:
    """One continuation of the prompt, its end token included."""

    ids: tuple[int, ...]
    log_probability: float
    """ln P(ids | prompt), nats."""
    finish: FinishReason | None
    """Why it ended; None while it may go on."""


def beam_search(
    model: LanguageModel, prompt_ids: Sequence[int], width: int, limits: Limits | None = None
) -> tuple[Hypothesis, ...]:
    """The best continuations found, likeliest first, at most `width`. Width 1 is greedy decoding.

    >>> from lm_core.models.table_model import ORDER_SHIPPED, TableModel
    >>> model = TableModel(ORDER_SHIPPED)
    >>> best = beam_search(model, model.tokenizer.encode("Order shipped from the"), width=1)[0]
    >>> model.tokenizer.decode(best.ids), round(best.log_probability, 4), str(best.finish)
    ('warehouse.</s>', -0.3857, 'end token')
    """
    limits = limits or Limits()
    whole_number("width", width, 1, MAX_WIDTH)
    check_room(model, prompt_ids, limits)
    live = [Hypothesis((), 0.0, None)]
    caches = [model.new_cache()]
    ended: list[Hypothesis] = []
    while live:
        new = [[*prompt_ids, *each.ids][cache.length if cache else 0 :] for each, cache in zip(live, caches)]
        held = [cache for cache in caches if cache is not None]
        rows = model.next_logits(new, held) if held else model.next_logits(new)
        joint = np.stack([each.log_probability + log_softmax(row) for each, row in zip(live, rows)])
        grown: list[tuple[int, Hypothesis]] = []
        for parent, token, total in _best(joint, 2 * width):  # twice the width: some of them may end here
            ids = (*live[parent].ids, token)
            hypothesis = Hypothesis(ids, total, finish_reason(model, len(prompt_ids), ids, limits))
            if hypothesis.finish:
                ended.append(hypothesis)
            elif len(grown) < width:
                grown.append((parent, hypothesis))
        ended = sorted(ended, key=lambda each: -each.log_probability)[:width]
        if len(ended) == width:  # a beginning that is less likely than all of them can only fall further
            grown = [(parent, each) for parent, each in grown if each.log_probability > ended[-1].log_probability]
        parents = [caches[parent] for parent, _ in grown]
        caches = [cache.fork(cache.length) if cache is not None else None for cache in parents]
        live = [each for _, each in grown]
    return tuple(ended)


def _best(joint: NDArray[np.float64], n: int) -> list[tuple[int, int, float]]:
    """(row, column, value) of the n largest entries above -inf, largest first, the first row and id among equals."""
    flat = joint.ravel()
    n = min(n, len(flat))
    candidates = np.flatnonzero(flat >= np.partition(flat, -n)[-n])
    order = candidates[np.argsort(-flat[candidates], kind="stable")][:n]
    columns = joint.shape[1]
    return [(int(at) // columns, int(at) % columns, float(flat[at])) for at in order if flat[at] > -np.inf]
