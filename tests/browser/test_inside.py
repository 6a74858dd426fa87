"""Inside the Transformer in a real browser: one pass, no peeking, both sides of a blank, attention, the lens."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from lm_core import Transformer
from lm_core.inspection import inspect, lens
from pages.parts.frame import percent
from tests.browser.screen import fills_a_stage, settled
from tests.browser.server import Server

Open = Callable[..., Page]
PAGE = "/inside_the_transformer"


def said(page: Page, words: str) -> None:
    expect(page.get_by_role("status").filter(has_text=words)).to_be_visible()


def slide(page: Page, name: str, keys: str, times: int = 1) -> None:
    slider = page.get_by_role("slider", name=name)
    slider.focus()
    for _ in range(times):
        slider.press(keys)
    settled(page)


def test_one_pass_and_any_row_of_it(server: Server, open_page: Open) -> None:
    page = open_page(server, PAGE)
    said(page, "5 next-token distributions from one pass over 5 tokens; row 5 has read 5 of them")
    expect(page.get_by_role("row", name="·Paris 77.3 %")).to_be_visible()
    slide(page, "Read the row after token", "ArrowLeft", times=2)
    said(page, "row 3 has read 3 of them")
    assert "at=3" in page.url
    expect(page.locator(".nte-unseen")).to_have_count(2)
    page.get_by_text("Every row of this pass").click()
    expect(page.get_by_role("row", name=re.compile("^4 ·France .* ·is "))).to_be_visible()


def test_a_later_word_changes_no_earlier_row_unless_the_mask_is_off(server: Server, open_page: Open) -> None:
    page = open_page(server, f"{PAGE}?look=mask")
    said(page, "0 exactly is the change of every row before the word")
    expect(page.get_by_role("row", name=re.compile("^5 checkout 0$"))).to_be_visible()
    expect(page.get_by_role("row", name=re.compile(r"^6 page → hub [1-9]"))).to_be_visible()
    expect(page.get_by_text("Who reads whom: 36 of 64 places are open")).to_be_visible()
    page.get_by_text("Causal mask").click()
    said(page, "without the mask, rows before the word move too")
    expect(page.get_by_text("Who reads whom: 64 of 64 places are open")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("^5 checkout 0$"))).to_have_count(0)
    settled(page)
    assert "mask=0" in page.url
    slide(page, "Change word", "Home")
    said(page, "rows before the word move too")
    page.get_by_text("See it cheat: training without the mask").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Training")
    assert "net=unmasked" in page.url


def test_the_right_side_changes_the_masked_models_answer_alone(server: Server, open_page: Open) -> None:
    page = open_page(server, f"{PAGE}?look=sides")
    said(page, "11.7 % from the left, 99.96 % from both sides")
    for row in (
        "causal (GPT-style) earlier tokens only writing from left to right",
        "masked (BERT-style) both sides classifying, extracting, reading a sentence open-ended writing",
    ):
        expect(page.get_by_role("row", name=row)).to_be_visible()
    text = page.get_by_label("A message of the small models’ world")
    text.fill("the customer left the regional hub.")
    text.press("Control+Enter")
    said(page, "11.7 % from the left, 0.03 % from both sides")
    text.fill("the astronaut left")
    text.press("Control+Enter")
    expect(page.get_by_role("alert").filter(has_text="'astronaut' is none")).to_be_visible()


def test_a_head_is_shown_as_it_is(server: Server, open_page: Open, model: Transformer) -> None:
    page = open_page(server, f"{PAGE}?look=attention&layer=17&head=1")
    found = inspect(model, model.tokenizer.encode("The capital of France is"))
    row = found.attention[16, 0, 4]
    said(page, f"{percent(float(row.max()))} of its attention, in layer 17, head 1, token 5 ·is gives to ·France")
    slide(page, "Reader: token", "ArrowLeft")
    row = found.attention[16, 0, 3]
    said(page, f"{percent(float(row.max()))} of its attention, in layer 17, head 1, token 4 ·France")
    slide(page, "Head", "ArrowRight")
    assert "head=2" in page.url
    page = open_page(server, f"{PAGE}?look=attention&layer=31&head=12")
    expect(page.get_by_text("Layer 31 is past the end, 30: 1 is shown.")).to_be_visible()


def test_the_lens_ends_with_the_model(server: Server, open_page: Open, model: Transformer) -> None:
    page = open_page(server, f"{PAGE}?look=lens")
    said(page, "Layer 30 of 30: from here on ·Paris leads; behind the last layer it has 77.3 %")
    rows = lens(model, inspect(model, model.tokenizer.encode("The capital of France is")), 4)
    for row in (rows[0], rows[24], rows[30]):
        name = f"{row.layer or 'embeddings'} "
        shown = page.get_by_role("row", name=re.compile(f"^{name}"))
        expect(shown).to_contain_text(f"{row.final_rank:,}{percent(row.final_probability)}")


def test_two_hundred_tokens(server: Server, open_page: Open) -> None:
    page = open_page(server, f"{PAGE}?look=attention&text={'word+' * 250}")
    expect(page.get_by_text("The first 200 of 251 tokens are looked into.")).to_be_visible()
    said(page, "token 200")
    slide(page, "Layer", "ArrowRight")
    said(page, "in layer 2, head 1, token 200")


def test_the_text_is_there_whichever_way_one_comes(server: Server, open_page: Open) -> None:
    page = open_page(server, PAGE)
    settled(page)
    for look, words in (("No peeking", "0 exactly"), ("Both sides", "11.7 %"), ("Attention", "in layer 1, head 1"),
                        ("Layer by layer", "·Paris leads"), ("One pass", "5 next-token")):  # fmt: skip
        page.get_by_text(look, exact=True).click()
        said(page, words)
        settled(page)


@pytest.mark.parametrize("look", ["pass", "mask", "sides", "attention", "lens"])
def test_it_fills_a_stage(server: Server, open_page: Open, look: str) -> None:
    page = open_page(server, f"{PAGE}?look={look}&present=1", viewport={"width": 1280, "height": 720})
    settled(page)
    fills_a_stage(page)


def test_attention_is_finite_everywhere(model: Transformer) -> None:
    found = inspect(model, model.tokenizer.encode("word " * 40))
    assert np.isfinite(found.attention).all()
