"""A text under a model, token by token; scored once and kept for the visit."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from lm_core.labels import label
from lm_core.scoring.chain_rule import Factor, factors
from lm_core.scoring.scores import Score
from lm_core.serving.engine_with_fallback import Told
from pages.shared.controls import model_ladder, provenance

_SCORED = "_loss_scored"


@dataclass(frozen=True)
class Scored:
    """A text with the log-probability of each token; `ids` begin with what is read and not scored."""

    rung: model_ladder.Rung
    ids: tuple[int, ...]
    factors: tuple[Factor, ...]
    score: Score

    def label(self, token_id: int) -> str:
        """A token as it is shown."""
        special = self.rung.model.tokenizer.special_ids
        return (
            "<bos>" if token_id in special and token_id == 0 else label(self.rung.model.tokenizer.token_bytes(token_id))
        )


def scored(rung: model_ladder.Rung, ids: tuple[int, ...]) -> Scored:
    """Scores it, with progress where that takes a while; the last texts are kept."""
    kept: dict[object, tuple[Scored, Told]] = st.session_state.setdefault(_SCORED, {})
    key = (rung.name, ids)
    if key in kept:
        with provenance.following(rung.model, kept[key][1]):
            return kept[key][0]
    told = Told()
    with provenance.following(rung.model, told):
        place, made = st.empty(), list[Factor]()
        for window in factors(rung.model, ids):
            made += window
            if len(made) < len(ids) - 1:
                place.progress(len(made) / (len(ids) - 1), f"Scored {len(made):,} of {len(ids) - 1:,} tokens.")
        place.empty()
        rest = rung.model.tokenizer.decode(ids[1:])
        score = Score(tuple(factor.log_probability for factor in made), len(rest.encode()))
    kept[key] = Scored(rung, ids, tuple(made), score), told
    while len(kept) > 4:
        kept.pop(next(iter(kept)))
    return kept[key][0]
