"""Loss and perplexity without a browser: each view's sums, the article's numbers, what is left out of a long text."""

import re

import pytest

from lm_core import Transformer
from lm_core.scoring.perplexity import score
from lm_core.serving import limits
from tests.pages.opening import markup, open_page, said
from tests.pages.touching import example, fill, find

CHOSEN = re.compile(r'class="?nte-chosen.*?</tr>', re.DOTALL)
"""The row that is looked at."""


def test_a_text_longer_than_the_limit_is_cut_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SCORED_TOKENS", 40)
    app = open_page("loss", text="a b " * 300)
    assert "The first 40 of 601 tokens are scored; the rest is left out." in said(app)
    assert "over 39 tokens" in said(app)


@pytest.mark.usefixtures("_folds_open")
@pytest.mark.parametrize("text", ["The capital of France is Paris.", "Zürich 東京 😀", "def f(x):\n    return x"])
def test_the_sums_are_scorings(model: Transformer, text: str) -> None:
    app = open_page("loss", text=text)
    expected = score(model, model.tokenizer.encode(text))
    assert f"mean loss {expected.cross_entropy:.4f} nats" in said(app)
    assert f"over {expected.n_tokens} tokens" in said(app)
    total = f"{expected.log_probability:.4f}".replace("-", "−")
    assert f">{total}</td>" in markup(app)


@pytest.mark.usefixtures("_folds_open")
def test_a_token_against_its_target() -> None:
    app = open_page("loss")
    (chosen,) = CHOSEN.findall(markup(app))
    assert "·capital" in chosen  # the largest loss
    fill(app, "Look at token", "5")
    (chosen,) = CHOSEN.findall(markup(app))
    assert re.search(r"·Paris.*77\.\d %", chosen)
    assert app.query_params["at"] == "5"
    assert "The product in float32 still stands after all 6 factors" in said(app)


def test_the_articles_numbers_are_examples() -> None:
    app = open_page("loss")
    for name, rows in (
        ("Four probabilities: 2.8284", ["2.8284", "4 0.125 2.0794 3.0000 50.0 %"]),
        ("One bad token dominates", ["4 1e-06 13.8155", "97.8 %"]),
        ("A guess among 50,000", ["50,000.0000"]),
        ("Four rows of logits: 0.209", ["0.209", "0 <bos> 1 package 0.864 0.146", "1 <bos> package 2 left 0.824 0.194",
          "2 <bos> package left 3 hub 0.724 0.323", "3 <bos> package left hub 4 <eos> 0.839 0.175"]),
    ):  # fmt: skip
        example(app, name)
        assert [row for row in rows if row not in said(app)] == []


def test_four_sliders_and_their_link() -> None:
    app = open_page("loss", look="four", p="0.5,0.5,0.5,0.475")
    assert "2.0258 perplexity" in said(app)
    slider = find(app, "p of token 4", "select_slider", "slider")
    slider.set_value(0.5).run()
    assert "2.0000 perplexity" in said(app)
    assert "2.0000 perplexity" in said(open_page("loss", **app.query_params))
    find(app, "p of token 4", "select_slider", "slider").set_value(0.0).run()
    assert "∞ perplexity" in said(app)


@pytest.mark.usefixtures("_folds_open")
def test_an_impossible_token_is_infinite_and_said() -> None:
    """Bare counts: no message says "reached on"."""
    app = open_page("loss", words="the package reached on Friday, and Oslo will ship it.", **{"with": "counts"})
    assert "∞ perplexity: because a token was given probability 0" in said(app)
    assert "ln P(text) = −∞ nats" in said(app)
    (chosen,) = CHOSEN.findall(markup(app))
    assert "on" in chosen
    assert "∞" in chosen
    assert "The product in float64 is 0 after 4 of" in said(app)


def test_models_are_compared_by_bytes_alone() -> None:
    app = open_page("loss", look="models")
    for sentence in (
        "bits per byte: Transformer is the least surprised",
        "Pretrained against Transformer: their perplexities do not compare.",
        "so their perplexities compare.",
    ):
        assert sentence in said(app)
    fill(app, "Text", "the rocket reached orbit")
    assert "'rocket' is none" in said(app)
