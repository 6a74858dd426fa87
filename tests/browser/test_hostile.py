"""Hostile tokens appear exactly, as text: in rows, hover facts, titles, button, notes and exported drawing."""

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, expect

from lm_core.labels import label
from tests.browser.hostile import HOSTILE
from tests.browser.screen import settled
from tests.browser.server import Server, running

Open = Callable[..., Page]
LABELS = [label(token.encode()) for token in HOSTILE]


def test_components_show_them_exactly(tmp_path: Path, open_page: Open) -> None:
    with running(tmp_path, script="tests/browser/hostile_app.py") as server:
        server.wait_until("/_stcore/health")
        page = open_page(server, "/")
        expect(page.get_by_text("done", exact=True)).to_be_visible()
        heads = page.locator(".bars:not(.generation) tr[data-id] th.token")
        expect(heads).to_have_text(LABELS)
        assert [heads.nth(i).get_attribute("title") for i in range(31)] == LABELS
        expect(page.locator(".nte-note")).to_have_text(LABELS)
        for i, shown in enumerate(LABELS):
            page.locator(f'.bars:not(.generation) tr[data-id="{i}"]').click()
            assert (
                page.locator(".bars:not(.generation) .facts")
                .inner_text()
                .startswith(f"{shown} (id {i}): rank {i + 1},")
            )
            expect(page.get_by_role("button", name="Add ")).to_have_text(f"Add {shown} to the prompt")
        shown = page.locator(".generation")
        expect(shown.locator(".chip.given")).to_have_text(LABELS)
        expect(shown.locator(".chip.made")).to_have_text(LABELS)
        expect(shown.locator("tr[data-id] .take")).to_have_text(LABELS)
        shown.locator("summary").click()
        expect(shown.locator(".branches .open")).to_have_text(LABELS)
        expect(shown.locator(".chip.made").nth(3)).to_have_attribute(
            "title", re.compile(re.escape(f"{LABELS[3]} (id 3)"))
        )
        with page.expect_download() as download:
            page.get_by_role("button", name="SVG").click()
        drawing = page.evaluate(
            "text => [...new DOMParser().parseFromString(text, 'image/svg+xml').querySelectorAll('text')]"
            ".map(node => node.textContent)",
            Path(download.value.path()).read_text(encoding="utf-8"),
        )
        assert drawing[0] == HOSTILE[0]
        assert drawing[2:64:2] == LABELS
        page.close()


EVERYTHING = " ".join(token.translate({0: None, 7: None, 10: " ", 13: " "}) for token in HOSTILE)
MARKED = "<b>bold</b> $x^2$ :red[a]"
PLACES = {
    "": {"prompt": EVERYTHING},
    "temperature": {"prompt": EVERYTHING},
    "generation": {"prompt": EVERYTHING[:120], "stop": MARKED, "ban": MARKED},
    "bigram_counts": {"corpus": "own", "text": EVERYTHING, "sentence": EVERYTHING[:300], "find": MARKED},
    "loss": {"text": EVERYTHING, "words": MARKED},
    "training": {"text": "own", "own": EVERYTHING},
    "inside_the_transformer?look=attention": {"text": EVERYTHING[:300]},
    "inside_the_transformer?look=lens": {"text": EVERYTHING[:300]},
    "inside_the_transformer?look=mask": {"words": MARKED, "swap": MARKED},
    "kv_cache": {"prompt": EVERYTHING},
    "kv_cache_calculator": {"arch": "groups", "groups": EVERYTHING[:200], "gpus": MARKED, "beside": MARKED},
    "limits?look=policy": {"policy": EVERYTHING, "ask": MARKED},
    "test_yourself?look=game": {"who": EVERYTHING[:60], "seed": MARKED},
    "about": {"find": MARKED},
}
MADE_OF_IT = """() => {
  const found = [];
  const look = (root) => root.querySelectorAll("*").forEach((e) => {
    const text = e.textContent.trim();
    if ((e.matches("b, strong") && text === "bold") || (e.matches("em") && text === "under")
      || (e.matches("code") && text === "code") || (e.matches("h1, h2, h3") && text === "title")
      || e.matches('img[src*="example.com"], img[src="x"], a[href*="example.com"], a[href^="javascript"]')
      || (e.matches("script") && text.includes("alert(1)")) || (e.matches(".katex") && text.includes("x"))
      || (e.matches("span[style*=color]") && text === "a")) found.push(e.outerHTML.slice(0, 200));
    if (e.shadowRoot) look(e.shadowRoot);
  });
  look(document);
  return found;
}"""


@pytest.mark.parametrize("place", PLACES)
def test_no_place_makes_anything_of_them(server: Server, open_page: Open, place: str) -> None:
    """All of them at once, in every text a link can carry; `open_page` sees dialogs and requests."""
    page = open_page(server, f"/{place}{'&' if '?' in place else '?'}{urlencode(PLACES[place])}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    settled(page)
    assert page.evaluate(MADE_OF_IT) == []


def test_what_is_made_of_them_would_be_found(browser: Browser) -> None:
    """The control: the same tokens, drawn as markup."""
    page = browser.new_page()
    made = ["<b>bold</b>", "<em>under</em>", "<code>code</code>", "<h1>title</h1>", "<img src=x>"]
    made += ['<a href="http://example.com">x</a>', '<span class="katex">x</span>', '<span style="color: red">a</span>']
    page.set_content("".join(f"<p>{each}</p>" for each in made))
    assert len(page.evaluate(MADE_OF_IT)) == len(made)
    page.close()
