"""An engine elsewhere, as an operator sets it up: its numbers stand in the browser, and its key and address do not."""

from collections.abc import Callable, Iterator
from typing import cast

import pytest
from playwright.sync_api import Page, expect

from lm_core import LanguageModel
from lm_core.logits import log_softmax
from lm_core.remote import settings
from tests.browser.screen import settled
from tests.browser.server import Server, running
from tests.core.remote.fault_server import Engine, serving
from tests.pages.test_engines import BY, PARIS, Warmer

Open = Callable[..., Page]


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


@pytest.mark.long("starts a server and a recorded engine")
def test_the_bars_are_the_engines(away: Server, engine: Engine, open_page: Open) -> None:
    page = open_page(away, "/next_token?model=fast")
    nats = log_softmax(engine.model.next_logits([engine.model.tokenizer.encode("The capital of France is")])[0])
    assert round(nats[PARIS], 3) != -0.258  # as this server has it
    expect(page.locator(f'tr[data-id="{PARIS}"]')).to_contain_text(f"{nats[PARIS]:.3f}".replace("-", "−"))
    page.get_by_label("Prompt", exact=True).fill("The capital of Italy is")
    expect(page.get_by_role("rowheader", name="space Rome", exact=True)).to_be_visible()
    expect(page.get_by_text(BY)).to_be_visible()
    for path in (None, "/about?look=server"):
        if path:
            page.goto(away.url + path)
        settled(page)
        assert "secret" not in page.content()
        assert engine.url not in page.content()
    assert engine.asked[-1][2] == "Bearer secret"
