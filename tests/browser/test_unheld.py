"""A model that only an engine elsewhere holds: every page works with it, or says why it shows another."""

import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from lm_core import Distribution, label
from lm_core.models.begun import Begun
from lm_core.pretrained import local
from lm_core.remote import settings
from tests.browser.server import ROOT, Server, running
from tests.core.pretrained.test_local import FAMILIES, WORDS, random_model
from tests.core.remote.fault_server import Engine, serving
from tests.reliability.visitors import visit

Open = Callable[..., Page]
PAGES = sorted(path.stem.split("_", 1)[1] for path in (ROOT / "pages").glob("[0-9]*.py"))
BY = "Numbers by vLLM, “big”: its log-probabilities, all 300. Nothing here can test them."


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Holds a random Llama that reads <s> before each text."""
    folder = tmp_path_factory.mktemp("model") / "big"
    random_model({**FAMILIES["llama 3"], "max_position_embeddings": 256}).save_pretrained(folder)
    (folder / "tokenizer.json").write_text(WORDS.to_json(), encoding="utf-8")
    with serving(Engine(local.load(folder)[0], "vllm")) as engine:
        engine.folder = folder  # type: ignore[attr-defined]
        yield engine


@pytest.fixture(scope="module")
def away(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app, which has two files of that model."""
    here = tmp_path_factory.mktemp("here")
    for name in ("config.json", "tokenizer.json"):
        shutil.copy(engine.folder / name, here / name)  # type: ignore[attr-defined]
    setting = f"big=vllm+{engine.url} as tokenizer:{here}"
    with running(here, changed=f"import os\nos.environ[{settings.SETTING!r}] = {setting!r}") as server:
        server.wait_until("/ready")
        yield server


@pytest.mark.parametrize("place", PAGES)
def test_every_page_works_with_it_or_says_why_not(away: Server, place: str) -> None:
    """A visitor without a browser: an exception on the page is one here."""
    shown = visit(away, place, "model=big&prompt=the+parcel&text=the+parcel+left")
    assert 'role="alert"' not in shown
    if place in ("next_token", "temperature", "generation", "loss", "limits"):
        assert BY in shown
    if place == "kv_cache":
        assert "The chosen model keeps no KV cache" in shown
    if place == "inside_the_transformer":
        assert "An engine cannot be looked into: all numbers are those of smollm2-135m" in shown


def test_its_bars_stand_and_where_it_falls_nothing_stands_in_their_place(
    away: Server, engine: Engine, open_page: Open
) -> None:
    page = open_page(away, "/next_token?model=big&prompt=the+hub")
    model = Begun(*local.load(engine.folder))  # type: ignore[attr-defined]
    top = Distribution(model.next_logits([model.tokenizer.encode("the hub")])[0]).top(10).rows
    names = [label(model.tokenizer.token_bytes(row.id)) for row in top]
    expect(page.locator("tr[data-id] th.token")).to_have_text(names)
    assert engine.asked[-1][1]["prompt"][0] == model.tokenizer.begin_ids[0]
    engine.fault = "500"
    page.get_by_label("Prompt", exact=True).fill("the hub left")
    expect(page.get_by_role("alert")).to_have_text(
        "The engine (vLLM) answers with status 500. No other server holds this model. Choose another model, or try "
        "again in a while."
    )
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("the hub left")
    expect(page.locator("tr[data-id]")).to_have_count(0)
    engine.fault = ""
    page.get_by_label("Prompt", exact=True).fill("the hub left the")
    expect(page.locator("tr[data-id]")).to_have_count(10)
