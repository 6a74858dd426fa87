"""Three models on one text: compared by bits per byte, and by perplexity only where the tokens are the same."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lm_core.errors import InvalidInput
from lm_core.scoring.perplexity import Score, require_same_tokens
from pages.loss import controls, text_view
from pages.shared import markup, tables, url_state
from pages.shared.controls import offered_models, scored_text

_KINDS = (offered_models.PRETRAINED, "transformer", "bigram")


def render(_controls: DeltaGenerator) -> Callable[[], None] | None:
    """Asks for a text all of them can read; returns what shows the comparison."""
    text = text_view.ask("words", controls.WORDS)
    words = text.split()
    if len(words) < 2:
        markup.note(f"Type two words or more, for example: {controls.WORDS}")
        return None
    return lambda: _show(" ".join(words), words[0])


def _show(text: str, first: str) -> None:
    found = [(kind, *_score(offered_models.offered_model(kind), text, first)) for kind in _KINDS]
    rows = [
        (
            offered_models.TITLES[kind], f"{score.n_tokens:,}", f"{score.n_bytes:,}", f"{score.cross_entropy:.4f}",
            markup.figure(score.perplexity), tables.strong(f"{score.bits_per_byte:.4f}"),
            markup.figure(score.perplexity_per_byte),
        )
        for kind, score, _ in found
    ]  # fmt: skip
    best = min(found, key=lambda each: each[1].bits_per_byte)
    markup.show(
        f'<p class="nte-sum" role="status"><b>{best[1].bits_per_byte:.3f}</b> bits per byte: '
        f"{offered_models.TITLES[best[0]]} is the least surprised by this text</p>"
    )
    head = ["model", "tokens scored", "bytes", "nats per token", "perplexity", "bits per byte", "perplexity per byte"]
    tables.render(head, rows)
    first_model = found[0][2]
    for kind, _, model in found[1:]:
        try:
            require_same_tokens(first_model.model, model.model)
        except InvalidInput as refused:
            markup.note(
                f"{offered_models.TITLES[found[0][0]]} against {offered_models.TITLES[kind]}: their perplexities do "
                f"not compare. Their tokenizers differ ({refused.value}), so a token is not the same piece of text. "
                "Bits per byte do."
            )
    markup.note(
        "Transformer against Bigram: the same tokenizer, the same tokens scored, the same average, so their "
        "perplexities compare."
    )
    if not url_state.presenting():
        st.write(
            "A perplexity is per token, and a tokenizer that cuts a text into fewer, longer tokens has a higher one at "
            "the same ln P. Bytes are the same for everybody. The first word is context for all three and not scored; "
            "the small models were trained on messages like the example, the pretrained one on text of all kinds."
        )


def _score(offered: offered_models.OfferedModel, text: str, first: str) -> tuple[Score, offered_models.OfferedModel]:
    """From the second word on."""
    ids = text_view.read(offered, text)
    context = (*offered.begin, *offered.model.tokenizer.encode(first))
    if ids[: len(context)] != context:
        raise InvalidInput("text", "one whose first word is a token of its own, with a space behind it", first)
    scored = scored_text.score_text(offered, ids)
    kept = [factor.log_probability for factor in scored.factors if factor.position >= len(context)]
    return Score(tuple(kept), len(text.removeprefix(first).encode())), offered
