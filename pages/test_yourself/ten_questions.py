"""The test: ten questions one by one, each explained once it is answered, and a result to hand in.

Answers stay on the server until they are given: the browser is sent what can be seen of a question, and no more.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass, field

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lm_core.errors import LmCoreError
from lm_core.models import LanguageModel
from lm_core.scoring import quiz
from lm_core.scoring.quiz import Kind, Question, Shown
from lm_core.serving import ServedModel
from lm_core.serving.engine_with_fallback import Provenance
from pages.shared import guided_tour, markup, on_demand, page_declarations, url_state
from pages.shared.controls import model_picker, offered_models, provenance
from pages.shared.pictures import export
from pages.test_yourself import computed_questions
from pages.test_yourself.choice_questions import Choice, choices

_TESTS, _LAST_SEED = "_quiz_tests", 2**32 - 1


@dataclass
class QuizAttempt:
    """The ten of a seed, and what was answered."""

    seed: int
    questions: list[Question]
    model: str
    """Whom some of them were asked."""
    answered_by: Provenance
    given: dict[int, object] = field(default_factory=dict)
    at: int = 0
    problem: str = ""
    """What was wrong with the last answer, which was not taken."""

    @property
    def right(self) -> int:
        """Right answers so far."""
        return sum(self.questions[n].accepts(answer) for n, answer in self.given.items())

    @property
    def done(self) -> bool:
        """Whether all are answered."""
        return len(self.given) == len(self.questions)


def declare() -> None:
    """The parameters of both views."""
    url_state.choice("who", ("me", "room"), "me")


def seed(toolbar: DeltaGenerator, hint: str) -> int:
    """The number that decides what is drawn; it goes along to other pages."""
    key = url_state.key_of("seed")
    if not url_state.presenting():
        with toolbar:
            on_demand.control(key, st.number_input, "Seed", 0, _LAST_SEED, help=hint, width=130)
    value = int(st.session_state[key])
    url_state.carry("seed", value, 0)
    return value


def bank(
    pretrained: Callable[[], LanguageModel], small: Callable[[str], LanguageModel]
) -> dict[Kind, list[Callable[..., Question]]]:
    """All questions by kind, each to be made with the chance of a test; some ask the models they are given."""
    return {
        "choose": [_chosen(key, choice) for key, choice in choices().items()],
        "number": list(computed_questions.NUMBERS),
        "order": list(computed_questions.ORDERS),
        "bar": list(computed_questions.bars(pretrained, small)),
    }


def questions(seed: int, every: dict[Kind, list[Callable[..., Question]]]) -> list[Question]:
    """The ten of a seed. Raises ModelUnavailable, because some ask a model."""
    draw = quiz.generator(seed)
    return [make(draw) for make in quiz.choose(every, draw)]


def _small(kind: str) -> LanguageModel:
    from lm_core.models.prefixed_model import PrefixedModel

    return PrefixedModel(offered_models.offered_model(kind).model, [0])


def _chosen(key: str, choice: Choice) -> Callable[..., Question]:
    def make(draw: computed_questions.Draw) -> Question:
        options = quiz.shuffled(choice.options, draw)
        shown = Shown("choose", choice.text, options)
        return Question(key, shown, options.index(choice.options[0]), choice.because, choice.page)

    return make


def render(toolbar: DeltaGenerator) -> Callable[[], None]:
    """Asks for the seed; returns what shows the question that is open."""
    number = seed(
        toolbar, "The same seed gives everybody the same ten questions; what you answered under a seed stays."
    )
    return lambda: _show(_sitting(number))


def _sitting(number: int) -> QuizAttempt:
    tests: dict[int, QuizAttempt] = st.session_state.setdefault(_TESTS, {})
    if number not in tests:
        answered_by = Provenance()

        def pretrained() -> ServedModel:
            model = model_picker.pretrained_alone()
            provenance.follow(model, answered_by)
            return model

        asked = questions(number, bank(pretrained, _small))
        tests[number] = QuizAttempt(number, asked, model_picker.pretrained_name(), answered_by)
        while len(tests) > 8:
            tests.pop(next(iter(tests)))
    elif tests[number].model == model_picker.pretrained_name():
        provenance.follow(model_picker.engine(), tests[number].answered_by)
    return tests[number]


def _show(test: QuizAttempt) -> None:
    _progress(test)
    if test.done and test.at == len(test.questions):
        _result(test)
        return
    question = test.questions[test.at]
    markup.show(f'<p class="nte-asked">{html.escape(question.shown.text)}</p>')
    if test.at in test.given:
        _explain(test, question)
    else:
        _ask(test, question)


def _progress(test: QuizAttempt) -> None:
    """One sign a question, and where one stands."""
    signs = []
    for n, question in enumerate(test.questions):
        known = n in test.given
        sign = ("✓" if question.accepts(test.given[n]) else "✗") if known else "·"
        signs.append(f'<span class="nte-mark{" nte-here" if n == test.at else ""}">{sign}</span>')
    where = f"Question {test.at + 1} of {len(test.questions)}" if test.at < len(test.questions) else "Result"
    markup.show(
        f'<p class="nte-marks" role="status">{"".join(signs)} <b>{where}</b>, <b>{test.right} right so far</b></p>'
    )


def _ask(test: QuizAttempt, question: Question) -> None:
    """The form of a question; its kind decides the control."""
    shown, key = question.shown, f"quiz_{test.seed}_{test.at}"
    with st.form(f"_{key}_form", border=False):
        if shown.kind == "choose":
            st.radio(
                "Your answer", range(len(shown.options)), index=None, key=key, format_func=shown.options.__getitem__,
                label_visibility="collapsed",
            )  # fmt: skip
        elif shown.kind == "order":
            st.caption("Choose them one after the other, the first one first.")
            st.multiselect("Your order", shown.options, key=key, placeholder="Choose all, in order", select_all=False)
        elif shown.kind == "bar":
            st.slider("Your bar, in %", 0, 100, 50, key=key)
        else:
            st.text_input(f"Your number{f', in {shown.unit}' if shown.unit else ''}", key=key, max_chars=40)
        st.form_submit_button("Answer", type="primary", on_click=_answer, args=(test, key))
    if test.problem:
        markup.note(test.problem)


def _answer(test: QuizAttempt, key: str) -> None:
    """Takes what stands in the form of the question that is open, or says what is wrong with it."""
    question, given = test.questions[test.at], st.session_state[key]
    test.problem = _missing(question, given)
    if test.problem:
        return
    try:
        kind = question.shown.kind
        value = quiz.read_number(str(given)) if kind == "number" else given / 100 if kind == "bar" else given
        question.accepts(value)  # says what is wrong with it
        test.given[test.at] = value
    except LmCoreError as error:
        test.problem = str(error)


def _missing(question: Question, given: object) -> str:
    """What an answer still lacks to be one; empty if nothing."""
    shown = question.shown
    if given is None:
        return "Choose one of the answers first."
    if given == "":
        return "Write a number first."
    if isinstance(given, list) and len(given) < len(shown.options):
        return f"Choose all {len(shown.options)} entries first, in order."
    return ""


def _explain(test: QuizAttempt, question: Question) -> None:
    """Right or wrong, why, and where to see it."""
    right = question.accepts(test.given[test.at])
    markup.show(
        f'<p class="nte-sum" role="status"><b>{"Right" if right else "Not quite"}</b></p>'
        f"<p>You answered: {html.escape(_said(question, test.given[test.at]))}<br>"
        f"{'' if right else f'Right is: {html.escape(_said(question, question.answer))}<br>'}"
        f"{html.escape(question.because)}</p>"
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Next question" if test.at + 1 < len(test.questions) else "Result", on_click=_next, args=(test,),
                  type="primary")  # fmt: skip
        page_declarations.show_link(question.page, f"See it: {page_declarations.target(question.page)[0].title}")


def _next(test: QuizAttempt) -> None:
    test.at = min(len(test.questions), test.at + 1)


def _said(question: Question, answer: object) -> str:
    """An answer in words."""
    shown = question.shown
    if shown.kind == "choose":
        return shown.options[int(str(answer))]
    if shown.kind == "order":
        return " → ".join(answer)  # type: ignore[arg-type]
    if shown.kind == "bar":
        return markup.percent(float(str(answer)))
    return f"{float(str(answer)):.6g} {shown.unit}".strip()


def _result(test: QuizAttempt) -> None:
    passed = quiz.passed(test.right, len(test.questions))
    if passed:
        guided_tour.complete()
    needed = "The lesson is complete." if passed else "8 of 10 complete the lesson: read on, and try ten others."
    markup.show(f'<p class="nte-sum" role="status"><b>{test.right} of {len(test.questions)}</b> right. {needed}</p>')
    name = st.text_input("Your name, for the sheet you hand in (stays on this page)", max_chars=80, key="_quiz_name")
    sheet = hand_in(test, name)
    st.code(sheet, language=None)
    with st.container(horizontal=True):
        export.download("Download", sheet.encode(), f"next-token-test-{test.seed}.txt", "text/plain")
        st.button("The same ten again", on_click=_again, args=(test.seed,))
        st.button("Ten others", on_click=url_state.follow, args=({"seed": str(test.seed + 1)}, ("seed",)))
    missed = [question for n, question in enumerate(test.questions) if not question.accepts(test.given[n])]
    if missed:
        st.write("Worth another look:")
        for question in missed:
            page_declarations.show_link(question.page, question.shown.text)


def _again(number: int) -> None:
    st.session_state[_TESTS].pop(number, None)
    for key in [key for key in st.session_state if str(key).startswith(f"quiz_{number}_")]:
        del st.session_state[key]


def hand_in(test: QuizAttempt, name: str) -> str:
    """The result as text: seed, score, and each question with what was answered."""
    passed = quiz.passed(test.right, len(test.questions))
    lines = [
        f"Next-Token Explorer, test yourself, seed {test.seed}{f', {name}' if name else ''}",
        f"{test.right} of {len(test.questions)} right: {'complete' if passed else 'not complete'} (8 of 10 needed)",
    ]
    for n, question in enumerate(test.questions):
        verdict = "right" if question.accepts(test.given[n]) else "wrong"
        lines.append(f"{n + 1:2}. {verdict}: {question.shown.text}")
        lines.append(f"    answered: {_said(question, test.given[n])}")
    return "\n".join(lines) + "\n"
