"""Four ways an answer goes wrong, why, and a repair for each, measured before and after."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lm_core.decoding.strategies import strategy
from lm_core.generation import loop
from lm_core.serving import ServedModel
from pages.limits.controls import ASK, ORDER, POLICY
from pages.limits.lookup_view import looked_up, question
from pages.limits.policy_view import chances, with_context
from pages.shared import markup, tables, url_state
from pages.shared.controls import model_picker, provenance

_OLD = "Policy of 2023: annual plans can be refunded within 30 days."
_NEW = "Policy of 2026: annual plans can be refunded within 14 days."
_WITHIN = "Annual plans can be refunded within"
_STORY = "\n\nA story about a lighthouse keeper:\n\nOnce upon a time"
_LETTERS = "_limits_stories"
_DRIFT = 96
"""Tokens of the model's own that stand between policy and question."""


@dataclass(frozen=True)
class Repair:
    """One row: what is seen, why, what helps, where it can be tried, and the texts between which it is measured."""

    symptom: str
    cause: str
    fix: str
    ending: str
    before: str
    after: str
    scene: dict[str, str]


REPAIRS = (
    Repair(
        "A plausible answer that is false here", "What was common in training outweighs a fact it never met.",
        "Put the source text into the context.", "refundable", ASK, with_context(POLICY, ASK), {"look": "policy"},
    ),
    Repair(
        "An old rule is repeated", "Its text is from before the rule changed, or the old rule stands in the context.",
        "Ask the current document, and put that alone into the context.", "14 days", with_context(_OLD, _WITHIN),
        with_context(_NEW, _WITHIN), {"look": "policy", "policy": _NEW, "ask": _WITHIN},
    ),
    Repair(
        "A sure claim that nothing supports", "Probability is not evidence: something always comes next.",
        "Look it up, and make the answer cite the line.", "Friday", question(ORDER),
        with_context(looked_up(ORDER), question(ORDER)), {"look": "lookup", "found": "1"},
    ),
)  # fmt: skip


def render(_controls: DeltaGenerator) -> Callable[[], None]:
    """Nothing to ask; the rows are drawn, three at once, the last on demand."""
    return _show


def _show() -> None:
    model, presenting = model_picker.pretrained_alone(), url_state.presenting()
    for number, repair in enumerate(REPAIRS):
        before, after = (chances(model, text, (repair.ending,))[0] for text in (repair.before, repair.after))
        measured = f"p(“{repair.ending}”): {markup.percent(before)} → <b>{markup.percent(after)}</b>"
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            _row(repair.symptom, "" if presenting else repair.cause, repair.fix, measured)
            if not presenting:
                every = url_state.declared()
                st.button("Try it", key=f"_limits_try_{number}", on_click=url_state.follow, args=(repair.scene, every))
    if presenting:
        return
    with st.container(border=True), st.container(horizontal=True, vertical_alignment="center"):
        _row(
            "A long answer drifts", "The context fills with the model’s own words; the rule is far behind.",
            "State the rule again, close to where it is needed.",
        )  # fmt: skip
        st.button("Measure it" if _LETTERS not in st.session_state else "Another story", on_click=_another)
    if letters := st.session_state.get(_LETTERS):
        _drift(model, letters)


def _another() -> None:
    st.session_state[_LETTERS] = st.session_state.get(_LETTERS, 0) + 1


def _row(symptom: str, cause: str, fix: str, measured: str = "") -> None:
    below = f"<br>Measured: {measured}" if measured else ""
    why = f"Cause: {cause}<br>" if cause else ""
    markup.show(f"<p><b>{symptom}.</b><br>{why}Fix: {fix}{below}</p>")


def _drift(model: ServedModel, letters: int) -> None:
    """The same question before and after a text of the model's own, and with the rule stated again."""
    with st.spinner(f"The model writes {_DRIFT} tokens."):
        story = _story(model_picker.pretrained_name(), model, letters)
    filled = f"{POLICY}{_STORY}{story}"
    texts = {
        "policy, then the question": with_context(POLICY, ASK),
        f"policy, {_DRIFT} tokens of a story, then the question": with_context(filled, ASK),
        "the same, with the policy once more before the question": with_context(f"{filled}\n\n{POLICY}", ASK),
    }
    found = {name: chances(model, text, ("refundable",))[0] for name, text in texts.items()}
    rows = [(name, markup.percent(p)) for name, p in found.items()]
    tables.render(["context", "p(“refundable”)"], rows)
    near, far, again = found.values()
    st.write(
        f"With this story the answer {'drifted away' if far < near else 'did not drift away'}; stating the rule again "
        f"{'helped' if again > far else 'did not help'}. One story is no proof: write another."
    )


_stories: provenance.SharedResults[str] = provenance.SharedResults(16)


def _story(name: str, model: ServedModel, seed: int) -> str:
    """What the model writes by itself, drawn from a seed."""

    def write() -> str:
        ids = model.tokenizer.encode(POLICY + _STORY)
        trace = loop.run(model, ids, strategy(seed=seed, temperature=0.9), loop.Limits(_DRIFT))
        return model.tokenizer.decode([i for i in trace.ids if i not in model.end_ids])

    return _stories.get((name, seed), model, write)
