"""The whole picture of page 7 without a browser: cells, arrows, who wrote, what a change does, runs, the KV cache."""

import pytest

from lm_core import Transformer
from lm_core.inspection import inspect
from lm_core.inspection.attention_scores import attention_score
from lm_core.inspection.interventions import Ablation
from lm_core.inspection.logit_lens import lens_grid, lens_grid_under
from lm_core.labels import label
from pages.shared.markup import percent
from tests.pages.opening import FILES, components, open_page, said, send
from tests.pages.touching import fill, press, switch

URL = "inside_the_transformer"
FRANCE = "The capital of France is"
RUN = {"with": "run"}
pytestmark = pytest.mark.usefixtures("_folds_open")


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
    assert components(app)["layers_heads"]["maps"][0][3] == pytest.approx(
        found.attention[16, 0, 3, :4].tolist(), abs=1e-4
    )
    assert (app.query_params["cell"], app.query_params["reads"]) == ("17.4", "1")
    assert "What layer 17 would predict after token 4" in said(app)
    for odd in ("no", {"layer": "1", "at": 2}, {"layer": 17}):
        send(app, "layers_picture", pick=odd)
    assert app.query_params["cell"] == "17.4"


def test_who_wrote_the_prediction(model: Transformer) -> None:
    app = open_page(URL, against="London")
    written = components(app)["layers_heads"]["written"]
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
    assert components(app)["layers_heads"]["written"]["whole"] == "sum: the logit"


def test_parts_are_switched_off_and_on_again() -> None:
    app = open_page(URL, cell="24.5", reads="5")
    press(app, "Switch off head 5 of layer 24")
    assert app.query_params["off"] == "24.5"
    assert "goes from **77.3 % to 14.1 %**" in said(app)
    assert "After ·is the model, with what you changed, predicts ·Paris , 14.1 %" in said(app)
    press(app, "Switch off layer 24’s MLP")
    assert app.query_params["off"] == "24.5,24.mlp"
    press(app, "Undo: layer 24, head 5")
    assert app.query_params["off"] == "24.mlp"
    press(app, "Undo: layer 24, MLP")
    assert "off" not in app.query_params
    assert "goes from" not in said(app)


def test_what_is_no_part_is_said() -> None:
    text = said(open_page(URL, off="24.5,31.1,2.norm,3.10,<b>,24.5.9-1,17@3,1.1.1-1"))
    for part, why in (
        ("31.1", "the model has 30 layers"), ("3.10", "a layer has 9 heads"), ("24.5.9-1", "the text has 5 tokens"),
        ("17@3", "there is no second text"), ("1.1.1-1", "the first token has nothing else to read"),
    ):  # fmt: skip
        assert f"“{part}” cannot be switched off here: {why}. It is left out." in text
    for part in ("2.norm", "<b>"):
        assert f"“{part}” is no part of a model and is left out" in text
    assert "goes from **77.3 % to 14.1 %**" in text
    many = ",".join(f"{layer}.mlp" for layer in range(1, 14))
    assert "Of 13 changes the first 12 are made" in said(open_page(URL, off=many))


def test_what_changes_is_marked_and_ranks_stay_against_the_whole_model(model: Transformer) -> None:
    """Below the layer nothing differs; the cells are those of `lens_grid_under`."""
    data = components(open_page(URL, off="24.5"))["layers_picture"]
    assert all(not row["moved"] for row in data["rows"] if row["layer"] < 24)
    assert data["rows"][1]["moved"] == [4]
    assert data["labels"][data["rows"][1]["cells"][4][0]] == "·the"
    ids = model.tokenizer.encode(FRANCE)
    whole = inspect(model, ids)
    under = lens_grid_under(model, whole, lens_grid(model, whole), inspect(model, ids, [Ablation(24, 5)]))
    assert data["rows"][0]["cells"][4][2:4] == [
        int(under.final_rank[30, 4]),
        pytest.approx(under.final_probability[30, 4], rel=1e-3),
    ]


def test_by_the_mean_and_without_the_mask() -> None:
    app = open_page(URL, cell="24.5", reads="5", by="mean")
    press(app, "Switch off head 5 of layer 24")
    assert app.query_params["off"] == "24.5.mean"
    press(app, "Undo: layer 24, head 5, by its mean")
    press(app, "Lift the causal mask")
    data = components(app)["layers_picture"]
    assert all(len(row) == 5 for row in data["reads"][0])  # arcs run to the right too
    press(app, "Undo: the causal mask")
    assert [len(row) for row in components(app)["layers_picture"]["reads"][0]] == [1, 2, 3, 4, 5]


def test_an_arrow_in_numbers_and_cut(model: Transformer) -> None:
    app = open_page(URL, cell="24.5", reads="5")
    send(app, "layers_picture", pick={"layer": 24, "at": 5, "head": 5, "key": 4})
    assert app.query_params["arrow"] == "4"
    found = inspect(model, model.tokenizer.encode(FRANCE))
    score = attention_score(model, found, 24, 5, 4, 3)
    assert f"Layer 24, head 5: why ·is gives ·France {percent(score.weight)} of its attention" in said(app)
    assert f"divided by √64 = 8 the score {score.scores[3]:.4g}" in said(app)
    assert "(64,); 3 heads share key-value head 2" in said(app)
    press(app, "Cut the arrow to ·France")
    assert app.query_params["off"] == "24.5.5-4"
    assert "goes from **77.3 % to 14.7 %**" in said(app)
    press(app, "Undo: layer 24, head 5: ·is reading ·France")
    send(app, "layers_picture", pick={"layer": 3, "at": 1, "head": 0, "key": 4})  # what is later cannot be read
    assert "of its attention" not in said(app)


def test_a_second_text_cell_by_cell() -> None:
    app = open_page(URL, second="The capital of Italy is", cell="20.4")
    assert "The first 3 tokens are the same: the largest change of any logit there is **exactly 0**." in said(app)
    assert "goes on with ·Paris after the first text and with ·Rome after the second" in said(app)
    press(app, "Take this cell from the second text")
    assert app.query_params["off"] == "20@4"
    assert "·Rome" in said(app)
    app = open_page(URL, second="The capital of Italy is", off="mask")
    assert "without the mask they have peeked" in said(app)
    for second, sentence in (
        ("The capital of the Netherlands is", "The second text has 6 tokens and the first 5"),
        (FRANCE, "The second text is the same as the first: change a word of it."),
    ):
        assert sentence in said(open_page(URL, second=second))
    app = open_page(URL, prompt="The capital of France is Paris. Two", second="The capital of France is Paris. Two.")
    assert "The second text has" in said(app)


def test_words_that_a_model_does_not_know_are_left_out_and_said() -> None:
    """Both stand beside the text and may have been typed for another model."""
    text = said(open_page(URL, **RUN, second="The capital of Italy is", against="London"))
    assert "The second text is left out." in text
    assert "The prediction is not compared with “London”." in text
    assert "After x the model predicts q" in text


def test_a_colour_without_figures_is_said() -> None:
    assert "nothing yet to colour by what mattered (patching): give a second text" in said(
        open_page(URL, shade="effect")
    )
    app = open_page(URL, shade="effect", second="The capital of Italy is")
    assert "nothing yet to colour by what mattered (patching): try its cells first" in said(app)


def test_after_a_change_the_end_of_the_text_is_said_and_taken() -> None:
    app = open_page(URL, second="The capital of Italy is", cell="18.4", off="22@4")
    assert "After ·France the model, with what you changed, predicts" in said(app)
    assert "; after the text ·Rome , 43.1 %" in said(app)
    press(app, "Take ·Rome and read on")
    assert app.query_params["prompt"] == "The capital of France is Rome"


def test_a_sweep_shows_what_mattered() -> None:
    app = open_page(URL, **RUN, second="qwjkzmxqwjkzmz")
    press(app, "Try each of its cells in the first text")
    press(app, "Colour the cells by what mattered")
    assert app.query_params["shade"] == "effect"
    rows = components(app)["layers_picture"]["rows"]
    assert rows[0]["shades"][-1] == 100  # the last cell of the last layer is the answer
    assert all(each == 0 for row in rows for each in row["shades"][:6])  # before the first letter that differs


def test_the_kv_cache_keeps_the_columns_before() -> None:
    app = open_page(URL)
    press(app, "Take ·Paris and read on")
    assert app.query_params["prompt"] == "The capital of France is Paris"
    assert components(app)["layers_picture"]["kept"] == 5
    assert "**5 columns were kept, one was computed:" in said(app)
    assert "5 tokens × 46,080 B = 230,400 B (2 × 30 layers × 3 key-value heads × 64 × 4 B a token)" in said(app)
    switch(app, "KV cache", False)
    assert "Without the cache all 6 columns were computed again" in said(app)
    assert components(app)["layers_picture"]["kept"] == 0


def test_a_run_is_scrubbed_and_a_head_forms() -> None:
    """Layer 2's second head comes to look at what followed; the link holds the step."""
    shares = []
    for step in ("0", "300", "600", "2000"):
        data = components(open_page(URL, **RUN, step=step))["layers_heads"]
        role, score = data["wall"][1][1]
        shares.append(score if data["roles"][role] == "looks at what followed the same token earlier" else 0.0)
    assert shares[0] == 0
    assert shares[-1] > 0.98
    assert shares == sorted(shares)
    app = open_page(URL, **RUN, step="777")
    assert app.query_params["step"] == "800"  # the nearest that was recorded


def test_a_change_to_a_long_text() -> None:
    app = open_page(URL, prompt="word " * 70, off="12.mlp")
    assert "with what you changed" in said(app)
    assert any(row["moved"] for row in components(app)["layers_picture"]["rows"])


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
        ({"cell": "31.1"}, "Layer 31, token 1 is not in the picture: the last cell is shown instead."),
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
    for page, link in (
        ("next_token", {"prompt": "Three four"}), ("temperature", {"prompt": "Three four"}),
        ("generation", {"prompt": "Three four"}), ("loss", {"text": "Three four"}),
        ("kv_cache", {"length": "own", "prompt": "Three four"}),
    ):  # fmt: skip
        app = open_page(page, **link)
        app.switch_page(FILES[URL]).run()
        assert components(app)["layers_picture"]["tokens"] == ["Three", "·four"], page
    for page in ("temperature", "generation", "loss"):
        app.switch_page(FILES[page]).run()
        assert "Three four" in (
            *(str(each.get("text")) for each in components(app).values()),
            *(each.value for each in app.text_area),
        ), page
