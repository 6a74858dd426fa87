"""The causal mask switched off, or a token changed, and which logits follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lm_core.errors import InvalidInput
from lm_core.models import LanguageModel
from lm_core.models.transformer import Transformer


def without_mask(model: Transformer) -> Transformer:
    """The same weights, every position seeing the whole text: what the causal mask forbids."""
    open_to_all = Transformer(replace(model.config, causal=False), model.tokenizer, model.end_ids)
    open_to_all.load_state_dict(model.state_dict(), assign=True)
    return open_to_all


def effect_of_edit(model: LanguageModel, before: Sequence[int], after: Sequence[int]) -> tuple[float, ...]:
    """For each position, the largest change of any logit when `before` becomes `after`, a text of the same length.

    Exactly 0 before the first change, if the model is causal.
    """
    if len(before) != len(after) or not before:
        raise InvalidInput("after", f"a text of {len(before)} tokens, as before, and at least one", len(after))
    first, second = (np.asarray(model.logits(list(ids)), np.float64) for ids in (before, after))
    return tuple(float(change) for change in np.abs(first - second).max(axis=1))
