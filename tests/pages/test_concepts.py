"""Every concept of the lesson is touched: its control changes the text that the map names for it.

What a component of ours draws by itself is touched in a browser, by tests/browser/test_concepts.py.
"""

import json
import re
import tomllib
from collections import Counter
from urllib.parse import parse_qsl

import pytest
from streamlit.testing.v1 import AppTest

from pages.about import concept_map
from pages.about.concept_map import Touch
from pages.shared import page_declarations
from tests.browser.server import ROOT
from tests.pages import touching
from tests.pages.opening import components, open_page, said

MAP = [
    Touch(row["address"], row["role"], row["control"], row["act"],
          tuple(concept_map.Concept(key, *said) for key, said in row["teaches"].items()))
    for row in tomllib.loads((ROOT / concept_map.MAP).read_text(encoding="utf-8"))["touch"]
]  # fmt: skip
DRAWN = {
    ("home", "Take the top token"),
    *(("temperature", name) for name in ("Temperature as a number", "Temperature", "Seed", "New dart")),
    ("temperature", "Top-p before or after temperature"),
    ("generation", "Step"),
    ("generation", "To the end"),
    ("generation", "A bigram knows one word back"),
    ("generation", "A stop string over two tokens"),
    ("generation", "A policy interrupts"),
    ("generation", "A window of 32 tokens: it stops"),
    ("bigram_counts", "Six messages, after left"),
    ("bigram_counts", "The same with k = 1"),
    ("training", "Step"),
}
"""Page and control of what only a browser shows: our components' own controls, and figures that they compute."""


BOXES = ("text_input", "number_input", "slider", "select_slider", "toggle", "checkbox")


def page_of(each: Touch) -> str:
    return each.address.partition("?")[0]


SENT = [each for each in MAP if (page_of(each), each.control) not in DRAWN]


def shown(app: AppTest) -> str:
    """All that a page says: its words, what stands in boxes and labels, and what its components were given."""
    boxes = [f"{each.label} {each.value}" for kind in BOXES for each in app.get(kind)]
    links = [each.proto.label for each in app.get("page_link")]
    ours = components(app)
    prompts = [f"{data['label']} {data['text']}" for data in ours.values() if {"label", "text"} <= data.keys()]
    given = [json.dumps(data, ensure_ascii=False) for data in ours.values()]
    return re.sub(r"\s+", " ", " ".join([said(app).replace("**", ""), *boxes, *links, *prompts, *given]))


def touch(app: AppTest, each: Touch) -> None:
    verb, _, what = each.act.partition(" ")
    if verb == "fill":
        touching.fill(app, each.control, what)
    else:
        {
            "fold": touching.fold, "example": touching.example, "button": touching.press,
            "radio": touching.choose, "text": touching.choose,
        }[each.role](app, each.control)  # fmt: skip


def test_all_123_are_there_once_and_no_control_carries_more_than_six() -> None:
    keys = [concept.key for each in MAP for concept in each.teaches]
    assert sorted(keys) == [f"K{n:03}" for n in range(1, 124)]
    carried = Counter[tuple[str, str]]()
    for each in MAP:
        carried[page_of(each), each.control] += len(each.teaches)
    assert max(carried.values()) <= concept_map.MOST


def test_every_address_leads_somewhere() -> None:
    for each in MAP:
        page_declarations.target(each.address)


@pytest.mark.parametrize("each", SENT, ids=lambda each: f"{each.address}-{each.control[:30]}")
@pytest.mark.long("some controls make the model write or score for seconds")
def test_touching_it_changes_what_it_says(each: Touch) -> None:
    url, _, query = each.address.partition("?")
    app = open_page(url.removeprefix("home"), **dict(parse_qsl(query)))
    texts = [concept.changes for concept in each.teaches]
    assert [text for text in texts if text in shown(app)] == []
    touch(app, each)
    assert [text for text in texts if text not in shown(app)] == []
