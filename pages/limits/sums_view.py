"""Held-out subtractions: how many answers are right, how many follow the shortcut, and one of them in full."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lm_core.errors import InvalidInput
from lm_core.scoring.candidates import CandidateScores, Tally, ask_question
from lm_core.text.arithmetic_task import ANSWERS, HELD_OUT, HIGHEST, WORDINGS, Sum, cases, split_pairs
from pages.limits import controls
from pages.limits.controls import FEW, WHO
from pages.shared import markup, on_demand, tables, url_state
from pages.shared.controls import model_picker, offered_models, provenance

_WORDINGS = ("Items", "Parcels", "Letters")


def render(toolbar: DeltaGenerator) -> Callable[[], None]:
    """Asks which wording and how many; returns what measures."""
    wording, many = url_state.value("wording"), url_state.value("cases")
    if not url_state.presenting():
        with toolbar:
            wording = on_demand.control(
                url_state.key_of("wording"), on_demand.select, "Wording", range(len(WORDINGS)),
                format_func=_WORDINGS.__getitem__, label_visibility="collapsed", width=130,
            )  # fmt: skip
            many = on_demand.control(
                url_state.key_of("cases"), st.segmented_control, "Sums", (FEW, "all"), starts="default", required=True,
                format_func=lambda n: f"{n} sums", label_visibility="collapsed",
            )  # fmt: skip
    every = cases(int(str(wording)))
    asked = every if many == "all" else every[:: max(1, len(every) // FEW)][:FEW]
    one = _one(int(str(wording)))
    return lambda: _show(asked, one)


def _one(wording: int) -> Sum:
    """The sum looked at by itself. Raises InvalidInput for one with less than nothing left."""
    total, taken = (int(url_state.value(name)) for name in ("total", "taken"))
    if not url_state.presenting():
        with st.container(horizontal=True, vertical_alignment="bottom"):
            total = int(on_demand.control(
                url_state.key_of("total"), st.number_input, "One sum: in all", 1, HIGHEST, width=150
            ))  # fmt: skip
            taken = int(on_demand.control(
                url_state.key_of("taken"), st.number_input, "taken away", 0, HIGHEST, width=150
            ))  # fmt: skip
    if taken > total:
        raise InvalidInput("taken away", f"at most the {total} there are", taken)
    return Sum(total, taken, wording)


def _model(kind: str):  # type: ignore[no-untyped-def]
    return model_picker.pretrained_alone() if kind == offered_models.PRETRAINED else controls.small(kind, "sums")


_answers: provenance.SharedResults[CandidateScores] = provenance.SharedResults(2_000)


def answer(kind: str, case: Sum) -> CandidateScores:
    """What one of the three makes of a sum; measured once in a process, because it never changes."""
    model = _model(kind)

    def measure() -> CandidateScores:
        candidates = [tuple(model.tokenizer.encode(text)) for text in ANSWERS]
        return ask_question(model, model.tokenizer.encode(case.prompt), candidates, case.right, case.shortcut)

    return _answers.get((kind, model_picker.pretrained_name(), case), model, measure)


def measured(asked: tuple[Sum, ...]) -> dict[str, list[CandidateScores]]:
    """Every answer of every model, with progress."""
    place, n = st.empty(), 0
    made: dict[str, list[CandidateScores]] = {kind: [] for kind in WHO}
    for kind in WHO:
        for case in asked:
            made[kind].append(answer(kind, case))
            n += 1
            place.progress(n / len(asked) / len(WHO), f"Asking {WHO[kind]}: sum {len(made[kind])} of {len(asked)}.")
    place.empty()
    return made


def conclusions(tallies: dict[str, Tally]) -> Iterator[str]:
    """One sentence a model, as its figures say.

    >>> said = Tally(n=12, right=1, tempting=5, prefers_right=3, commonest=4, best_constant=2, mean_right=0.1)
    >>> print(*conclusions({"Pretrained": said}))
    Pretrained does no better than a shortcut: 1 of 12 right, 5 by counting on; one answer to all would get 2.
    """
    for name, t in tallies.items():
        if t.beats_shortcuts:
            yield (
                f"{name} does better than a shortcut: {t.right} of {t.n} right, {t.tempting} by counting on; one "
                f"answer to all would get {t.best_constant}. It is still wrong in {t.n - t.right}."
            )
        else:
            yield (
                f"{name} does no better than a shortcut: {t.right} of {t.n} right, {t.tempting} by counting on; one "
                f"answer to all would get {t.best_constant}."
            )


def _show(asked: tuple[Sum, ...], one: Sum) -> None:
    _single(one)
    made = measured(asked)
    tallies = {WHO[kind]: Tally.of(answers) for kind, answers in made.items()}
    rows = [["Counting on: “2, 3”", 0, len(asked), 0, "0 %"]]
    rows += [
        [name, tables.strong(t.right), t.tempting, t.prefers_right, markup.percent(t.mean_right)]
        for name, t in tallies.items()
    ]
    head = ["", "right", "counts on", "p(right) is larger", "mean p(right)"]
    tables.render(head, rows, f"{len(asked)} sums that none of them was shown")
    if url_state.presenting():
        return
    st.caption(
        "Counts on: gives the number after the last one it read, as in “2, 3”. P(right) is larger: the right answer is "
        "likelier than that one. One answer to all: the most that always saying the same number would get right."
    )
    for sentence in conclusions(tallies):
        markup.note(sentence)
    _table(asked, made)
    _about()


def _single(one: Sum) -> None:
    """One sum, the likeliest answers of each model."""
    answers = {kind: answer(kind, one) for kind in WHO}
    given = ", ".join(f"{WHO[kind]} <b>{a.given}</b>" for kind, a in answers.items())
    markup.show(
        f'<p class="nte-asked">{one.prompt} …</p><p class="nte-sum" role="status"><b>{one.total} − {one.taken} = '
        f"{one.right}</b> &ensp;The likeliest answer: {given}.</p>"
    )
    if url_state.presenting():
        return
    shown = sorted({one.right, one.shortcut, *(place for a in answers.values() for place in _best(a))})
    rows = []
    for number in shown:
        mark = {one.right: ", right", one.shortcut: ", counting on"}.get(number, "")
        mark = ", right and counting on" if number == one.right == one.shortcut else mark
        rows.append([f"{number}{mark}", *(cell for kind in WHO for cell in _cells(answers[kind], number))])
    rows.append(["no such answer", *(cell for a in answers.values() for cell in _share(a.rest))])
    tables.render(["answer", *((name, 2) for name in WHO.values())], rows, chosen=[shown.index(one.right)])
    known = (one.total, one.taken) in split_pairs()[0]
    st.caption(f"The small models {'learned this very sum' if known else 'were never shown this sum'}.")


def _best(answer: CandidateScores) -> list[int]:
    return sorted(range(len(answer.log_probabilities)), key=lambda n: -answer.log_probabilities[n])[:2]


def _cells(answer: CandidateScores, number: int) -> list[tables.Cell]:
    return _share(math.exp(answer.log_probabilities[number]))


def _share(probability: float) -> list[tables.Cell]:
    return [tables.value(markup.percent(probability)), tables.bar(probability, narrow=True)]


@on_demand.expander("Every sum", key="_limits_sums")
def _table(asked: tuple[Sum, ...], made: dict[str, list[CandidateScores]]) -> None:
    rows = []
    for n, case in enumerate(asked):
        said = (made[kind][n] for kind in WHO)
        cells = [
            tables.two_lines(
                f"{a.given}{' ✓' if a.given == a.right else ''}", markup.percent(math.exp(a.log_probabilities[a.right]))
            )
            for a in said
        ]
        rows.append([f"{case.total} − {case.taken}", case.right, case.shortcut, *cells])
    st.caption("What each model says, and below it the probability it gives the right answer.")
    tables.render(["sum", "right", "counting on", *WHO.values()], rows)


@on_demand.expander("How this is measured, and the code", key="_limits_how")
def _about() -> None:
    st.write(
        f"All sums with up to {HIGHEST} things, told in three wordings, were generated here. A fifth of the pairs "
        f"of numbers ({HELD_OUT:.0%}) was held out; bigram and small Transformer learned the others. Asked are "
        "held-out sums in which right answer and shortcut differ. Each answer from 0 to 20 is scored as a whole "
        "string to its full stop, by the chain rule: “1” also begins “12”. The likeliest counts as given. “No such "
        "answer” is everything else a model might write. The pretrained model’s tokens are digits, the small "
        "models’ are words."
    )
    st.code(
        "from lm_core import pretrained\nfrom lm_core.scoring import candidates\n"
        "from lm_core.text import arithmetic_task\n\n"
        "model = pretrained.load()\nencode = model.tokenizer.encode\n"
        "answers = [tuple(encode(text)) for text in arithmetic_task.ANSWERS]\nsaid = [\n"
        "    candidates.ask_question(model, encode(case.prompt), answers, case.right, case.shortcut)\n"
        "    for case in arithmetic_task.cases(wording=0)\n]\nprint(candidates.Tally.of(said))\n",
        language="python",
    )
