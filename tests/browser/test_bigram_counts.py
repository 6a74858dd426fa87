"""Page 4 in a real browser: counts, their lines, smoothing, n-grams, blindness; own text, links and keys."""

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import Locator, Page, expect

from lm_core.labels import label
from lm_core.models.ngrams.count_table import CountedCorpus, grid, sources
from lm_core.text.corpus import from_bytes
from tests.browser.hostile import HOSTILE
from tests.browser.screen import fills_a_stage, settled
from tests.browser.server import Server

Open = Callable[..., Page]


def at(server: Server, open_page: Open, view: dict[str, object] | None = None, **link: str) -> Page:
    page = open_page(server, f"/bigram_counts?{urlencode(link)}", **(view or {}))
    expect(page.locator(".counts .grid tbody tr").first).to_be_visible(timeout=60_000)
    return page


def count(page: Page, name: str) -> Locator:
    """A cell by what a screen reader says of it, such as `3 times warehouse after left`."""
    return page.get_by_role("button", name=name, exact=True)


def after(page: Page) -> list[list[str]]:
    rows = page.locator(".counts .after tbody tr").all()
    return [[*row.locator("th").all_inner_texts(), *row.locator("td").all_inner_texts()] for row in rows]


def choose(page: Page, example: str) -> None:
    page.get_by_role("button", name="Examples").click()
    page.get_by_role("menuitem", name=example, exact=True).click()


def test_the_articles_counts_are_an_example(server: Server, open_page: Open) -> None:
    page = at(server, open_page, corpus="log")
    choose(page, "A pair nobody wrote: left depot")
    expect(page.locator(".counts .after caption")).to_have_text("After left: 6 in all.")
    assert [(row[0], row[2], row[4]) for row in after(page)] == [
        ("warehouse", "3 / 6", "50.0 %"),
        ("hub", "2 / 6", "33.3 %"),
        ("carrier", "1 / 6", "16.7 %"),
        ("all other 7", "0 / 6", "0 %"),
    ]
    scored = page.locator(".nte-table").first.locator("tbody tr")
    expect(scored.nth(2)).to_have_text(re.compile(r"depot\s*left\s*0 of 6\s*0 %\s*−∞"))
    expect(page.get_by_text("perplexity infinite")).to_be_visible()
    choose(page, "The same with k = 1")
    expect(scored.nth(2)).to_have_text(re.compile(r"depot\s*left\s*0 of 6\s*6\.25 %\s*−2\.7726"))
    expect(page.get_by_text("perplexity infinite")).to_have_count(0)
    choose(page, "85, 10 and 5 of a hundred")
    expect(page.locator(".counts .after caption")).to_have_text("After left: 100 in all.")
    assert [(row[0], row[1], row[4]) for row in after(page)][:3] == [
        ("warehouse", "85", "85.0 %"),
        ("hub", "10", "10.0 %"),
        ("carrier", "5", "5.00 %"),
    ]


def test_a_count_opens_the_lines_it_came_from(server: Server, open_page: Open) -> None:
    page = at(server, open_page)
    count(page, "3 times warehouse after left").click()
    expect(page.get_by_text("stands 3 times in the text:")).to_be_visible()
    expect(page.locator(".counts .grid .here")).to_have_text(["3"])
    lines = page.locator(".nte-lines li")
    expect(lines).to_have_text(
        ["package left warehouse <eos>", "package left warehouse <eos>", "parcel left warehouse <eos>"]
    )
    expect(lines.first.locator("mark")).to_have_text(["left", "warehouse"])
    count(page, "0 times left after left").click()
    expect(page.get_by_text("left → left stands in no line: its count is 0.")).to_be_visible()
    count(page, "Row <bos>, 6 in all").click()
    expect(page.locator(".counts .after caption")).to_have_text("After <bos>: 6 in all.")
    count(page, "Where order came from").click()
    expect(lines).to_have_text(["<bos> order left hub <eos>", "<bos> order left carrier <eos>"])
    expect(page).to_have_url(re.compile(r"row=0&next=7|next=7&row=0"))


def upload(page: Page, tmp_path: Path, name: str, content: bytes) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    page.locator("input[type=file]").set_input_files(file)


def test_hostile_words_are_shown_exactly(server: Server, open_page: Open, tmp_path: Path) -> None:
    page = at(server, open_page, corpus="own", by="character")
    text = "\n".join(token.replace("\0", "").replace("\r", " ").replace("\n", " ") for token in HOSTILE)
    upload(page, tmp_path, "hostile.txt", text.encode())
    expect(page.get_by_text("A file or a long text is not part of a link")).to_be_visible()
    expect(page.locator(".counts .grid tbody tr")).to_have_count(12)
    corpus = from_bytes("hostile.txt", text.encode())
    counted = CountedCorpus(corpus, corpus.tokenizer("character"))
    name = [label(counted.tokenizer.token_bytes(i)) for i in range(counted.tokenizer.vocab_size)]
    best = grid(counted.counts(2), 12, 9)
    expect(page.locator(".counts .grid .context")).to_have_text([name[i] for (i,) in best.contexts])
    expect(page.locator(".counts .grid .next")).to_have_text([name[i] for i in best.tokens])
    count, row = next((n, r) for r, cells in enumerate(best.counts) for n in cells if n)
    token = best.tokens[best.counts[row].index(count)]
    page.locator(".counts .grid button.seen").first.click()
    lines = [
        " ".join(name[i] for i in each.ids) for each in sources(counted.sentences, best.contexts[row], token, 0, 1)
    ]
    shown = page.locator(".nte-lines li")
    expect(shown).to_have_count(min(40, len(lines)))
    assert [line.removeprefix("<bos> ") for line in shown.all_text_contents()] == lines[:40]
    assert page.locator(".nte-lines script, .nte-lines img, .nte-lines a").count() == 0


def test_all_of_it_by_keys(server: Server, open_page: Open) -> None:
    page = at(server, open_page)
    count(page, "Row left, 6 in all").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(count(page, "3 times warehouse after left")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".nte-lines li")).to_have_count(3)
    expect(count(page, "3 times warehouse after left")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(count(page, "0 times warehouse after warehouse")).to_be_focused()
    expect(page.locator(".counts .unseen[aria-live]")).to_have_text("warehouse opened")


def test_on_a_stage_nothing_scrolls(server: Server, open_page: Open) -> None:
    page = open_page(server, None, viewport={"width": 1280, "height": 720})
    for link in ({"corpus": "six", "row": "3", "next": "4"}, {"corpus": "python", "k": "0.1"}):
        page.goto(f"{server.url}/bigram_counts?{urlencode({'present': '1', **link})}")
        settled(page)
        fills_a_stage(page)
