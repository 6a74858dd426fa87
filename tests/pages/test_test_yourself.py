"""The test and Shannon's game without a browser: every kind of answer, none of them, and what must not leak."""

import math

import pytest
from streamlit.testing.v1 import AppTest

from lm_core import Transformer
from lm_core.models import LanguageModel, model_file
from lm_core.models.prefixed_model import PrefixedModel
from lm_core.scoring.quiz import Question
from lm_core.training.small_models import learning_corpus
from pages.test_yourself import ten_questions
from tests.browser.server import ROOT
from tests.pages.opening import open_page, said
from tests.pages.touching import fill, find, press

URL = "test_yourself"


def ten(model: Transformer, seed: int) -> list[Question]:
    """The questions of a seed, computed on this side."""

    def small(kind: str) -> LanguageModel:
        return PrefixedModel(model_file.read(ROOT / "assets" / "models" / f"{kind}.safetensors")[0], [0])

    return ten_questions.questions(seed, ten_questions.bank(lambda: model, small))


def sent(app: AppTest) -> str:
    """Everything that a browser is sent of the page."""
    return " ".join(str(node.proto) for node in app._tree if hasattr(node, "proto"))


def give(app: AppTest, question: Question) -> None:
    """Answers a question right, by its controls."""
    shown, answer = question.shown, question.answer
    if shown.kind == "choose":
        find(app, "Your answer", "radio").set_value(int(str(answer)))
    elif shown.kind == "number":
        app.text_input[0].set_value(f"{float(str(answer)):.6g}")
    elif shown.kind == "order":
        assert isinstance(answer, tuple)
        app.multiselect[0].set_value(list(answer))
    else:
        find(app, "Your bar, in %", "slider").set_value(round(100 * float(str(answer))))
    press(app, "Answer")


def test_answers_that_are_none_are_said_and_nothing_is_lost(model: Transformer) -> None:
    """Seed 0: each kind of question is sent empty or wrong once, and can still be answered."""
    app = open_page(URL, seed="0")
    said_of = {"choose": "Choose one of the answers first.", "number": "a number, for example", "order": "Choose all"}
    seen = set()
    for number, question in enumerate(ten(model, 0), start=1):
        assert f"Question {number} of 10" in said(app)
        assert question.because not in sent(app)
        kind = question.shown.kind
        if kind in said_of and kind not in seen:
            seen.add(kind)
            if kind == "number":
                app.text_input[0].set_value("many")
            press(app, "Answer")
            assert said_of[kind] in said(app)
        give(app, question)
        assert " ".join(question.because.split()) in said(app)
        press(app, "Result" if number == 10 else "Next question")
    assert seen == set(said_of)
    assert "10 of 10 right" in said(app)
    press(app, "Ten others")
    assert "Question 1 of 10" in said(app)
    assert app.query_params["seed"] == "1"


def hidden(seed: int) -> list[str]:
    """The words of the message this seed hides."""
    messages = [line for line in learning_corpus()[1].lines if len(line.split()) >= 6]
    words = model_file.read(ROOT / "assets/models/bigram.safetensors")[0].tokenizer
    return [words.token_bytes(i).decode() for i in words.encode(messages[seed % len(messages)])]


def test_shannons_game_is_scored_like_a_model_and_leaks_nothing() -> None:
    message = hidden(3)
    app = open_page(URL, look="game", seed="3")
    losses = []
    for at in range(1, len(message)):
        if len(message) - at > 2:
            assert " ".join(message[at : at + 3]) not in sent(app)
        assert f">{message[at]}</span>" not in sent(app) or message[at] in message[:at]
        fill(app, "Which word comes next?", f"{message[at]} 50" if at % 2 else "snow 10")
        assert f"It was {message[at]} ." in said(app)
        losses.append(-math.log(0.5) if at % 2 else -math.log(0.9 / 80) if message[at] != "snow" else -math.log(0.1))
    assert f"{math.exp(sum(losses) / len(losses)):,.4g} is your perplexity" in said(app)
    for name in ("Small Transformer", "Bigram", "The grammar that wrote it"):
        assert name in said(app)


def test_a_room_guesses() -> None:
    app = open_page(URL, look="game", who="room", seed="3")
    fill(app, "The room’s guesses", "package\npackage\nparcel\nbanana\n")
    assert "The room (3 guesses)" in said(app)
    assert "no message uses them: banana" in said(app)
    fill(app, "The room’s guesses", "banana")
    assert "at least one known word" in said(app)


@pytest.mark.parametrize("given", ["", "snow 100", "snow x", "snow 10 20", "banana 10"])
def test_a_guess_that_is_none_costs_nothing(given: str) -> None:
    app = open_page(URL, look="game", seed="3")
    fill(app, "Which word comes next?", given)
    assert "It was " not in said(app)
