"""Links that cannot be followed: each gets one sentence with what may stand there, and the page is as without it."""

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.testing.v1 import AppTest

from pages.shared import url_state
from pages.shared.page_declarations import Entry
from tests.browser.hostile import HOSTILE
from tests.pages.opening import ENTRIES, drawn, open_page, said

NOT_FOLLOWED = "The link was not followed in one point:"
REFUSED = {
    "next_token": [
        *(({"n": n}, "`n` must be") for n in ("7", "nan", "-1", "1e9", "<b>", "٥", "10 ", "x" * 10_000)),
        *(({"axis": axis}, "`axis` must be") for axis in ("up", "")),
        *(({"guess": guess}, "`guess` must be") for guess in ("yes", "2")),
        *(({"model": model}, "`model` must be") for model in ("gpt-9", "../etc")),
        *(({"seed": seed}, "`seed` must be") for seed in ("-1", "nan", "9" * 23, "1.5", "²")),
    ],
    "temperature": [
        ({"t": "nan"}, "`t` must be a number from 0 to 5, but is 'nan'"),
        ({"t": "-1"}, "`t` must be a number from 0 to 5, but is '-1'"),
        ({"t": "1e9"}, "`t` must be a number from 0 to 5, but is '1e9'"),
        ({"k": "0"}, "`k` must be a whole number from 1 to 1000000, but is '0'"),
        ({"k": "2.5"}, "`k` must be a whole number from 1 to 1000000, but is '2.5'"),
        ({"p": "-0.1"}, "`p` must be a number from 0 to 1, but is '-0.1'"),
        ({"m": "1.5"}, "`m` must be a number from 0 to 1, but is '1.5'"),
        ({"order": "alphabetical"}, "`order` must be one of transformers, vllm, llama.cpp, or each of"),
        ({"seed": "-4"}, "`seed` must be a whole number from 0 to 4294967295, but is '-4'"),
        ({"from": "oracle"}, "`from` must be one of model, bot, parcel, pasted, but is 'oracle'"),
    ],
    "generation": [
        ({"path": "x"}, "`path` must be at most 512 token ids with points between, but is 'x'"),
        ({"path": "99999"}, "`token id` must be a whole number from 0 to 49151, but is 99999"),
        ({"at": "7"}, "`place` must be a whole number from 0 to 0, but is 7"),
        ({"steps": "-1"}, "`steps` must be a whole number from 0 to 512"),
        ({"with": "oracle"}, "`with` must be one of pretrained, transformer, bigram, table"),
        ({"rp": "0"}, "`rp` must be a number above 0 and at most 10"),
        ({"window": "2"}, "`window` must be a whole number from 4 to 8192"),
        ({"full": "panic"}, "`full` must be one of reject, stop, truncate left, keep prefix"),
        ({"max": "0"}, "`max` must be a whole number from 1 to 512"),
        ({"stop": "a\n\nb"}, "`stop strings` must be one a line, none of them empty"),
        ({"stop": "x" * 300}, "`stop_strings` must be texts of at most 200 characters"),
    ],
    "bigram_counts": [
        ({"corpus": "web"}, "`corpus` must be one of six, row, log, python, own"),
        ({"by": "syllable"}, "`by` must be one of word, character, bpe"),
        ({"order": "9"}, "`order` must be one of 1, 2, 3, 4, 5"),
        ({"k": "nan"}, "`k` must be a number from 0 to 100"),
        ({"k": "-1"}, "`k` must be a number from 0 to 100"),
        ({"row": "x"}, "`row` must be at most 4 token ids with points between"),
        ({"row": "999"}, "`row` must be 1 token ids below 10, but is '999'"),
        ({"row": "1.2"}, "`row` must be 1 token ids below 10, but is '1.2'"),
        ({"next": "x"}, "`next` must be a token id, but is 'x'"),
        ({"next": "99"}, "`next` must be a token id below 10, but is 99"),
        ({"find": "zebra"}, "No token of this text contains “zebra”."),
    ],
    "training": [
        ({"text": "own", "own": "word"}, "This text has one token only"),
        ({"text": "six"}, "No line has more than 4 tokens to read: of a context of 24 no more is used."),
        ({"text": "python", "embedding": "512", "heads": "4"}, "1,000,000 parameters"),
        ({"embedding": "30"}, "`embedding` must be a multiple of twice the heads (8)"),
        ({"text": "own", "own": " "}, "Your text holds no text"),
        ({"steps": "many"}, "`steps` must be a whole number from 1 to 5000, but is 'many'"),
        ({"steps": "0"}, "`steps` must be a whole number from 1 to 5000, but is 0"),
        ({"steps": "1_0"}, "`steps` must be a whole number from 1 to 5000, but is '1_0'"),
        ({"batch": "0"}, "`batch` must be a whole number from 1 to 512"),
        ({"learning_rate": "inf"}, "`learning_rate` must be a number from 1e-09 to 1e+09"),
        ({"optimiser": "evil"}, "`optimiser` must be one of adamw, adam, sgd"),
        ({"schedule": "<b>"}, "`schedule` must be one of"),
        ({"at": "99999"}, "`at` must be a whole number from 0 to 500"),
        ({"run_seed": "-1"}, "`run_seed` must be a whole number from 0"),
        ({"net": "lstm"}, "`net` must be one of ngram, gru, transformer, unmasked"),
    ],
    "kv_cache_calculator": [
        ({"arch": "groups", "groups": '[{"kind":"full","layers":1,"label":"\\ud800"}]'}, "whole characters"),
        ({"arch": "groups", "groups": '[{"kind":["full"],"layers":1}]'}, "a list of layer groups"),
        ({"arch": "groups", "groups": '[{"kind":"full","kv_heads":8}]'}, "`layers in row 1` must be stated"),
        ({"arch": "groups", "groups": "[]"}, "at least one layer group"),
        ({"engine": "SGLang", "swa_full_tokens_ratio": "0"}, "a number from 0.01 to 1"),
        ({"engine": "vLLM", "block_size": "5000"}, "from 1 to 4096"),
        ({"gpus": '{"x":[1,1]}'}, "GPUs by name"),
        ({"gpus": "[1]"}, "GPUs by name"),
        ({"beside": "n=0|arch=llama-3.1-8b"}, "Scenario 2 is left out"),
        ({"beside": "arch=groups&groups=[{}]"}, "Scenario 2 is left out"),
    ],
}
REFUSED["loss"] = [
    *(({"look": "four", "p": p}, "`p` must be four probabilities from 0 to 1") for p in ("0.5", "a,b,c,d", "2,0,0,0")),
    *(({"look": "rows", "logits": text}, "`logits` must be four rows of five logits") for text in ("1;2", "x", "1e9")),
]
EVERY = [(url, link, sentence) for url, rows in REFUSED.items() for link, sentence in rows]


@pytest.mark.parametrize(("url", "link", "sentence"), EVERY, ids=lambda each: str(each)[:60])
def test_it_gets_a_sentence_and_the_page_is_as_without_it(url: str, link: dict[str, str], sentence: str) -> None:
    app = open_page(url, **link)
    assert sentence in said(app)
    if said(app).count(NOT_FOLLOWED) == len(link) == 1:
        of_links = [each for each in drawn(app) if NOT_FOLLOWED not in each]
        assert of_links == drawn(open_page(url))


def test_every_point_of_a_link_gets_its_own_sentence() -> None:
    app = open_page("next_token", n="7", axis="up", guess="yes", model="gpt-9", seed="-1", nonsense="1")
    assert said(app).count(NOT_FOLLOWED) == 6


def test_a_parameter_that_a_page_does_not_know_is_said() -> None:
    assert "this page has no parameter “prompt_b”." in said(open_page("next_token", prompt_b="x"))
    assert "this page has no parameter “lenght”. Was “length” meant?" in said(open_page("kv_cache", lenght="64"))
    many = {f"x{n}": "<b>" for n in range(9)}
    assert "no parameter “x0”, “x1”, “x2” and 6 more." in said(open_page("loss", **many))
    assert NOT_FOLLOWED not in said(open_page("loss", prompt="Hello", seed="3", tour="1"))


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.url or "home")
def test_a_page_declares_every_parameter_that_its_examples_use(entry: Entry) -> None:
    known = {*entry.parameters, *url_state.TRAVELLING}
    assert {name for link in entry.examples.values() for name in link} <= known


def test_what_cannot_run_is_said_before_anything_runs() -> None:
    app = open_page("generation", prompt="Once upon a time", t="0", window="32", full="reject", max="60")
    assert "Rejected before anything runs: `prompt and max_new_tokens` must be at most 32" in said(app)
    assert "Shorten the prompt, or lower the token limit" in said(app)
    app = open_page("generation", prompt="one two three four five six", window="4")
    assert "`tokens in the prompt` must be a whole number from 1 to 4, but is 6" in said(app)
    assert "generation" not in {element.proto.component_name for element in app.get("bidi_component")}


@pytest.mark.parametrize(
    ("scenes", "sentence"),
    [("Nowhere | moon", "line 1 is none"), ("#", "1 to 60 scenes"), ("x | loss\n" * 61, "1 to 60 scenes")],
)
def test_scenes_that_cannot_be_read_are_said(scenes: str, sentence: str) -> None:
    app = open_page("loss", present="1", scenes=scenes)
    assert sentence in said(app)
    assert app.title[0].value == "Loss and perplexity"


def test_a_scene_that_is_not_there_and_a_part_that_cannot_be_hidden_are_said() -> None:
    assert "`scene` must be a whole number from 1 to 10" in said(
        open_page("next_token", present="1", scenes="temperature", scene="99")
    )
    assert "`hide` must be names of" in said(open_page("temperature", hide="dats"))


@pytest.mark.parametrize("url", ["next_token", "temperature", "generation", "loss"])
def test_a_link_of_31_hostile_tokens_is_data(url: str) -> None:
    """None of it reaches our HTML as markup, nor Streamlit's Markdown as it is."""
    name = "text" if url == "loss" else "prompt"
    app = open_page(url, **{name: " ".join(HOSTILE).replace("\0", "")[:900]})
    bodies = " ".join(element.proto.body for element in app.get("html"))
    assert not [tag for tag in ("<script", "<img", "<b>bold", "</td></tr></td>") if tag in bodies]
    for element in app.markdown:
        assert "[x](javascript:" not in element.value
        assert ":red[a]" not in element.value


def test_a_browser_that_was_never_told_is_told_again() -> None:
    """The message with what a link sets was cut off: the browser has none of the controls when it comes back."""
    app = open_page("temperature", **{"from": "parcel", "ghost": "0"})
    told = drawn(app)
    assert told_anew(app) == {"temperature_model", "temperature_from", "temperature_ghost"}
    app._run(WidgetStates())
    assert told_anew(app) == {"temperature_model", "temperature_from", "temperature_ghost"}
    assert drawn(app) == told
    app.run()  # a browser that was told keeps what its visitor does
    assert told_anew(app) == set()


def told_anew(app: AppTest) -> set[str]:
    """Keys of the controls whose value the browser is to take from this run."""
    controls = [element for kind in ("selectbox", "checkbox", "segmented_control") for element in app.get(kind)]
    return {element.key for element in controls if element.proto.set_value}
