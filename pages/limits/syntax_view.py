"""What may follow in JSON, Python, SQL or Markdown: the visitor answers first, then sees each model's distribution."""

from __future__ import annotations

import html
from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lm_core import Distribution
from lm_core.labels import label
from lm_core.serving import ServedModel
from lm_core.text.syntax_task import CASES, allowed_mass
from pages.limits import controls
from pages.limits.controls import RECORD, SELF_TEST, SMALL, WHO
from pages.shared import markup, on_demand, tables, url_state
from pages.shared.controls import model_picker, offered_models

_TOP = 5
_PLAUSIBLE = 0.05
_SEEN, _GUESS, _EMPTY = "_limits_seen", "_limits_guess_{}", "_limits_empty"
_QUESTIONS = (
    "Which tokens are plausible next? Name two or three.",
    "Which one is the likeliest?",
    "Say { comes. What does the next prediction depend on then?",
    "Why is more than one beginning possible?",
)


def render(toolbar: DeltaGenerator) -> Callable[[], None]:
    """Asks which place; returns what shows the question, and the answer once there is one."""
    place = str(url_state.value("place"))
    if not url_state.presenting():
        with toolbar:
            place = on_demand.control(
                url_state.key_of("place"), on_demand.select, "Place", (RECORD, *CASES),
                label_visibility="collapsed", width=150,
            )  # fmt: skip
    return lambda: _ask(place)


def _ask(place: str) -> None:
    text = SELF_TEST if place == RECORD else CASES[place].text
    st.code(f"{text} …" if place == RECORD else f"{text}▮", language=None)
    if place == RECORD:
        markup.show("<ol>" + "".join(f"<li>{question}</li>" for question in _QUESTIONS) + "</ol>")
    else:
        st.write("What may come at the mark? Write the first character or two, then compare.")
    seen: dict[str, str] = st.session_state.setdefault(_SEEN, {})
    if place not in seen:
        with st.form(f"_limits_form_{place}", border=False):
            st.text_input("Your answer, before you look", max_chars=200, key=_GUESS.format(place))
            st.form_submit_button("Look", on_click=_look, args=(place,))
            if st.session_state.get(_EMPTY) == place:
                markup.note("Write an answer first: a guess that turns out wrong is remembered best.")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(f"You wrote: {seen[place]}")
        st.button("Try again", on_click=_forget, args=(place,), type="tertiary")
    _reveal(place, text)


def _look(place: str) -> None:
    guess = str(st.session_state[_GUESS.format(place)])
    st.session_state[_EMPTY] = "" if guess.strip() else place
    if guess.strip():
        st.session_state[_SEEN][place] = guess


def _forget(place: str) -> None:
    st.session_state[_SEEN].pop(place, None)


def _reveal(place: str, text: str) -> None:
    models = {offered_models.PRETRAINED: model_picker.pretrained_alone()}
    if place != RECORD:
        models = {kind: controls.small(kind, "syntax") for kind in SMALL} | models
    beliefs = {
        kind: Distribution(model.next_logits([model.tokenizer.encode(text)])[0]) for kind, model in models.items()
    }
    if place == RECORD:
        _answers(models[offered_models.PRETRAINED], beliefs[offered_models.PRETRAINED])
        markup.note(
            "Bigram and small Transformer learned short texts in four syntaxes, letter by letter, and no English. "
            "Choose JSON, Python, SQL or Markdown to ask them too."
        )
    else:
        shares = {k: allowed_mass(beliefs[k], models[k].tokenizer, CASES[place].allowed) for k in models}
        parts = ", ".join(f"{WHO[kind]} <b>{markup.percent(share)}</b>" for kind, share in shares.items())
        markup.show(f'<p class="nte-sum" role="status">Probability on what {place} allows here: {parts}</p>')
        st.write(CASES[place].why)
    for column, kind in zip(st.columns(len(models)), models):
        with column:
            tables.likeliest(beliefs[kind], models[kind].tokenizer, _TOP, WHO[kind])


def _name(model: ServedModel, token_id: int) -> str:
    return label(model.tokenizer.token_bytes(token_id))


def _answers(model: ServedModel, belief: Distribution) -> None:
    """The four questions, answered with the figures of this moment."""
    top = belief.top(20)
    plausible = [row for row in top if row.probability >= _PLAUSIBLE]
    named = ", ".join(f"{_name(model, row.id)} {markup.percent(row.probability)}" for row in plausible)
    first = plausible[0] if plausible else top.rows[0]
    brace = model.tokenizer.encode(" {")
    after = Distribution(model.next_logits([model.tokenizer.encode(f"{SELF_TEST} {{")])[0]).top(1).rows[0]
    share = belief.row(brace[0]).probability
    lines = (
        f"At {_PLAUSIBLE:.0%} or more: {named}.",
        f"{_name(model, first.id)} with {markup.percent(first.probability)}. The brace itself, ·{{, has "
        f"{markup.percent(share)}, rank {belief.rank(brace[0]):,}.",
        f"On the whole text, the brace included: then {_name(model, after.id)} leads with "
        f"{markup.percent(after.probability)}.",
        f"The sentence may go on in words, in code or in quotes. {markup.percent(1 - first.probability)} of the "
        "probability is not on the likeliest token.",
    )
    markup.show("<ol>" + "".join(f"<li>{html.escape(line)}</li>" for line in lines) + "</ol>")
