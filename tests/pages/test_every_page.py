"""What every page must do that needs no browser; the pages come from the table of contents."""

import re
from pathlib import Path

import pytest

from lm_core.generation import cache_benchmark
from pages.shared.page_declarations import Entry, read
from tests.pages.opening import ENTRIES, drawn, name_of, open_page, said

EXAMPLES = [(entry, title) for entry in ENTRIES for title in entry.examples]
SCENES = {
    "": {"prompt": "Twice upon a time"},
    "next_token": {"prompt": "The package left the", "b": "The package left the checkout", "n": "20"},
    "temperature": {"from": "bot", "t": "1.7", "p": "0.9", "seed": "5"},
    "generation": {"with": "transformer", "t": "0", "steps": "5"},
    "bigram_counts": {"row": "3", "next": "4", "k": "1", "sentence": "order left hub"},
    "loss": {"look": "four", "p": "0.9,0.5,0.2,0.1"},
    "training": {"net": "ngram", "text": "article", "learning_rate": "0.01"},
    "inside_the_transformer": {"look": "mask", "mask": "0", "words": "the customer left the order page.",
                               "swap": "hub"},
    "kv_cache": {"length": "16", "new": "4"},
    "kv_cache_calculator": {"arch": "llama-3.1-70b", "n": "32768", "batch": "64", "tp": "8", "engine": "vLLM",
                            "dtype": "fp8"},
    "limits": {"look": "policy", "policy": "Annual plans cost 12 euros."},
    "test_yourself": {"seed": "4"},
    "about": {"find": "cache"},
}  # fmt: skip
"""A scene of each page that differs from the one it opens with."""
MEASURED = re.compile(r"(; )?[\d.,]+ (ms|s|tokens/s|MiB)\b|\d+ (forward passes|steps)")


@pytest.fixture
def _measuring_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page about the KV cache times two tokens after 16, whatever the link asks for."""
    measure = cache_benchmark.measure
    monkeypatch.setattr(
        cache_benchmark, "measure", lambda model, ids, new, compare: measure(model, ids[:16], min(new, 2), compare)
    )


@pytest.mark.parametrize("entry", ENTRIES, ids=name_of)
@pytest.mark.long("the page on limits scores 200 answers")
def test_it_says_its_title_and_its_promise(entry: Entry) -> None:
    app = open_page(entry.url)
    assert [title.value.replace("\\", "") for title in app.title] == [entry.title]
    assert entry.promise in said(app)


@pytest.mark.usefixtures("_measuring_little")
@pytest.mark.parametrize(
    ("entry", "title"), EXAMPLES, ids=lambda each: each if isinstance(each, str) else name_of(each)
)
def test_every_example_is_a_link_that_is_followed(entry: Entry, title: str) -> None:
    app = open_page(entry.url, **entry.examples[title])
    assert "The link was not followed" not in said(app)
    assert app.title


def test_every_page_has_a_scene() -> None:
    assert SCENES.keys() == {entry.url for entry in ENTRIES}


@pytest.mark.parametrize("url", SCENES, ids=lambda url: url or "home")
@pytest.mark.long("the KV-cache page measures three runs")
def test_the_link_of_a_scene_restores_it(url: str) -> None:
    """The link that a page writes is opened in another session: that writes the same and draws the same."""
    app = open_page(url, **SCENES[url])
    link = dict(app.query_params)
    assert link == SCENES[url]
    again = open_page(url, **link)
    assert dict(again.query_params) == dict(app.query_params)
    assert drawn(app) != drawn(open_page(url))
    if url != "kv_cache":  # its times and bars are measured anew
        assert [MEASURED.sub("", each) for each in drawn(again)] == [MEASURED.sub("", each) for each in drawn(app)]


def test_a_page_that_forgets_to_declare_itself_is_named(tmp_path: Path) -> None:
    file = tmp_path / "50_vague.py"
    file.write_text('TITLE = "Vague"\nSECTION = "Nowhere"\nICON = "x"\nEXAMPLES = {}\nPARAMETERS = ()\n')
    with pytest.raises(ValueError, match=r"50_vague\.py must state PROMISE at its top"):
        read(file)
