"""A text scored by a model token by token; computed once for each visit."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from lm_core.labels import label
from lm_core.scoring.chain_rule import TokenScore, token_scores
from lm_core.scoring.perplexity import Score
from lm_core.serving.engine_with_fallback import Provenance
from pages.shared.controls import offered_models, provenance

_SCORED = "_loss_scored"


@dataclass(frozen=True)
class ScoredText:
    """A text with the log-probability of each token; `ids` begin with what is read and not scored."""

    offered: offered_models.OfferedModel
    ids: tuple[int, ...]
    factors: tuple[TokenScore, ...]
    score: Score

    def label(self, token_id: int) -> str:
        """A token as it is shown."""
        special = self.offered.model.tokenizer.special_ids
        return (
            "<bos>"
            if token_id in special and token_id == 0
            else label(self.offered.model.tokenizer.token_bytes(token_id))
        )


def score_text(offered: offered_models.OfferedModel, ids: tuple[int, ...]) -> ScoredText:
    """Scores it, with progress where that takes a while; the last texts are kept."""
    kept: dict[object, tuple[ScoredText, Provenance]] = st.session_state.setdefault(_SCORED, {})
    key = (offered.name, ids)
    if key in kept:
        with provenance.following(offered.model, kept[key][1]):
            return kept[key][0]
    answered_by = Provenance()
    with provenance.following(offered.model, answered_by):
        place, made = st.empty(), list[TokenScore]()
        for window in token_scores(offered.model, ids):
            made += window
            if len(made) < len(ids) - 1:
                place.progress(len(made) / (len(ids) - 1), f"Scored {len(made):,} of {len(ids) - 1:,} tokens.")
        place.empty()
        rest = offered.model.tokenizer.decode(ids[1:])
        score = Score(tuple(factor.log_probability for factor in made), len(rest.encode()))
    kept[key] = ScoredText(offered, ids, tuple(made), score), answered_by
    while len(kept) > 4:
        kept.pop(next(iter(kept)))
    return kept[key][0]
