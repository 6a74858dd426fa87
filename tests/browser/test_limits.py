"""Limits in a real browser: what its tables say is what lm_core measures, and each conclusion follows from them."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from lm_core import Transformer, sums
from lm_core.answers import Tally, ask, score_all
from tests.browser.screen import fills_a_stage, settled
from tests.browser.server import Server
from tests.browser.touching import said

Open = Callable[..., Page]
PAGE = "/limits"


def test_the_table_is_computed_and_the_conclusion_follows(server: Server, open_page: Open, model: Transformer) -> None:
    page = open_page(server, PAGE)
    expect(page.get_by_text("12 sums that none of them was shown")).to_be_visible(timeout=90_000)
    settled(page)
    every = sums.cases()
    asked = every[:: len(every) // 12][:12]
    encode = model.tokenizer.encode
    candidates = [tuple(encode(text)) for text in sums.ANSWERS]
    found = Tally.of([ask(model, encode(c.prompt), candidates, c.right, c.shortcut) for c in asked])
    row = page.get_by_role("row", name=re.compile("^Pretrained"))
    expect(row.get_by_role("cell").nth(0)).to_have_text(str(found.right))
    expect(row.get_by_role("cell").nth(1)).to_have_text(str(found.tempting))
    expect(row.get_by_role("cell").nth(2)).to_have_text(str(found.prefers_right))
    verdict = "does better than a shortcut" if found.beats_shortcuts else "does no better than a shortcut"
    expect(page.get_by_text(f"Pretrained {verdict}: {found.right} of 12 right")).to_be_visible()
    expect(page.get_by_text("Small Transformer does better than a shortcut")).to_be_visible()
    expect(page.get_by_text("Bigram does no better than a shortcut")).to_be_visible()


def test_one_sum_answer_by_answer(server: Server, open_page: Open) -> None:
    page = open_page(server, f"{PAGE}?total=5&taken=2")
    expect(page.get_by_role("row", name=re.compile("^3, right and counting on"))).to_be_visible(timeout=60_000)
    settled(page)
    box = page.get_by_label("taken away")
    box.fill("6")
    box.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="at most the 5 there are")).to_be_visible()


def test_answer_first_then_look(server: Server, open_page: Open) -> None:
    page = open_page(server, f"{PAGE}?look=syntax")
    settled(page)
    assert "·" not in said(page)  # no token is shown before there is an answer
    page.get_by_role("button", name="Look", exact=True).click()
    expect(page.get_by_text("Write an answer first")).to_be_visible()
    page.get_by_label("Your answer, before you look").fill("a brace")
    page.get_by_role("button", name="Look", exact=True).click()
    expect(page.get_by_text("You wrote: a brace")).to_be_visible()
    expect(page.get_by_text("The brace itself")).to_be_visible()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_label("Your answer, before you look")).to_be_visible()


@pytest.mark.parametrize("place", ["JSON", "Python", "SQL", "Markdown"])
def test_every_syntax_under_every_model(server: Server, open_page: Open, place: str) -> None:
    page = open_page(server, f"{PAGE}?look=syntax&place={place}")
    settled(page)
    page.get_by_label("Your answer, before you look").fill("x")
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"Probability on what {place} allows here")).to_be_visible()
    for name in ("Bigram", "Small Transformer", "Pretrained"):
        expect(page.get_by_role("table").filter(has_text=name).first).to_be_visible()


def test_the_policy_moves_probability_and_so_does_its_opposite(
    server: Server, open_page: Open, model: Transformer
) -> None:
    page = open_page(server, f"{PAGE}?look=policy")
    expect(page.get_by_text("·available 24.2 %")).to_be_visible()
    expect(page.get_by_text("·refund 70.6 %")).to_be_visible()
    encode = model.tokenizer.encode
    text = "Refund policy: annual plans are refundable within 14 days.\n\nThe refund policy says annual plans are"
    p = pytest.importorskip("math").exp(score_all(model, encode(text), [encode(" refundable")])[0])
    expect(page.get_by_role("row", name=f"what stands above {100 * p:.1f} %")).to_be_visible()
    page.get_by_role("button", name="Its opposite").click()
    expect(page.get_by_text("·non 28.3 %")).to_be_visible()


def test_an_order_nobody_placed_and_the_look_up(server: Server, open_page: Open) -> None:
    page = open_page(server, f"{PAGE}?look=lookup")
    expect(page.get_by_text("Nobody placed this order.")).to_be_visible()
    page.get_by_text("Look it up first").click()
    expect(page.get_by_text("“Friday”, what the look-up says: 47.6 %.")).to_be_visible()
    settled(page)
    assert "found=1" in page.url


def test_claims_and_repairs_stand_on_figures(server: Server, open_page: Open) -> None:
    page = open_page(server, f"{PAGE}?look=claims")
    expect(page.get_by_text("8 of 12")).to_be_visible(timeout=90_000)
    page.get_by_text("Train it on enough text").click()
    expect(page.get_by_text("1 of 12")).to_be_visible()
    page = open_page(server, f"{PAGE}?look=repairs")
    expect(page.get_by_text("0.36 % → 47.6 %")).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Try it").first.click()
    expect(page.get_by_text("·refund 70.6 %")).to_be_visible()


@pytest.mark.parametrize("look", ["sums", "syntax", "policy", "lookup", "claims", "repairs"])
def test_it_fills_a_stage(server: Server, open_page: Open, look: str) -> None:
    page = open_page(server, f"{PAGE}?look={look}&present=1", viewport={"width": 1280, "height": 720})
    settled(page)
    fills_a_stage(page)
