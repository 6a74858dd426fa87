"""Generation without a browser: every act, every reason to stop, what its expanders say, and its traces."""

import contextlib
import csv
import io
import itertools
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from lm_core import Transformer
from lm_core.decoding.strategies import strategy
from lm_core.errors import ModelUnavailable
from lm_core.generation.loop import Limits, run
from lm_core.generation.trace_file import TraceFile
from lm_core.labels import label
from lm_core.pretrained.catalogue import Entry
from lm_core.scoring.perplexity import score_continuation
from lm_core.serving import registry
from tests.pages.opening import components, open_page, said, send
from tests.pages.touching import choose, fill, press

FOLDS = {
    "What to notice", "When greedy goes in circles", "Greedy, drawn, best found", "When the context window is full",
    "Show the code, export", "Open an exported trace",
}  # fmt: skip
pytestmark = pytest.mark.usefixtures("_folds_open")


def upload(app: AppTest, name: str, content: bytes) -> None:
    app.get("file_uploader")[0].set_value((name, content, "application/json")).run()
    assert not app.exception


def generation(app: AppTest) -> dict[str, Any]:
    return components(app)["generation"]


_numbers = itertools.count()


def act(app: AppTest, kind: str, **what: object) -> dict[str, Any]:
    """One act of the visitor, and the page after it."""
    act = {"kind": kind, "id": f"test:{next(_numbers)}", "subject": generation(app).get("subject"), **what}
    send(app, "generation", act=act)
    return generation(app)


def to_the_end(app: AppTest, most: int = 64) -> dict[str, Any]:
    """As the button does: steps, as many as fit in each answer, until the text ends."""
    while not (now := act(app, "step", most=most))["finish"]:
        assert not now["problem"]
    return now


def text(shown: dict[str, Any]) -> list[str]:
    return [token["label"] for token in shown["tokens"]]


# ---- the loop ----------------------------------------------------------------------------------------------------


def test_steps_are_the_loops_own(model: Transformer) -> None:
    app = open_page("generation", prompt="The package left the", t="0.8", p="0.9", seed="3")
    ids = model.tokenizer.encode("The package left the")
    expected = run(model, ids, strategy(seed=3, temperature=0.8, top_p=0.9), Limits(4))
    for count, step in enumerate(expected.steps, start=1):
        turn = generation(app)["turn"]
        assert turn["u"] == step.u
        assert [stage["name"] for stage in turn["stages"]] == ["logits", "temperature", "top-p"]
        assert [stage["possible"] for stage in turn["stages"]][:2] == [49_152, 49_152]
        assert turn["pick"]["id"] == step.id
        assert len(act(app, "step")["tokens"]) == count
    now = generation(app)
    assert text(now) == [label(model.tokenizer.token_bytes(i)) for i in expected.ids]
    assert now["facts"]["log_p"] == pytest.approx(expected.log_probability, abs=1e-4)
    assert app.query_params["path"] == ".".join(map(str, expected.ids))
    assert (now["prompt_length"], now["at"]) == (4, 4)


def test_an_act_is_done_once_and_only_to_the_text_it_was_meant_for() -> None:
    app = open_page("generation", t="0")
    subject = generation(app)["subject"]
    for time, (given, tokens) in enumerate((("a", 1), ("a", 1), ("b", 2))):  # a lost answer makes it ask again
        send(app, "generation", act={"kind": "step", "id": given, "subject": subject, "asked": time})
        assert len(generation(app)["tokens"]) == tokens
    send(app, "generation", act={"kind": "step", "id": "c", "subject": "another"})
    assert (len(generation(app)["tokens"]), generation(app)["handled"]) == (2, "c")


def test_words_a_small_model_does_not_know_are_said() -> None:
    app = open_page("generation", line="the zebra left the", **{"with": "bigram"})
    assert "1 word(s) that this model has no token for were left out: “zebra”." in said(app)
    assert [token["label"] for token in generation(app)["prompt"]] == ["<bos>", "the", "left", "the"]
    app = open_page("generation", line="zebra", **{"with": "bigram"})
    assert "`prompt` must be text this model has tokens for, such as the, package, reached" in said(app)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("bigram", ["package", "left", "the", "package", "left", "the"]),
        ("transformer", ["local", "warehouse", ".", "<eos>"]),
    ],
)
def test_the_same_loop_on_small_models(kind: str, expected: list[str]) -> None:
    app = open_page("generation", t="0", max="6", **{"with": kind})
    assert generation(app)["prompt"][0]["label"] == "<bos>"
    assert text(to_the_end(app)) == expected


# ---- back, aside, branches ---------------------------------------------------------------------------------------


def test_back_aside_and_forward(model: Transformer) -> None:
    app = open_page("generation", prompt="The capital of France is", max="6", seed="1")
    first = text(to_the_end(app))
    assert act(app, "move", at=1)["at"] == 1
    taken = generation(app)["turn"]["rows"][3]
    aside = act(app, "take", token=taken["id"])
    assert text(aside) == [first[0], taken["label"]]
    assert aside["tokens"][1]["by"] == "taken by hand"
    second = act(app, "step")
    rows = second["branches"]
    assert [row["by_hand"] for row in rows] == [0, 1]
    again = act(app, "branch", branch=0)
    assert text(again) == first
    for row, shown in ((rows[0], again), (rows[1], second)):
        ids = [token["id"] for token in shown["tokens"]]
        joint = score_continuation(model, model.tokenizer.encode("The capital of France is"), ids).log_probability
        assert row["log_p"] == pytest.approx(joint, abs=1e-4)


def test_again_gives_the_same_and_a_new_seed_another_text() -> None:
    app = open_page("generation", prompt="Once upon a time", seed="4", max="8")
    first = text(to_the_end(app))
    assert act(app, "again")["at"] == 0
    assert text(to_the_end(app)) == first
    assert (act(app, "seed", seed=5)["seed"], generation(app)["at"]) == (5, 0)
    assert text(to_the_end(app)) != first
    assert app.query_params["seed"] == "5"


def test_acts_that_cannot_be_done_are_said() -> None:
    app = open_page("generation", t="0")
    for kind, what, sentence in (
        ("move", {"at": 9}, "`place` must be"),
        ("take", {"token": "x"}, "`token id` must be"),
        ("step", {"most": 0}, "`steps` must be"),
        ("branch", {"branch": -1}, "`branch` must be"),
    ):
        assert sentence in act(app, kind, **what)["problem"]
        assert generation(app)["tokens"] == []
    assert act(app, "seed", seed="many")["seed"] == 0


def test_greedy_drawn_and_best_found_become_branches() -> None:
    app = open_page("generation", prompt="The package left the", max="3")
    before = act(app, "step")["tokens"]
    press(app, "Run all three, 12 tokens each")
    joint = {row["how"]: row["log_p"] for row in generation(app)["branches"]}
    assert joint["best found by a beam of width 4"] >= joint["greedy"]
    assert len(joint) == 3
    assert generation(app)["tokens"] == before


# ---- reasons to stop, windows ------------------------------------------------------------------------------------

FRANCE = {"prompt": "The capital of France is", "t": "0"}
TIME = {"prompt": "Once upon a time", "t": "0"}
STORY = {**TIME, "window": "32"}
WHYS = {
    "end token": ({"with": "transformer", "t": "0"}, "Stopped, end token: the model chose <eos>"),
    "token limit": ({**FRANCE, "max": "3"}, "Stopped, token limit: 3 tokens"),
    "stop string": ({**TIME, "stop": "city of"}, "Stopped, stop string: “city·of” came up, over 2 tokens"),
    "policy interruption": ({**TIME, "ban": "harbour, HAVEN"}, "Stopped, policy interruption: “HAVEN” came up"),
    "context full": ({**STORY}, "Stopped, context full: the window holds 32 tokens"),
}


@pytest.mark.parametrize("why", WHYS)
def test_every_reason_to_stop_names_itself(why: str) -> None:
    link, sentence = WHYS[why]
    now = to_the_end(open_page("generation", **link))
    assert sentence in now["sentence"]
    assert now["finish"] == why
    withheld = [token["withheld"] for token in now["tokens"]]
    assert any(withheld) == (why in ("stop string", "policy interruption"))


@pytest.mark.parametrize(("policy", "keep"), [("truncate left", "0"), ("keep prefix", "4")])
def test_a_window_that_forgets_shows_what_is_no_longer_seen(policy: str, keep: str) -> None:
    now = to_the_end(open_page("generation", **{**STORY, "full": policy, "keep": keep, "max": "40"}))
    assert "Stopped, token limit: 40 tokens" in now["sentence"]
    chips = [*now["prompt"], *now["tokens"]]
    assert (now["gone"], now["policy"]) == (sum(chip["gone"] for chip in chips), policy)
    assert now["gone"] > 0
    assert chips[0]["gone"] == (keep == "0")


def test_a_real_circle_and_the_penalty_that_ends_it() -> None:
    app = open_page("generation")
    press(app, "A circle this model falls into")
    assert (generation(app)["to_take"], app.query_params["t"]) == (40, "0")
    assert to_the_end(app)["circle"]["times"] >= 2
    assert "times in a row." in said(app)
    press(app, "The same with a penalty of 1.1")
    assert app.query_params["rp"] == "1.1"
    while len((calm := act(app, "step", most=40 - generation(app)["at"]))["tokens"]) < 40:
        assert calm["circle"] is None
    assert calm["circle"] is None


@pytest.mark.parametrize(
    "link", [{"with": "table", "t": "0"}, {"with": "bigram"}, {"window": "16", "full": "keep prefix"}]
)
def test_every_fold_opens_on_any_scene(link: dict[str, str]) -> None:
    app = open_page("generation", steps="1", **link)
    assert {expander.label for expander in app.expander} >= FOLDS
    assert "export" in components(app)


def test_the_window_fold_knows_the_articles_cases() -> None:
    app = open_page("generation")
    choose(app, "8,001 tokens in a window of 8,000")
    for row in (
        "reject refused before anything runs",
        "stop stops after 1,000 new tokens: context full 8,000 0",
        "truncate left all 1,001 come out 4,001 4,000",
        "keep prefix (100 tokens) all 1,001 come out 4,051 3,950",
    ):
        assert row in said(app)


@pytest.mark.parametrize(
    ("name", "content"),
    [("notes.json", b'{"hello": 1}'), ("cat.png", b"\x89PNG\r\n"), ("list.json", b"[]"), ("empty.json", b"")],
)
def test_files_that_are_no_traces(name: str, content: bytes) -> None:
    app = open_page("generation", steps="1")
    before = generation(app)["tokens"]
    upload(app, name, content)
    assert f"`trace` must be a JSON file that was exported here, but is '{name}'." in said(app)
    assert generation(app)["tokens"] == before


def test_edited_and_foreign_traces(model: Transformer) -> None:
    trace = run(model, model.tokenizer.encode("Hello"), strategy(), Limits(3))
    foreign = TraceFile.of(trace, model.tokenizer, model.vocab_size, "gpt-9", {"t": "0"}).to_bytes()
    app = open_page("generation")
    upload(app, "edited.json", foreign.replace(b'"gpt-9"', b'"gpt-8"'))
    assert "`trace` must be unchanged since its export, but is 'edited.json, edited or damaged'" in said(app)
    upload(app, "foreign.json", foreign)
    assert "This trace is from another model, gpt-9, which is not here" in said(app)
    assert len(generation(app)["tokens"]) == 3


def test_stop_strings_that_are_none_are_said_and_nothing_is_lost() -> None:
    app = open_page("generation", t="0")
    before = act(app, "step")["tokens"]
    for wrong, sentence in (
        ("a\n\nb", "`stop strings` must be one a line, none of them empty"),
        ("y" * 10_000, "`stop_strings` must be texts of at most 200 characters, but is 'a text of 10,000'"),
    ):
        fill(app, "Stop strings", wrong)
        assert sentence in said(app)
        assert generation(app)["tokens"] == before
    fill(app, "Stop strings", "is")
    assert "must be" not in said(app)
    assert [token["withheld"] for token in generation(app)["tokens"]] == [True]  # “Paris” has “is” in it


# ---- links, traces -----------------------------------------------------------------------------------------------


def gone_aside() -> AppTest:
    app = open_page("generation", prompt="The package left the", t="0.9", k="40", rp="1.2", seed="7", max="9")
    to_the_end(app)
    act(app, "move", at=3)
    act(app, "take", token=generation(app)["turn"]["rows"][2]["id"])
    act(app, "step")
    act(app, "step")
    act(app, "move", at=5)
    return app


def test_a_link_restores_the_place() -> None:
    app = gone_aside()
    assert (app.query_params["at"], len(generation(app)["tokens"])) == ("5", 6)
    fresh = open_page("generation", **app.query_params)
    mine, there = generation(app), generation(fresh)
    assert text(there) == text(mine)
    assert [token["by"] for token in there["tokens"]] == [token["by"] for token in mine["tokens"]]
    assert there["tokens"][3]["by"] == "taken by hand"
    for name in ("at", "seed", "finish", "sentence"):
        assert there[name] == mine[name]
    for name in ("u", "stages", "taken"):
        assert there["turn"][name] == mine["turn"][name]
    assert there["facts"]["log_p"] == pytest.approx(mine["facts"]["log_p"], abs=1e-4)
    assert dict(fresh.query_params) == dict(app.query_params)


def test_an_exported_trace_redraws_where_the_model_is_not(monkeypatch: pytest.MonkeyPatch, model: Transformer) -> None:
    def absent(self: Entry) -> None:
        raise ModelUnavailable(f"The model {self.title} is not installed.", self.install)

    trace = run(model, model.tokenizer.encode("The capital of France is"), strategy(seed=2, top_k=30), Limits(6))
    file = TraceFile.of(trace, model.tokenizer, model.vocab_size, "smollm2-135m", {}).to_bytes()
    monkeypatch.setattr(Entry, "path", absent)
    monkeypatch.setattr(registry, "_served", {})
    app = open_page("generation")
    assert "The model SmolLM2-135M-Instruct is not installed." in said(app)
    upload(app, "trace.json", file)
    now = generation(app)
    assert text(now) == [label(model.tokenizer.token_bytes(i)) for i in trace.ids]
    assert now["readonly"]
    assert now["facts"]["log_p"] == trace.log_probability
    assert act(app, "move", at=2)["turn"]["u"] == trace.steps[2].u


@pytest.mark.usefixtures("_folds_open")
def test_the_steps_as_csv_are_those_of_the_trace(downloads: dict[str, Callable[[], bytes]]) -> None:
    app = open_page("generation", prompt="The capital of France is", t="0", max="3")
    now = to_the_end(app)
    rows = list(csv.DictReader(io.StringIO(downloads["CSV, steps"]().decode("utf-8-sig"))))
    assert [row["token"] for row in rows] == text(now)
    assert sum(float(row["probability_by_model_ln_nats"]) for row in rows) == pytest.approx(now["facts"]["log_p"])


def test_the_code_of_the_export_runs_and_agrees() -> None:
    app = open_page("generation", prompt="The capital of France is", t="0.7", k="20", rp="1.1", seed="3", max="4")
    now = to_the_end(app)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(next(code.value for code in app.code if "tree.follow" in code.value), {})
    joint, finish = printed.getvalue().strip().splitlines()[-1].split(" ", 1)
    assert float(joint) == pytest.approx(now["facts"]["log_p"], abs=1e-4)
    assert finish == now["finish"] == "token limit"
