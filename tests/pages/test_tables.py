"""Tables: whatever is no cell is text, and a head is set as its column is."""

from html.parser import HTMLParser

import pytest

from pages.shared import markup, tables
from tests.browser.hostile import HOSTILE


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    shown: list[str] = []
    monkeypatch.setattr(markup, "show", shown.append)
    return shown


def test_by_hand(drawn: list[str]) -> None:
    rows = [[tables.token("·a"), 0.5, tables.words("x < y")], ["rest", tables.strong("9"), tables.words("")]]
    tables.render(["token", "p", "why"], rows, "Two & more", chosen=[1])
    assert drawn == [
        '<div class="nte-wide" tabindex="0"><table class="nte-table"><caption>Two &amp; more</caption><thead><tr>'
        '<th scope="col">token</th><th scope="col">p</th><th scope="col" class=nte-text>why</th></tr></thead>'
        '<tr><th scope="row" class="nte-token">·a</th><td>0.5</td><td class="nte-text">x &lt; y</td></tr>'
        '<tr class=nte-chosen><th scope="row">rest</th><td><b>9</b></td><td class="nte-text"></td></tr></table></div>'
    ]


class Read(HTMLParser):
    """The texts of the cells, the titles, and the names of the elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.cells, self.titles, self.tags = [], [], set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.titles += [value for name, value in attrs if name == "title"]
        if tag in ("td", "th", "caption"):
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        self.cells[-1] += data


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_is_text_becomes_markup(drawn: list[str], text: str) -> None:
    make = (tables.value, tables.strong, tables.words, tables.heading, tables.token, tables.token_value)
    cells = [text, text, *(each(text) for each in make), tables.across(text, 3), tables.marked([text, (text,)])]
    tables.render([text, (text, 2)], [[*cells, tables.value(1, title=text)]], text)
    read = Read(drawn[0])
    shown = text.replace("\r\n", "\n").replace("\r", "\n")
    assert {each.replace("\r\n", "\n").replace("\r", "\n") for each in read.cells} == {shown, shown * 2, "1"}
    assert read.tags <= {"div", "table", "caption", "thead", "tr", "th", "td", "b", "span"}
    assert read.titles == [text]
