"""An engine elsewhere in the real app: it is named beside its numbers, and where it fails the server's own are."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import pytest
from playwright.sync_api import Page, expect

from lm_core import LanguageModel, pretrained
from lm_core.distribution import log_softmax
from lm_core.remote import settings
from tests.browser.server import Server, running
from tests.core.remote.fault_server import Engine, serving

PARIS = 7042
Open = Callable[..., Page]
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
def engine() -> Iterator[Engine]:
    with serving(Engine(cast(LanguageModel, Warmer()), "vllm")) as engine:
        yield engine


@pytest.fixture(scope="module")
def away(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    setting = f"fast=vllm+{engine.url} as smollm2-135m"
    changed = f"import os\nos.environ[{settings.SETTING!r}], os.environ[{settings.KEY!r}] = {setting!r}, 'secret'"
    with running(tmp_path_factory.mktemp("away"), changed=changed) as server:
        server.wait_until("/ready")
        yield server


@pytest.mark.parametrize("place", ["next_token", "temperature", "generation", "loss"])
def test_the_engine_is_named_beside_its_numbers(away: Server, engine: Engine, open_page: Open, place: str) -> None:
    page = open_page(away, f"/{place}?model=fast")
    expect(page.get_by_text(BY)).to_be_visible()
    expect(page.get_by_text(re.compile("By vLLM, “fast”")).first).to_be_visible()  # beside the figure too
    for shown in (page, open_page(away, "/about?look=server")):
        expect(shown.get_by_role("heading", level=1)).to_be_visible()
        assert "secret" not in shown.content()
        assert engine.url not in shown.content()
    assert engine.asked[-1][2] == "Bearer secret"


def test_what_is_looked_into_is_this_servers(away: Server, open_page: Open) -> None:
    page = open_page(away, "/inside_the_transformer?model=fast&look=attention")
    expect(page.get_by_text("all numbers are those of smollm2-135m on this server")).to_be_visible()
    expect(page.get_by_text(BY)).to_have_count(0)


def test_the_bars_are_the_engines(away: Server, engine: Engine, open_page: Open) -> None:
    page = open_page(away, "/next_token?model=fast")
    nats = log_softmax(engine.model.next_logits([engine.model.tokenizer.encode("The capital of France is")])[0])
    assert round(nats[PARIS], 3) != -0.258  # as this server has it
    expect(page.locator(f'tr[data-id="{PARIS}"]')).to_contain_text(f"{nats[PARIS]:.3f}".replace("-", "−"))
    page.get_by_label("Prompt", exact=True).fill("The capital of Italy is")
    expect(page.get_by_role("rowheader", name="space Rome", exact=True)).to_be_visible()
    expect(page.get_by_text(BY)).to_be_visible()


def test_where_it_fails_the_servers_own_numbers_stand_and_it_is_said(
    away: Server, engine: Engine, open_page: Open
) -> None:
    page = open_page(away, "/next_token?model=fast&prompt=The+sun+is")
    expect(page.get_by_text(BY)).to_be_visible()
    engine.fault = "HTML"
    page.get_by_label("Prompt", exact=True).fill("The sun is very")
    expect(page.get_by_text("no JSON, or not all of it. The numbers here are this server’s own")).to_be_visible()
    expect(page.locator(".tokens li")).to_have_count(4)
    expect(page.locator("tr[data-id]")).to_have_count(10)
    expect(page.get_by_text("All bars sum to 100 %. By this server.")).to_be_visible()
    engine.fault = ""
    page.get_by_label("Prompt", exact=True).fill("The sun is very very")
    expect(page.get_by_text(BY)).to_be_visible()


def test_of_numbers_that_are_kept_it_is_said_again_whose_they_are(
    away: Server, engine: Engine, open_page: Open
) -> None:
    """A rerun that asks nobody anything says the same as the one that asked; on a stage as well."""
    own = re.compile("asked for at most 64 positions of a text. (The|Some) numbers here are this server’s own")
    text = "+".join(["the", "parcel"] * 40)
    page = open_page(away, f"/loss?model=fast&text={text}")
    expect(page.get_by_text(own)).to_be_visible()
    asked = len(engine.asked)
    page.get_by_role("button", name="Present this page").click()
    expect(page.get_by_role("button", name="Leave presenter view")).to_be_visible()
    expect(page.get_by_text(own)).to_be_visible()
    assert len(engine.asked) == asked


def test_twenty_of_them_are_shown_with_the_rest(engine: Engine, open_page: Open, tmp_path: object) -> None:
    engine.fault = "limit"
    setting = f"fast=vllm+{engine.url} as smollm2-135m"
    changed = f"import os\nos.environ[{settings.SETTING!r}] = {setting!r}"
    with running(tmp_path, changed=changed) as server:  # type: ignore[arg-type]
        server.wait_until("/ready")
        page = open_page(server, "/next_token?model=fast")
        table = page.locator("table", has_text="gives its 20 likeliest tokens, and no temperature")
        expect(table.locator("tbody tr")).to_have_count(21)
        expect(table.locator("tbody tr").last).to_contain_text("rest: 49,132 tokens")
        page.goto(server.url + "/temperature?model=fast")
        expect(page.get_by_text("gives 20 of 49,152 probabilities, and temperature needs all of them")).to_be_visible()
        expect(table.locator("tbody tr")).to_have_count(21)
        expect(page.get_by_role("slider")).to_have_count(0)
        page.close()
    engine.fault = ""
