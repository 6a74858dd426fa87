"""Thirty users send the same prompt: the texts they get under these settings, and how probable each was."""

import math

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lm_core.generation import many_samples
from lm_core.models import LanguageModel
from pages.shared import callbacks, markup, tables, url_state
from pages.shared.controls import logit_source, model_picker, sampling_settings

USERS, TOKENS = 30, 10
_RESULT = "_many_users"
_TRY = {
    "Support bot": {"prompt": "The support bot answered", "t": "0.2"},
    "Support bot, too hot": {"prompt": "The support bot answered", "t": "1.5"},
    "Creative": {"prompt": "A name for our new parcel robot:", "t": "1.2"},
    "Creative, too cold": {"prompt": "A name for our new parcel robot:", "t": "0"},
}


def expander(model: LanguageModel, source: logit_source.LogitSource, now: sampling_settings.Settings) -> None:
    """Expander: ask, then the different texts with their users and probabilities. Only where a model can go on."""
    if source.answer is None:
        return
    opened = st.expander(f"{USERS} users, one prompt", on_change="rerun", key="_many_users_open")
    if not opened.open:
        return
    asked = (model_picker.name(), source.answer.prompt.ids, now.strategy())
    with opened:
        st.write(
            "A **support bot** wants one right answer for everybody: near T = 0 all get the same. **Creative** work "
            "wants many: T around 1. The two classic mistakes swap the settings: answers that differ by luck, and "
            "thirty times the same idea."
        )
        with st.container(horizontal=True):
            for name, link in _TRY.items():
                st.button(
                    name,
                    on_click=url_state.follow,
                    args=(link, [*link, "from", *sampling_settings.NAMES]),
                    key=f"_try_{name}",
                )
        st.button(
            f"Ask {USERS} times, {TOKENS} tokens each", key="_ask_users", type="primary",
            on_click=callbacks.want, args=("many users",),
        )  # fmt: skip
        place = st.empty()
        if callbacks.wanted("many users"):
            st.session_state[_RESULT] = (asked, _ask(model, source.answer.prompt.ids, now, place))
            callbacks.done("many users")
        kept = st.session_state.get(_RESULT)
        if kept and kept[0] == asked:
            with place.container():
                _show(model, kept[1], now)
        elif kept:
            place.caption("Prompt or settings have changed since; ask again.")


def _ask(
    model: LanguageModel, ids: tuple[int, ...], now: sampling_settings.Settings, place: DeltaGenerator
) -> tuple[many_samples.SampledText, ...]:
    """Runs with progress; another click or a changed setting stops it."""
    answers: tuple[many_samples.SampledText, ...] = ()
    for done, answers in enumerate(many_samples.sample_texts(model, ids, now.strategy(), USERS, TOKENS), start=1):
        place.progress(done / TOKENS, f"Token {done} of {TOKENS}: {len(answers)} different texts so far.")
    return answers


def _show(model: LanguageModel, answers: tuple[many_samples.SampledText, ...], now: sampling_settings.Settings) -> None:
    texts, same = len(answers), answers[0].users
    st.write(
        f"At T = {now.t:g}: **{texts} different text{'s' if texts > 1 else ''}**; "
        f"the most frequent went to {same} user{'s' if same > 1 else ''}."
    )
    rows = [
        (
            tables.value(answer.users), tables.words(_one_line(model.tokenizer.decode(answer.ids))),
            tables.value(_one_in(answer.log_probability), title=f"ln P = {answer.log_probability!r} nats"),
        )
        for answer in answers
    ]  # fmt: skip
    tables.render(["users", "text", "probability as the model said"], rows)


def _one_line(text: str) -> str:
    """Line breaks as a sign, so that a text stays one row."""
    return " ⏎ ".join(text.split("\n"))


def _one_in(log_probability: float) -> str:
    """How probable the model itself finds the text: 12.3 %, or one in so many.

    >>> _one_in(-0.5), _one_in(-20.0)
    ('60.7 %', '1 in 485,000,000')
    """
    if log_probability > -7:
        return markup.percent(math.exp(log_probability))
    odds = math.exp(min(-log_probability, 700))
    return f"1 in {float(f'{odds:.3g}'):,.0f}" if odds < 1e12 else f"1 in {odds:.2g}"
