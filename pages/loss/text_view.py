"""A text scored by a model: each token tinted by its loss, the sums, and one token in detail."""

from __future__ import annotations

import html
import math
from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lm_core import Distribution
from lm_core.labels import CharacterPart, character_parts
from lm_core.scoring.chain_rule import TokenScore
from lm_core.serving import limits
from pages.loss import controls, explanations
from pages.shared import markup, on_demand, url_state
from pages.shared.controls import offered_models, provenance
from pages.shared.controls.scored_text import ScoredText, score_text
from pages.shared.pictures import formulas

_SHOWN, _TOP, _MOST_CHARACTERS = 300, 5, 60_000


def render(toolbar: DeltaGenerator) -> Callable[[], None] | None:
    """Asks for text and model; returns what shows the answer, once the link is written."""
    with toolbar:
        kind = offered_models.choose_model(not url_state.presenting(), offered_models.SCORERS)
    offered = offered_models.offered_model(kind)
    name, default = ("text", controls.TEXT) if offered.prompt == "prompt" else ("words", controls.WORDS)
    text = ask(name, default)
    if name == "text" and len(text) <= url_state.LONGEST_TEXT:
        url_state.carry("prompt", text, controls.TEXT)
    if not text.strip():
        markup.note(f"There is no text. Type one, for example: {default}")
        return None
    ids = read(offered, text)
    if len(ids) < 2:
        markup.note("The first token has nothing before it and is not scored. Type at least one more.")
        return None
    return lambda: _show(score_text(offered, ids))


def ask(name: str, default: str) -> str:
    """The text; long ones stay here, out of the link."""
    key, kept = url_state.key_of(name), f"_loss_kept_{name}"
    if url_state.arriving() and not url_state.linked(name):
        st.session_state.pop(kept, None)
    if st.session_state[key] == default and len(st.session_state.get(kept, "")) > url_state.LONGEST_TEXT:
        st.session_state[key] = st.session_state[kept]
    if url_state.presenting():
        return str(st.session_state[key])
    text = str(on_demand.control(key, st.text_area, "Text", height=90, max_chars=_MOST_CHARACTERS))
    st.session_state[kept] = text
    if len(text) > url_state.LONGEST_TEXT:
        markup.note("This text is too long for a link: whoever gets the link sees the example instead.")
    return text


def read(offered: offered_models.OfferedModel, text: str) -> tuple[int, ...]:
    """Ids with what the model reads before any text; of a longer text, as many as are scored."""
    ids = tuple(offered.model.tokenizer.encode(text))
    if len(ids) > limits.SCORED_TOKENS:
        markup.note(f"The first {limits.SCORED_TOKENS:,} of {len(ids):,} tokens are scored; the rest is left out.")
    return (*offered.begin, *ids[: limits.SCORED_TOKENS])


def _show(found: ScoredText) -> None:
    score = found.score
    unsure = f"as unsure as among {markup.figure(score.perplexity)} equally likely tokens"
    if score.log_probability == -math.inf:
        unsure = "because a token was given probability 0, and one such is enough"
    markup.show(
        f'<p class="nte-sum" role="status"><b>{markup.figure(score.perplexity)}</b> perplexity: {unsure}<br>'
        f"mean loss {_unsigned(score.cross_entropy)} nats = {_unsigned(score.bits_per_token)} bits per token, over "
        f"{score.n_tokens:,} tokens; {_unsigned(score.bits_per_byte)} bits per byte, "
        f"which is a perplexity of {markup.figure(score.perplexity_per_byte)} per byte; "
        f"ln P(text) = {markup.nats(score.log_probability)} nats."
        f"{html.escape(provenance.sentence(found.offered.model))}</p>"
    )
    _chips(found)
    if url_state.presenting():
        explanations.bars(found.factors[:_SHOWN], found.label, score.cross_entropy, stage=True)
        return
    explanations.bars(found.factors[:_SHOWN], found.label, score.cross_entropy, stage=False)
    _one(found)
    explanations.table(found.ids, found.factors[:_SHOWN], found.label)
    _worked_out(found)
    explanations.product(found.factors, score)
    explanations.curve([factor.log_probability for factor in found.factors[:_SHOWN]])
    explanations.along(found.factors, found.label)


def _worked_out(found: ScoredText) -> None:
    place = formulas.expander("loss")
    if place is None:
        return
    lines = formulas.of_score(found.score)
    if found.score.n_bytes and math.isfinite(found.score.log_probability):
        numbers = (
            f"{-found.score.log_probability:.4f} / {math.log(2):.4f} / {found.score.n_bytes:,} = "
            f"{found.score.bits_per_byte:.4f}"
        )
        lines.append(formulas.Line("bits per byte", "−ln P / ln 2 / bytes", numbers))
    code = (
        "from lm_core import pretrained\nfrom lm_core.scoring import score\n\n"
        "model = pretrained.load()  # or lm_core.models.model_file.read(...)\n"
        "found = score(model, model.tokenizer.encode(text))\n"
        "print(found.log_probability, found.cross_entropy, found.perplexity)\n"
        "print(found.bits_per_token, found.bits_per_byte)\n"
    )
    with place:
        formulas.render(lines, code)


def _unsigned(value: float) -> str:
    return "∞" if value == math.inf else f"{value:.4f}"


def _chips(found: ScoredText) -> None:
    """The text, each token tinted by its loss; what was not scored is plain."""
    parts = character_parts([found.offered.model.tokenizer.token_bytes(i) for i in found.ids[: _SHOWN + 8]])
    first = f'<span class="nte-chip" title="not scored: nothing stands before it">{_name(found, found.ids[0])}</span>'
    rest = "".join(_chip(found, factor, parts[factor.position]) for factor in found.factors[:_SHOWN])
    more = f" … and {len(found.factors) - _SHOWN:,} more" if len(found.factors) > _SHOWN else ""
    markup.show(f'<p class="nte-tinted">{first}{rest}{more}</p>')


def _chip(found: ScoredText, factor: TokenScore, part: CharacterPart | None) -> str:
    """Fully tinted from 12.5 nats on. Of a character that takes several tokens it says which part this is."""
    loss = -factor.log_probability
    said = f"p = {markup.percent(math.exp(-loss))}, loss {_unsigned(loss)} nats, rank {factor.rank:,}"
    small = f"<small>{html.escape(str(part))}</small>" if part else ""
    tint = f"--loss: {round(8 * min(loss, 12.5))}%"
    return f'<span class="nte-chip" style="{tint}" title="{said}">{_name(found, factor.token)}{small}</span>'


def _name(found: ScoredText, token_id: int) -> str:
    return html.escape(found.label(token_id))


def _one(found: ScoredText) -> None:
    """One token: what the model said against the one-hot target."""
    worst = min(found.factors, key=lambda factor: factor.log_probability)
    asked = int(url_state.value("at"))
    at = asked if 1 <= asked <= len(found.factors) else worst.position - found.factors[0].position + 1
    most = len(found.factors)
    box = f"_loss_at_{most}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        at = int(st.number_input("Look at token", 1, most, at, key=box, on_change=_look, args=(box,), width=150))
        if not asked:
            st.caption("The one with the largest loss, until you choose.")
    factor = found.factors[at - 1]
    context = found.ids[max(0, factor.position - explanations.CONTEXT) : factor.position]
    explanations.target(
        Distribution(found.offered.model.next_logits([list(context)])[0]), factor, context, found.label, _TOP
    )


def _look(key: str) -> None:
    st.session_state[url_state.key_of("at")] = st.session_state[key]
