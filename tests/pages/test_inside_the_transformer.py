"""Inside the Transformer without a browser: one pass, no peeking, both sides of a blank, attention, the lens."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from lm_core import Transformer
from lm_core.inspection import inspect
from lm_core.inspection.logit_lens import lens, lens_grid
from lm_core.labels import label
from pages.shared.markup import percent
from tests.pages.opening import FILES, components, markup, open_page, said, send
from tests.pages.touching import fill, find, press, switch

URL = "inside_the_transformer"
FRANCE = "The capital of France is"
pytestmark = pytest.mark.usefixtures("_folds_open")


def slide(app: AppTest, name: str, value: int) -> None:
    find(app, name, "slider").set_value(value).run()
    assert not app.exception


def test_the_whole_picture(model: Transformer) -> None:
    app = open_page(URL)
    assert "After ·is the model predicts ·Paris , 77.3 % ; it leads from layer 30 on, of 30 layers" in said(app)
    data = components(app)["layers_picture"]
    assert data["tokens"] == ["The", "·capital", "·of", "·France", "·is"]
    found = inspect(model, model.tokenizer.encode(FRANCE))
    grid = lens_grid(model, found)
    assert [row["layer"] for row in data["rows"]] == list(range(30, -1, -1))
    for row in data["rows"]:
        for at, (token, p, rank, *_) in enumerate(row["cells"]):
            cell = grid.tokens[row["layer"], at], grid.final_rank[row["layer"], at]
            assert (data["labels"][token], rank) == (label(model.tokenizer.token_bytes(int(cell[0]))), int(cell[1]))
            assert p == pytest.approx(grid.probability[row["layer"], at], rel=1e-3)
    mean = found.attention.mean(axis=1)
    assert data["reads"][16][4] == pytest.approx(mean[16, 4].tolist(), abs=1e-4)
    send(app, "layers_picture", pick={"layer": 17, "at": 4, "head": 1})
    data = components(app)["layers_picture"]
    assert (data["layer"], data["at"], data["head"]) == (17, 3, 1)
    assert data["maps"][0][3] == pytest.approx(found.attention[16, 0, 3, :4].tolist(), abs=1e-4)
    assert (app.query_params["cell"], app.query_params["reads"]) == ("17.4", "1")
    assert "What layer 17 would predict after token 4" in said(app)
    for odd in ("no", {"layer": "1", "at": 2}, {"layer": 17}):
        send(app, "layers_picture", pick=odd)
    assert app.query_params["cell"] == "17.4"


def test_who_wrote_the_prediction(model: Transformer) -> None:
    app = open_page(URL, against="London")
    written = components(app)["layers_picture"]["written"]
    assert written["title"] == "Who wrote ·Paris: what each part adds to its lead over ·London"
    assert written["parts"][0] == {"says": "layer 24, head 5", "layer": 24, "head": 5, "logit": 2.657}
    assert (written["others"], written["whole"]) == ("289 other parts", "sum: the lead")
    assert sum(part["logit"] for part in written["parts"]) + written["rest"] == pytest.approx(written["sum"], abs=0.01)
    logits = model.logits(model.tokenizer.encode(FRANCE))[-1]
    london = model.tokenizer.encode(" London")[0]
    assert written["sum"] == pytest.approx(float(logits.max() - logits[london]), abs=0.001)
    fill(app, "Compare its logit with", "Unterwössen")
    assert "“Unterwössen” takes" in said(app)
    fill(app, "Compare its logit with", "")
    assert components(app)["layers_picture"]["written"]["whole"] == "sum: the logit"


def test_parts_are_switched_off_and_on_again() -> None:
    app = open_page(URL, cell="24.5", reads="5")
    press(app, "Switch off layer 24, head 5")
    assert app.query_params["off"] == "24.5"
    assert "goes from **77.3 % to 14.1 %**" in said(app)
    press(app, "Switch off layer 24, MLP")
    assert app.query_params["off"] == "24.5,24.mlp"
    press(app, "layer 24, head 5 is off: undo")
    assert app.query_params["off"] == "24.mlp"
    press(app, "layer 24, MLP is off: undo")
    assert "off" not in app.query_params
    assert "goes from" not in said(app)
    text = said(open_page(URL, off="24.5,31.1,2.norm,3.10,<b>"))
    for part in ("31.1", "2.norm", "3.10", "<b>"):
        assert f"“{part}” cannot be switched off and is left out" in text
    assert "goes from **77.3 % to 14.1 %**" in text
    many = ",".join(f"{layer}.mlp" for layer in range(1, 14))
    assert "Of 13 parts the first 12 are switched off" in said(open_page(URL, off=many))


def test_a_long_text_shows_its_end_and_every_colour() -> None:
    app = open_page(URL, prompt="word " * 70)
    assert "The picture shows the last 64 of 71 tokens; all of them are read." in said(app)
    data = components(app)["layers_picture"]
    assert (len(data["tokens"]), data["first"], data["at"]) == (64, 7, 63)
    assert len(data["reads"][0][63]) == 64
    for shade in ("rank", "entropy", "kl"):
        data = components(open_page(URL, shade=shade))["layers_picture"]
        assert data["rows"][0]["shades"][4] == 100 or shade == "entropy"
        assert all(0 <= each <= 100 for row in data["rows"] for each in row["shades"])


@pytest.mark.parametrize(
    ("link", "sentence"),
    [
        ({"cell": "x"}, "`cell` must be a layer, a point and a token from 1, as in 17.5, but is 'x'"),
        ({"cell": "31.1"}, "Layer 31, token 1 is not in the picture: its last cell is looked at."),
        ({"cell": "3.6"}, "Layer 3, token 6 is not in the picture"),
        ({"reads": "12"}, "Head 12 is past the end, 9: their mean is shown."),
        ({"prompt": " "}, "There is no text. Type one, for example: The capital of France is"),
    ],
)
def test_what_is_not_in_the_picture_is_said(link: dict[str, str], sentence: str) -> None:
    assert sentence in said(open_page(URL, **link))


def test_the_text_travels() -> None:
    """From page 1 and back; an older link that calls it `text` still says it."""
    app = open_page(URL, text="One two")
    assert app.query_params["prompt"] == "One two"
    assert "text" not in app.query_params
    app.switch_page(FILES["next_token"]).run()
    assert components(app)["Prompt"]["text"] == "One two"
    app = open_page("next_token", prompt="Three four")
    app.switch_page(FILES[URL]).run()
    assert components(app)["layers_picture"]["tokens"] == ["Three", "·four"]


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
