"""Loss and perplexity without a browser: what is left out of a long text is said."""

import pytest

from lm_core import Transformer
from lm_core.runtime import limits
from lm_core.scoring import score
from tests.pages.opening import markup, open_page, said


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
