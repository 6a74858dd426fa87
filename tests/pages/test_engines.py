"""An engine elsewhere, on every page that asks it: it is named beside its numbers, and what happens where it fails."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, cast

import pytest
from streamlit.testing.v1 import AppTest

from lm_core import LanguageModel, pretrained
from lm_core.logits import log_softmax
from lm_core.remote import settings
from lm_core.serving import registry
from tests.core.remote.fault_server import Engine, serving
from tests.pages.opening import bars, components, open_page, said
from tests.pages.test_next_token import type_prompt
from tests.pages.touching import press

PARIS = 7042
BY = re.compile(
    "Numbers by vLLM, “fast”: its log-probabilities, all 49,152. After the test prompt they are at most .+ nats"
)


class Warmer:
    """The served model at a temperature of 1.005, so that its numbers cannot be this server's own."""

    def __init__(self) -> None:
        self._model = pretrained.load_engine()
        self.tokenizer = self._model.tokenizer

    def next_logits(self, batch: Sequence[Sequence[int]]) -> Any:
        return self._model.next_logits(batch) / 1.005


@pytest.fixture(scope="module")
def model_elsewhere() -> LanguageModel:
    return cast(LanguageModel, Warmer())


@pytest.fixture
def engine(model_elsewhere: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """An engine that this process knows as an operator's."""
    with serving(Engine(model_elsewhere, "vllm")) as engine:
        monkeypatch.setenv(settings.SETTING, f"fast=vllm+{engine.url} as smollm2-135m")
        monkeypatch.setenv(settings.KEY, "secret")
        settings.engines.cache_clear()
        yield engine
    registry._served.pop("fast", None)
    settings.engines.cache_clear()


def sent(app: AppTest) -> str:
    """Everything that a browser is sent of the page."""
    return " ".join(str(node.proto) for node in app._tree if hasattr(node, "proto"))


@pytest.mark.parametrize("place", ["next_token", "temperature", "generation", "loss"])
def test_the_engine_is_named_beside_its_numbers(engine: Engine, place: str) -> None:
    app = open_page(place, model="fast")
    assert BY.search(said(app))
    figure = " ".join(map(str, components(app).values())) + said(app).replace("Numbers by vLLM", "")
    assert "By vLLM, “fast”" in figure  # beside the figure too
    for shown in (app, open_page("about", look="server")):
        assert "secret" not in sent(shown)
        assert engine.url not in sent(shown)
    assert engine.asked[-1][2] == "Bearer secret"


def test_what_is_looked_into_is_this_servers(engine: Engine) -> None:
    app = open_page("inside_the_transformer", model="fast", look="attention")
    assert "all numbers are those of smollm2-135m on this server" in said(app)
    assert not BY.search(said(app))


def test_the_bars_are_the_engines(engine: Engine) -> None:
    app = open_page(model="fast")
    nats = log_softmax(engine.model.next_logits([engine.model.tokenizer.encode("The capital of France is")])[0])
    assert round(nats[PARIS], 3) != -0.258  # as this server has it
    assert (bars(app)["rows"][0]["id"], bars(app)["rows"][0]["log_p"]) == (PARIS, pytest.approx(nats[PARIS], abs=1e-4))
    type_prompt(app, "The capital of Italy is")
    assert bars(app)["rows"][0]["label"] == "·Rome"
    assert BY.search(said(app))


def test_where_it_fails_the_servers_own_numbers_stand_and_it_is_said(engine: Engine) -> None:
    app = open_page(model="fast", prompt="The sun is")
    assert BY.search(said(app))
    engine.fault = "HTML"
    type_prompt(app, "The sun is very")
    assert "no JSON, or not all of it. The numbers here are this server’s own" in said(app)
    assert (len(components(app)["Prompt"]["tokens"]), len(bars(app)["rows"])) == (4, 10)
    assert "By this server." in str(bars(app))
    engine.fault = ""
    type_prompt(app, "The sun is very very")
    assert BY.search(said(app))


def test_of_numbers_that_are_kept_it_is_said_again_whose_they_are(engine: Engine) -> None:
    """A rerun that asks nobody anything says the same as the one that asked; on a stage as well."""
    own = re.compile("asked for at most 64 positions of a text. (The|Some) numbers here are this server’s own")
    app = open_page("loss", model="fast", text=" ".join(["the", "parcel"] * 40))
    assert own.search(said(app))
    asked = len(engine.asked)
    press(app, "Present this page")
    assert own.search(said(app))
    assert len(engine.asked) == asked


def test_twenty_of_them_are_shown_with_the_rest(engine: Engine) -> None:
    engine.fault = "limit"
    app = open_page(model="fast")
    assert "gives its 20 likeliest tokens, and no temperature" in said(app)
    assert "rest: 49,132 tokens" in said(app)
    app = open_page("temperature", model="fast")
    assert "gives 20 of 49,152 probabilities, and temperature needs all of them" in said(app)
    assert "rest: 49,132 tokens" in said(app)
    assert "temperature" not in components(app)
