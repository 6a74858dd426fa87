"""The test's rules, and every question there is: answerable, explained, and right by another way of computing it."""

import itertools
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lm_core import Transformer
from lm_core.errors import InvalidInput
from lm_core.models import LanguageModel, model_file
from lm_core.models.prefixed_model import PrefixedModel
from lm_core.scoring import quiz
from lm_core.scoring.quiz import Question, Shown
from pages.shared import page_declarations
from pages.test_yourself import ten_questions
from tests.reliability import cases

ROOT = Path(__file__).resolve().parents[3]
Bank = dict[quiz.Kind, list[Callable[..., Question]]]


@pytest.fixture(scope="module")
def bank(model: Transformer) -> Bank:
    def small(kind: str) -> LanguageModel:
        return PrefixedModel(model_file.read(ROOT / "assets" / "models" / f"{kind}.safetensors")[0], [0])

    return ten_questions.bank(lambda: model, small)


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def every(bank: Bank, seed: int) -> list[Question]:
    return [make(quiz.generator(seed)) for makes in bank.values() for make in makes]


def test_there_are_enough_of_four_kinds(bank: Bank) -> None:
    assert sum(map(len, bank.values())) >= 40
    assert set(bank) == {"choose", "number", "order", "bar"}
    assert sum(quiz.MIX.values()) == quiz.QUESTIONS == 10


@pytest.mark.parametrize("seed", range(5))
def test_each_accepts_its_answer_and_no_other(bank: Bank, seed: int) -> None:
    for question in every(bank, seed):
        shown = question.shown
        assert question.accepts(question.answer), question.key
        if shown.kind == "choose":
            wrong: list[object] = [n for n in range(len(shown.options)) if n != question.answer]
        elif shown.kind == "order":
            wrong = [list(reversed(question.answer))]  # type: ignore[arg-type]
        else:
            assert isinstance(question.answer, int | float)
            wrong = [question.answer * 1.3 + 0.2, -1.0]
        assert not any(question.accepts(each) for each in wrong), question.key
        assert question.because
        page_declarations.target(question.page)


@pytest.mark.parametrize("seed", range(5))
def test_what_is_shown_does_not_say_the_answer(bank: Bank, seed: int) -> None:
    for question in every(bank, seed):
        said = question.shown.text + " ".join(question.shown.options)
        assert question.because not in said
        if question.shown.kind == "order":
            assert question.shown.options != question.answer


def test_numbers_by_another_way(bank: Bank) -> None:
    """The same figures from numpy, from the numbers that stand in the question."""
    import re

    made = {q.key: q for q in every(bank, 3)}

    def numbers(key: str) -> list[float]:
        return [float(n.replace(",", "")) for n in re.findall(r"\d[\d,]*\.?\d*", made[key].shown.text)]

    gap = numbers("softmax")[0]
    assert made["softmax"].answer == pytest.approx(100 / (1 + np.exp(-gap)))
    p = np.array(numbers("perplexity")[:4])
    assert made["perplexity"].answer == pytest.approx(1 / np.prod(p) ** 0.25)
    a, b, c = numbers("row")[:3]
    assert made["row"].answer == pytest.approx(100 * a / (a + b + c))
    layers, heads, width, each, batch, tokens = numbers("cache")[:6]
    assert made["cache"].answer == pytest.approx(2 * batch * layers * tokens * heads * width * each / 2**30)
    prompt, new = numbers("read-with")[:2]
    assert made["read-with"].answer == sum([prompt] + [1] * int(new - 1))
    order = made["by-perplexity"]
    assert isinstance(order.answer, tuple)
    found = [1 / math.prod(map(float, each.split(", "))) ** (1 / 3) for each in order.answer]
    assert found == sorted(found)


def test_a_seed_gives_the_same_ten_and_seeds_differ(bank: Bank) -> None:
    first, again, other = (ten_questions.questions(seed, bank) for seed in (7, 7, 8))
    assert first == again
    assert [q.key for q in first] != [q.key for q in other]
    for seed in range(cases(8, 30)):
        keys = [question.key for question in ten_questions.questions(seed, bank)]
        assert len(set(keys)) == 10


def test_over_seeds_every_question_comes(bank: Bank) -> None:
    wanted = {question.key for question in every(bank, 0)}
    seen: set[str] = set()
    for seed in itertools.count():
        seen |= {question.key for question in ten_questions.questions(seed, bank)}
        if seen == wanted:
            break
        assert seed < 200, wanted - seen


def test_what_is_no_answer_is_refused() -> None:
    choose = Question("c", Shown("choose", "?", ("a", "b")), 1, "b.")
    order = Question("o", Shown("order", "?", ("b", "a")), ("a", "b"), "a, b.")
    bar = Question("b", Shown("bar", "?"), 0.5, "half.")
    for question, wrong in ((choose, 2), (choose, None), (order, ["a"]), (order, 3), (bar, "x"), (bar, math.nan)):
        with pytest.raises(InvalidInput):
            question.accepts(wrong)
    assert bar.accepts(0.6)
    assert not bar.accepts(0.61)


@pytest.mark.parametrize(("text", "value"), [("0.25", 0.25), ("1/4", 0.25), ("25 %", 25), ("1,024 tokens", 1024),
                                              ("2^3", 8), ("−3", -3)])  # fmt: skip
def test_numbers_as_people_write_them(text: str, value: float) -> None:
    assert quiz.read_number(text) == value


@pytest.mark.parametrize("text", ["", "abc", "1/0", "9^9999", "nan", "inf", "--3"])
def test_what_is_no_number_is_said(text: str) -> None:
    with pytest.raises(InvalidInput, match="a number, for example"):
        quiz.read_number(text)


def test_eight_of_ten() -> None:
    assert [quiz.passed(right) for right in (7, 8, 10)] == [False, True, True]
    assert not quiz.passed(6, 8)  # exactly 75 % is not above it
