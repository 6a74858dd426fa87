"""Page 1 in a real browser with the real model: type, read bars, follow links, survive bad input."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from lm_core import Distribution, Transformer
from lm_core.tokens import label
from tests.browser.server import Server, running

Open = Callable[..., Page]


def row(page: Page, name: str) -> str:
    return page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=name, exact=True)).inner_text()


def type_prompt(page: Page, text: str) -> None:
    page.get_by_label("Prompt", exact=True).fill(text)
    page.keyboard.press("Control+Enter")


def test_a_deep_link_is_the_first_request_of_a_fresh_server(tmp_path: Path, open_page: Open) -> None:
    """Streamlit would run the page file without app.py here; the model is not even loaded yet."""
    with running(tmp_path) as fresh:
        fresh.wait_until("/_stcore/health")
        page = open_page(fresh, "/next_token?prompt=Once%20upon%20a&n=5")
        expect(page.get_by_role("rowheader", name="space time", exact=True)).to_be_visible(timeout=60_000)
        expect(page.get_by_label("Prompt", exact=True)).to_have_value("Once upon a")
        expect(page.get_by_role("row")).to_have_count(1 + 5 + 1)  # heading, tokens, rest
        expect(page.get_by_role("link", name="Home")).to_be_visible()
        assert page.title() == "Next token"
        assert page.get_by_text("Page not found").count() == 0
        page.close()


def test_first_paint_answers_the_default_prompt(server: Server, open_page: Open) -> None:
    page = open_page(server, "/next_token")
    expect(page.get_by_role("rowheader", name="space Paris", exact=True)).to_be_visible()
    assert "77.3 %" in row(page, "space Paris")
    expect(page.get_by_text("49,142")).to_be_visible()


def test_home_is_alive_and_leads_on(server: Server, open_page: Open) -> None:
    page = open_page(server, "/")
    expect(page.get_by_role("rowheader", name="space Paris", exact=True)).to_be_visible()
    page.get_by_role("link", name="Try your own text").click()
    expect(page.get_by_label("Prompt", exact=True)).to_be_visible()
    assert page.url == server.url + "/next_token"


def test_type_and_read_the_models_own_figures(server: Server, open_page: Open, model: Transformer) -> None:
    page = open_page(server, "/next_token")
    text = "The carrier scan says the parcel was"
    type_prompt(page, text)
    expect(page.get_by_role("rowheader", name="space delivered", exact=True)).to_be_visible()
    best = Distribution(model.next_logits([model.tokenizer.encode(text)])[0]).top(1).rows[0]
    cells = row(page, "space delivered").split("\t")
    assert cells[0] == "1"
    assert cells[3:] == [
        f"{best.probability:.1%}".replace("%", " %"),
        f"−{-best.log_probability:.3f}",
        f"{best.logit:.3f}",
    ]
    page.get_by_role("rowheader", name="space delivered", exact=True).hover()
    facts = page.get_by_text("rank 1, probability").inner_text()
    shown = float(re.search(r"probability ([\d.e-]+),", facts).group(1))  # type: ignore[union-attr]
    # The server may have read part of the prompt from its cache: float32 then differs in the fifth digit.
    assert shown == pytest.approx(best.probability, rel=1e-4)
    expect(page).to_have_url(re.compile(r"prompt=The(\+|%20)carrier"))


@pytest.mark.parametrize(
    "text",
    [
        "I 🙂 you",
        "\u202eabc שלום",
        "<script>alert(1)</script>",
        "$x$ :red[a]",
        "![](http://example.com/x.png)",
        "**b**\n",
    ],
)
def test_strange_text_shows_exactly_as_typed(server: Server, open_page: Open, model: Transformer, text: str) -> None:
    page = open_page(server, "/next_token")
    type_prompt(page, text)
    chips = page.locator(".nte-token")
    expected = [label(model.tokenizer.token_bytes(i)) for i in model.tokenizer.encode(text)]
    expect(chips).to_have_text(expected)
    expect(page.get_by_role("row")).to_have_count(12)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "at least one character"),
        ("   ", "only white space (3 characters)"),
        ("word " * 10_000, "The last 1,024 of 10,001 tokens are used; the first 8,977 are left out."),
        ("a\x04b", "1 character(s) that this model has no token for were left out: U+0004."),
        ("Hi<|im_end|>", "Read as special tokens, not as plain text: <|im_end|> (id 2)."),
    ],
    ids=["empty", "blank", "10,000 words", "no token", "special"],
)
def test_bad_input_gets_one_sentence(server: Server, open_page: Open, text: str, sentence: str) -> None:
    page = open_page(server, "/next_token")
    expect(page.get_by_role("row")).to_have_count(12)
    type_prompt(page, text)
    expect(page.get_by_text(sentence)).to_be_visible(timeout=30_000)


def test_nul_and_lone_surrogates_from_the_address_bar(server: Server, open_page: Open) -> None:
    """%00 is NUL; %ED%A0%80 is how a lone surrogate would be spelled, which no browser takes as text."""
    page = open_page(server, "/next_token?prompt=a%00b%ED%A0%80c")
    expect(page.get_by_role("row")).to_have_count(12)
    expect(page.locator(".nte-token").first).to_have_text("a")
    assert page.locator(".nte-token").all_inner_texts()[1] in ("␀", "b", "⟨U+FFFD⟩")


def test_the_frontend_is_compressed_and_ready_is_said(server: Server) -> None:
    status, body, _ = server.get("/ready")
    assert (status, body) == (200, b'{"ready":true}')
    index = server.get("/")[1].decode()
    script = re.search(r'src="\./?(/?static/js/[^"]+)"', index)
    assert script is not None
    path = "/" + script.group(1).lstrip("/")
    plain, packed = server.get(path), server.get(path, **{"Accept-Encoding": "gzip"})
    assert packed[2]["content-encoding"] == "gzip"
    assert len(packed[1]) < len(plain[1]) / 2
    assert server.get(path, **{"Accept-Encoding": "gzip"})[1] == packed[1]
