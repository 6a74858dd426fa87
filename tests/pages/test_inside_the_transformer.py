"""Inside the Transformer without a browser: one pass, no peeking, both sides of a blank, attention, the lens.

The whole picture has a file of its own.
"""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from lm_core import Transformer
from lm_core.inspection import inspect
from lm_core.inspection.logit_lens import lens
from pages.shared.markup import percent
from tests.pages.opening import components, markup, open_page, said
from tests.pages.touching import fill, find, switch

URL = "inside_the_transformer"
FRANCE = "The capital of France is"
pytestmark = pytest.mark.usefixtures("_folds_open")


def slide(app: AppTest, name: str, value: int) -> None:
    find(app, name, "slider").set_value(value).run()
    assert not app.exception


def test_one_pass_and_any_row_of_it() -> None:
    app = open_page(URL, look="pass")
    assert "5 next-token distributions from one pass over 5 tokens; row 5 has read 5 of them" in said(app)
    assert "·Paris 77.3 %" in said(app)
    slide(app, "Read the row after token", 3)
    assert "row 3 has read 3 of them" in said(app)
    assert app.query_params["at"] == "3"
    assert markup(app).count("nte-unseen") == 2
    assert "4 ·France" in said(app)


def test_a_later_word_changes_no_earlier_row_unless_the_mask_is_off() -> None:
    app = open_page(URL, look="mask")
    assert "0 exactly is the change of every row before the word" in said(app)
    assert "5 checkout 0 6 page → hub " in said(app)
    assert "Who reads whom: 36 of 64 places are open" in said(app)
    switch(app, "Causal mask", False)
    assert "without the mask, rows before the word move too" in said(app)
    assert "Who reads whom: 64 of 64 places are open" in said(app)
    assert "5 checkout 0 6" not in said(app)
    assert app.query_params["mask"] == "0"
    slide(app, "Change word", 1)
    assert "rows before the word move too" in said(app)
    assert any("net=unmasked" in each.proto.query_string for each in app.get("page_link"))


def test_the_right_side_changes_the_masked_models_answer_alone() -> None:
    app = open_page(URL, look="sides")
    assert "11.7 % from the left, 99.96 % from both sides" in said(app)
    for row in (
        "causal (GPT-style) earlier tokens only writing from left to right",
        "masked (BERT-style) both sides classifying, extracting, reading a sentence open-ended writing",
    ):
        assert row in said(app)
    data = components(app)["layers_picture"]
    assert data["tokens"][1:4] == ["the", "___", "left"]
    assert data["labels"][data["rows"][0]["cells"][2][0]] == "customer"
    assert all(len(row) == len(data["tokens"]) for row in data["reads"][0])  # arcs run to both sides
    message = "A message of the small models’ world"
    fill(app, message, "the customer left the regional hub.")
    assert "11.7 % from the left, 0.03 % from both sides" in said(app)
    fill(app, message, "the astronaut left")
    assert "'astronaut' is none" in said(app)


def test_a_head_is_shown_as_it_is(model: Transformer) -> None:
    app = open_page(URL, look="attention", layer="17", head="1")
    found = inspect(model, model.tokenizer.encode(FRANCE))
    row = found.attention[16, 0, 4]
    assert f"{percent(float(row.max()))} of its attention, in layer 17, head 1, token 5 ·is gives to ·France" in said(
        app
    )
    slide(app, "Reader: token", 4)
    most = percent(float(found.attention[16, 0, 3].max()))
    assert f"{most} of its attention, in layer 17, head 1, token 4 ·France" in said(app)
    slide(app, "Head", 2)
    assert app.query_params["head"] == "2"
    app = open_page(URL, look="attention", layer="31", head="12")
    assert "Layer 31 is past the end, 30: 1 is shown." in said(app)


def test_the_lens_ends_with_the_model(model: Transformer) -> None:
    app = open_page(URL, look="lens")
    assert "Layer 30 of 30: from here on ·Paris leads; behind the last layer it has 77.3 %" in said(app)
    rows = lens(model, inspect(model, model.tokenizer.encode(FRANCE)), 4)
    for row in (rows[0], rows[24], rows[30]):
        assert f"{row.final_rank:,} {percent(row.final_probability)}" in said(app)


def test_two_hundred_tokens() -> None:
    app = open_page(URL, look="attention", text="word " * 250)
    assert "The first 200 of 251 tokens are looked into." in said(app)
    assert "token 200" in said(app)
    slide(app, "Layer", 2)
    assert "in layer 2, head 1, token 200" in said(app)


def test_attention_is_finite_everywhere(model: Transformer) -> None:
    found = inspect(model, model.tokenizer.encode("word " * 40))
    assert np.isfinite(found.attention).all()
