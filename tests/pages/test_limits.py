"""Limits without a browser: what its tables say is what lm_core measures, and each conclusion follows from them."""

import contextlib
import io
import math

import pytest

from lm_core import Transformer
from lm_core.scoring.candidates import Tally, ask_question, score_candidates
from lm_core.text import arithmetic_task
from pages.limits import controls
from tests.pages.opening import open_page, said
from tests.pages.touching import choose, fill, press, switch

URL = "limits"


@pytest.mark.long("scores 200 answers under three models")
def test_the_table_is_computed_and_the_conclusion_follows(model: Transformer) -> None:
    app = open_page(URL)
    assert "12 sums that none of them was shown" in said(app)
    every = arithmetic_task.cases()
    asked = every[:: len(every) // 12][:12]
    encode = model.tokenizer.encode
    candidates = [tuple(encode(text)) for text in arithmetic_task.ANSWERS]
    found = Tally.of([ask_question(model, encode(c.prompt), candidates, c.right, c.shortcut) for c in asked])
    assert f"Pretrained {found.right} {found.tempting} {found.prefers_right} " in said(app)
    verdict = "does better than a shortcut" if found.beats_shortcuts else "does no better than a shortcut"
    assert f"Pretrained {verdict}: {found.right} of 12 right" in said(app)
    assert "Small Transformer does better than a shortcut" in said(app)
    assert "Bigram does no better than a shortcut" in said(app)


@pytest.mark.usefixtures("_folds_open")
@pytest.mark.long("scores every sum, and runs the code that does the same")
def test_every_sum_is_listed_and_the_code_measures_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's own dozen: the code is the same for all, and takes the float32 model a quarter of a second a sum."""
    app = open_page(URL)
    every = arithmetic_task.cases
    monkeypatch.setattr(arithmetic_task, "cases", lambda wording: every(wording)[: controls.FEW])
    assert "What each model says, and below it the probability it gives the right answer." in said(app)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(next(code.value for code in app.code if "Tally" in code.value), {})
    assert f"Tally(n={controls.FEW}, " in printed.getvalue()


def test_one_sum_answer_by_answer() -> None:
    app = open_page(URL, total="5", taken="2")
    assert "3, right and counting on" in said(app)
    fill(app, "taken away", "6")
    assert "at most the 5 there are" in said(app)


def test_answer_first_then_look() -> None:
    app = open_page(URL, look="syntax")
    assert "·" not in said(app)  # no token is shown before there is an answer
    press(app, "Look")
    assert "Write an answer first" in said(app)
    fill(app, "Your answer, before you look", "a brace")
    assert "You wrote: a brace" in said(app)
    assert "The brace itself" in said(app)
    press(app, "Try again")
    assert "You wrote" not in said(app)


@pytest.mark.parametrize("place", ["JSON", "Python", "SQL", "Markdown"])
def test_every_syntax_under_every_model(place: str) -> None:
    app = open_page(URL, look="syntax", place=place)
    fill(app, "Your answer, before you look", "x")
    assert f"Probability on what {place} allows here" in said(app)
    for name in ("Bigram", "Small Transformer", "Pretrained"):
        assert name in said(app)


def test_the_policy_moves_probability_and_so_does_its_opposite(model: Transformer) -> None:
    app = open_page(URL, look="policy")
    assert "·available 24.2 %" in said(app)
    assert "·refund 70.6 %" in said(app)
    encode = model.tokenizer.encode
    text = "Refund policy: annual plans are refundable within 14 days.\n\nThe refund policy says annual plans are"
    p = math.exp(score_candidates(model, encode(text), [encode(" refundable")])[0])
    assert f"what stands above {100 * p:.1f} %" in said(app)
    press(app, "Its opposite")
    assert "·non 28.3 %" in said(app)


def test_an_order_nobody_placed_and_the_look_up() -> None:
    app = open_page(URL, look="lookup")
    assert "Nobody placed this order." in said(app)
    switch(app, "Look it up first", True)
    assert "“Friday”, what the look-up says: 47.6 %." in said(app)
    assert app.query_params["found"] == "1"


@pytest.mark.usefixtures("_folds_open")
def test_claims_and_repairs_stand_on_figures() -> None:
    app = open_page(URL, look="claims")
    assert "8 of 12" in said(app)
    choose(app, "“Train it on enough text")
    assert "1 of 12" in said(app)
    app = open_page(URL, look="repairs")
    assert "0.36 % → 47.6 %" in said(app)
    press(app, "Try it")
    assert "·refund 70.6 %" in said(app)
