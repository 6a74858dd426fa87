"""Generation without a browser: what its folds say, and traces that are none."""

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from lm_core import Transformer
from lm_core.decoding import strategy
from lm_core.generation import Limits, run
from lm_core.recording import Recording
from tests.pages.opening import components, open_page, said

FOLDS = {
    "What to notice", "When greedy goes in circles", "Greedy, drawn, best found", "When the context window is full",
    "Show the code, export", "Open an exported trace",
}  # fmt: skip
pytestmark = pytest.mark.usefixtures("_folds_open")


def upload(app: AppTest, name: str, content: bytes) -> None:
    app.get("file_uploader")[0].set_value((name, content, "application/json")).run()
    assert not app.exception


def walk(app: AppTest) -> dict[str, Any]:
    return components(app)["walk"]


@pytest.mark.parametrize(
    "link", [{"with": "table", "t": "0"}, {"with": "bigram"}, {"window": "16", "full": "keep prefix"}]
)
def test_every_fold_opens_on_any_scene(link: dict[str, str]) -> None:
    app = open_page("generation", steps="1", **link)
    assert {expander.label for expander in app.expander} >= FOLDS
    assert "export" in components(app)


def test_the_window_fold_knows_the_articles_cases() -> None:
    app = open_page("generation")
    case = next(group for group in app.get("button_group") if group.label == "Case")
    case.set_value("8,001 tokens in a window of 8,000").run()
    for row in (
        "reject refused before anything runs",
        "stop stops after 1,000 new tokens: context full 8,000 0",
        "truncate left all 1,001 come out 4,001 4,000",
        "keep prefix (100 tokens) all 1,001 come out 4,051 3,950",
    ):
        assert row in said(app)


@pytest.mark.parametrize(
    ("name", "content"),
    [("notes.json", b'{"hello": 1}'), ("cat.png", b"\x89PNG\r\n"), ("list.json", b"[]"), ("empty.json", b"")],
)
def test_files_that_are_no_traces(name: str, content: bytes) -> None:
    app = open_page("generation", steps="1")
    before = walk(app)["tokens"]
    upload(app, name, content)
    assert f"`trace` must be a JSON file that was exported here, but is '{name}'." in said(app)
    assert walk(app)["tokens"] == before


def test_edited_and_foreign_traces(model: Transformer) -> None:
    trace = run(model, model.tokenizer.encode("Hello"), strategy(), Limits(3))
    foreign = Recording.of(trace, model.tokenizer, model.vocab_size, "gpt-9", {"t": "0"}).to_bytes()
    app = open_page("generation")
    upload(app, "edited.json", foreign.replace(b'"gpt-9"', b'"gpt-8"'))
    assert "`trace` must be unchanged since its export, but is 'edited.json, edited or damaged'" in said(app)
    upload(app, "foreign.json", foreign)
    assert "This trace is from another model, gpt-9, which is not here" in said(app)
    assert len(walk(app)["tokens"]) == 3
