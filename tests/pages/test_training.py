"""Training without a browser: every act on a run, its links, its folds and its race, against the trainer itself."""

import itertools
import math
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from lm_core.distribution import Distribution
from lm_core.text.corpus import REGIONAL_LOCAL, tracking
from lm_core.text.tokenizers import Tokenizer
from lm_core.training.build import texts, trainer
from lm_core.training.recipe import ARTICLE
from lm_core.training.step_details import explain_step
from lm_core.training.trainer import Trainer
from pages.training import player, samples
from tests.pages.opening import FILES, bars, components, markup, open_page, said, send
from tests.pages.touching import choose, example, fill, find, press
from tests.reliability import cases

SHORT = {"text": "article", "net": "ngram"}
"""The article's run: 120 steps of a neural n-gram."""
pytestmark = pytest.mark.usefixtures("_folds_open", "_machine_in_time")
_numbers = itertools.count()


@pytest.fixture
def _machine_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is no reason to show another step than the one that is asked for."""
    monkeypatch.setattr(player, "_SOON", math.inf)
    monkeypatch.setattr(player, "_PATIENCE", 60.0)
    monkeypatch.setattr(samples, "_PATIENCE", math.inf)


def run(app: AppTest) -> dict[str, Any]:
    return components(app)["training"]


def act(app: AppTest, kind: str, **what: object) -> dict[str, Any]:
    """One act of the visitor, and the run after it."""
    send(app, "training", act={"kind": kind, "id": f"test:{next(_numbers)}", "subject": run(app)["subject"], **what})
    return run(app)


def until(app: AppTest, holds: Callable[[AppTest], bool], seconds: float = 120) -> None:
    """Runs the page again, as its timer does, until this holds."""
    end = time.monotonic() + seconds
    while not holds(app):
        assert time.monotonic() < end, run(app)["said"]
        time.sleep(0.2)  # the page's own timer is no faster, and the run needs the processor
        app.run()
        assert not app.exception


def to_the_end(app: AppTest) -> dict[str, Any]:
    act(app, "play", speed="fast")
    until(app, lambda app: not run(app)["playing"])
    return run(app)


def facts(app: AppTest) -> dict[str, str]:
    return dict(run(app)["facts"])


def trained(steps: int) -> tuple[Trainer, Tokenizer]:
    """The article's run, made here."""
    mine = trainer(ARTICLE, REGIONAL_LOCAL)
    for _ in range(steps):
        mine.advance()
    return mine, texts(ARTICLE, REGIONAL_LOCAL).tokenizer


def believes(mine: Trainer, words: Tokenizer, app: AppTest) -> None:
    """The bars show what this model has after the words on the page."""
    belief = Distribution(mine.model.next_logits([words.encode("left regional")])[0])
    best, shown = belief.top(1).rows[0], bars(app)["rows"][0]
    assert (shown["label"], shown["p"]) == (words.decode([best.id]), best.probability)


@pytest.mark.long("trains to the end")
def test_one_play_to_a_loss_near_the_floor() -> None:
    """How near the whole run comes is tests/core/training/test_build.py's; here it is soak's."""
    steps = cases(120, 500)
    app = open_page("training", run_seed="101", steps=str(steps))
    assert run(app)["said"] == "Nothing learned yet: 23,296 random weights. Press Play."
    assert to_the_end(app)["said"] == f"Done: {steps} steps."
    floor = tracking(1).grammar
    assert floor is not None
    near = 1.05 if steps == 500 else 2
    assert floor.cross_entropy < float(facts(app)["held-out loss"].split()[0]) < near * floor.cross_entropy
    baselines = [f"{each['name']}: {each['nats']:.4f}" for each in run(app)["baselines"]]
    assert baselines == [
        "guessing, ln 83: 4.4188",
        "unigram: 3.8158",
        "bigram: 0.9369",
        "grammar, the true floor: 0.5898",
    ]


def test_the_articles_run_is_an_example() -> None:
    """Seed 7, 120 steps of Adam: 2.121 -> 0.347, and "hub" after "left regional"."""
    app = open_page("training")
    example(app, "The article’s run")
    assert (run(app)["at"], run(app)["steps"], run(app)["seed"]) == (0, 120, 7)
    assert act(app, "step")["at"] == 1
    assert facts(app)["training loss"] == "2.1210 nats"
    assert to_the_end(app)["said"] == "Done: 120 steps."
    assert facts(app)["training loss"] == "0.3473 nats"  # before the last update; 0.3468 after it
    assert ("best possible on these lines", 0.3466) in [(f["name"], round(f["nats"], 4)) for f in run(app)["baselines"]]
    assert components(app)["Your words"]["text"] == "left regional"
    believes(*trained(120), app)
    assert bars(app)["rows"][0]["label"] == "hub"


def test_a_step_opens() -> None:
    app = open_page("training", **SHORT)
    for number in (1, 2):
        act(app, "step")
        assert f"Step {number}: 12 predictions, made in one pass." in said(app)
    opened = explain_step(trained(1)[0])
    first, slope = opened.asked[0], f"{opened.slopes[0].slope:+.4f}".replace("-", "−")
    row = f"regional {100 * first.before:.1f} % {first.loss:.4f} {100 * first.after:.1f} %"
    assert row in said(app)
    assert slope in said(app)
    assert opened.changes[0].name in said(app)


def test_a_step_of_a_process_that_only_now_starts_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(player, "_PATIENCE", 0.0)
    app = open_page("training", **SHORT, run_seed=4242)
    assert act(app, "step")["playing"] == "ahead"
    until(app, lambda app: not run(app)["playing"])
    assert run(app)["at"] == 1
    assert "predictions, made in one pass" in said(app)


def test_reset_gives_the_same_curve_and_a_new_seed_another() -> None:
    app = open_page("training", **SHORT)
    first = to_the_end(app)["loss"]
    assert (act(app, "reset")["at"], run(app)["seed"]) == (0, 7)
    assert to_the_end(app)["loss"] == first
    assert (act(app, "seed", seed=8)["at"], run(app)["seed"]) == (0, 8)
    assert to_the_end(app)["loss"] != first


def test_scrubbing_shows_that_step() -> None:
    app = open_page("training", at="120", **SHORT)
    until(app, lambda app: run(app)["said"] == "Done: 120 steps.")
    mine, words = trained(0)
    made = 0
    for step in (10, 11, 57):
        assert act(app, "move", at=step)["at"] == step
        for _ in range(step - made):
            last = mine.advance()
        made = step
        assert bars(app)["caption"] == f"What comes next, as the model of step {step} has it."
        assert facts(app)["training loss"] == f"{last.loss:.4f} nats"
        believes(mine, words, app)
    assert app.query_params["at"] == "57"
    assert run(app)["said"] == "Paused. The thin line is what is trained already."


def test_the_last_step_is_made_by_itself_and_none_behind_it() -> None:
    app = open_page("training", **SHORT)
    to_the_end(app)
    assert act(app, "move", at=119)["at"] == 119
    for _ in range(2):
        assert act(app, "step")["at"] == 120


def test_a_link_to_a_step_nobody_has_made_makes_it() -> None:
    app = open_page("training", run_seed="103", at="40")
    until(app, lambda app: run(app)["at"] == 40)
    assert run(app)["steps"] == 500
    assert run(app)["said"].startswith("Paused.")


def test_a_rate_that_is_too_high_is_said_with_where_to_go_back_to() -> None:
    app = open_page("training", learning_rate="1e6", steps="200", run_seed="5")
    sentence = to_the_end(app)["said"]
    assert "lower the learning rate" in sentence
    assert "back at step " in sentence


@pytest.mark.long("trains to the end")
def test_the_same_run_is_trained_once() -> None:
    first, second, late = (open_page("training", run_seed="104", steps="200") for _ in range(3))
    act(first, "play", speed="ten")
    assert act(second, "play", speed="ten")["said"] == "Training, with 2 visitors watching this run."
    for app in (first, second):
        assert to_the_end(app)["said"] == "Done: 200 steps."
    assert facts(first) == facts(second)  # the seconds, too, are those of one run
    late.run()
    assert "Nothing learned yet" in run(late)["said"]
    assert act(late, "play", speed="full")["said"].startswith("This run is trained already")


@pytest.mark.long("trains three models")
def test_a_race_and_one_prompt_under_all() -> None:
    app = open_page("training", steps="60", run_seed="3")
    press(app, "Start the race")
    until(app, lambda app: "Steps made: Neural n-gram 60, GRU 60, Transformer 60 of 60." in said(app))
    choose(app, "three learning rates")
    press(app, "Start the race")
    until(app, lambda app: "Steps made: rate 0.0004 60, rate 0.004 60, rate 0.04 60 of 60." in said(app))
    names = ("bigram, counted", "Neural n-gram, step 60", "GRU, step 60", "Transformer, step 60")
    for name in (*names, "SmolLM2-135M-Instruct"):
        assert f'<th scope="row">{name}</th>' in markup(app)


def test_an_example_begins_at_its_beginning() -> None:
    app = open_page("training", at="40", **SHORT)
    until(app, lambda app: run(app)["at"] == 40)
    example(app, "One state carries the past: a GRU")
    assert (run(app)["at"], run(app)["steps"], run(app)["seed"]) == (0, 500, 0)


def test_own_words_follow_the_text_until_one_types() -> None:
    app = open_page("training", text="own", own="hello")
    assert components(app)["Your words"]["text"] == "hello"
    assert len(bars(app)["rows"]) == 3  # as many as there are: <bos>, <eos>, hello
    fill(app, "Your text, one message a line", "red green blue\nred blue green")
    assert components(app)["Your words"]["text"] == "red"
    assert len(bars(app)["rows"]) == 5


def test_a_link_finds_a_text_too_long_for_it() -> None:
    app = open_page("training", text="own", steps="20")
    long = "\n".join(f"the parcel {i % 50} left the hub {i % 7}" for i in range(400)).encode()
    app.get("file_uploader")[0].set_value(("long.txt", long, "text/plain")).run()
    assert "This text is too long for a link." in said(app)
    assert to_the_end(app)["said"] == "Done: 20 steps."
    assert len(app.query_params["run"]) == 16
    again = open_page("training", **app.query_params)
    assert "The text of this link is stored with its run" in said(again)
    assert (run(again)["at"], facts(again)) == (20, facts(app))


def test_what_it_wrote_is_stamped() -> None:
    app = open_page("training", at="120", **SHORT)
    until(app, lambda app: run(app)["said"] == "Done: 120 steps.")
    assert markup(app).count('<th scope="row">0</th>') == 1
    assert markup(app).count('<th scope="row">120</th>') == 1


def test_what_it_writes_is_no_markup() -> None:
    app = open_page("training", text="own", own="<b> <b> <b> <b>", net="ngram", steps="60")
    to_the_end(app)
    written = re.findall(r'Written at step 60, drawn at T = 1: <span class="nte-token">([^<]*)</span></p>', markup(app))
    assert len(written) == 1
    assert "&lt;" in written[0]


def test_a_run_is_looked_into_on_page_7() -> None:
    """Once it has begun, at its start and at its last step; its words, its model."""
    app = open_page("training", text="article", net="transformer", steps="40", layers="1", heads="2")
    to_the_end(app)
    app.switch_page(FILES["inside_the_transformer"]).run()
    choose(app, "Your run")
    assert "Your run on page Training" in said(app)
    data = components(app)["layers_picture"]
    assert [row["layer"] for row in data["rows"]] == [1, 0]
    assert data["tokens"][0] == "<bos>"
    last = data["rows"][0]["cells"]
    find(app, "Training step", "select_slider").set_value(0).run()
    assert app.query_params["step"] == "0"
    assert components(app)["layers_picture"]["rows"][0]["cells"] != last
