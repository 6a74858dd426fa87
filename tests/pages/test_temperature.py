"""Temperature without a browser: pasted logits, and what its folds say."""

import re
from urllib.parse import parse_qsl

import pytest

from tests.pages.opening import components, open_page, said


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1, 2, inf", "`logits` must be finite numbers, such as `hub 1.7` on a line, but is 'inf'."),
        ("hub nan\ndepot 1", "`logits` must be finite numbers, such as `hub 1.7` on a line, but is 'nan'."),
        ("3", "`logits` must be from 2 to 10,000 numbers, but is '1 of them'."),
        ("1 " * 11_000, "`logits` must be from 2 to 10,000 numbers, but is '11,000 of them'."),
        ("1 " * 1_000_000, "`logits` must be at most 10,000 values, but is 'a text of 2,000,000 characters'."),
        ("", "`logits` must be from 2 to 10,000 numbers, but is '0 of them'."),
    ],
    ids=["inf", "nan", "one", "11000", "million", "none"],
)
def test_pasted_logits_that_cannot_be_read(text: str, sentence: str) -> None:
    app = open_page("temperature", **{"from": "pasted", "t": "0.6"})
    app.text_area[0].set_value(text).run()
    assert sentence in said(app)
    app.text_area[0].set_value("left 2\nright -1").run()
    assert sentence not in said(app)
    assert components(app)["temperature"]["labels"] == ["left", "right"]
    assert components(app)["temperature"]["settings"]["t"] == 0.6


@pytest.mark.usefixtures("_folds_open")
@pytest.mark.parametrize("link", ["from=bot&k=2", "from=bot&t=0", "from=pasted&logits=a%201000%0Ab%200", "p=0.5&t=0.3"])
def test_every_fold_opens_on_any_scene(link: str) -> None:
    app = open_page("temperature", **dict(parse_qsl(link)))
    folds = {expander.label for expander in app.expander}
    assert {"What to notice", "Every temperature at once", "Why divide, and not add?"} <= folds
    assert "export" in components(app)


@pytest.mark.usefixtures("_folds_open")
def test_why_divide_shows_the_articles_three_rows_and_the_overflow() -> None:
    text = said(open_page("temperature"))
    for row in (
        r"0\.5 0\.952 0\.047 0\.000 \(0\.000319\) 0\.000 \(4\.32e-05\) 0\.000 \(5\.85e-06\)",
        r"1 0\.800 0\.178 0\.015 0\.005 0\.002",
        r"2 0\.575 0\.272 0\.078 0\.047 0\.029",
        r"softmax 0\.800 0\.178",
        r"without max-subtraction nan nan",
    ):
        assert re.search(row, text), row
