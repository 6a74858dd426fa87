"""The operator's own models in the real app: every page works with them, or says why it shows another."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from lm_core import Distribution, label
from lm_core.models.begun import Begun
from lm_core.pretrained import local
from tests.browser.server import ROOT, Server, running
from tests.core.pretrained.test_local import FAMILIES, WORDS, random_model
from tests.reliability.visitors import visit

Open = Callable[..., Page]
OTHER = {"model_type": "gpt_neox", "vocab_size": 300, "hidden_size": 32, "num_hidden_layers": 1}
OTHER |= {"num_attention_heads": 2, "intermediate_size": 48, "max_position_embeddings": 256}
PAGES = sorted(path.stem.split("_", 1)[1] for path in (ROOT / "pages").glob("[0-9]*.py"))


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A random Llama that reads <s> before each text, and a random model of a family that only the adapter reads."""
    made = tmp_path_factory.mktemp("models")
    for name, config in [("ours", {**FAMILIES["llama 3"], "max_position_embeddings": 256}), ("other", OTHER)]:
        random_model(config).save_pretrained(made / name)
        (made / name / "tokenizer.json").write_text(WORDS.to_json(), encoding="utf-8")
    return {name: made / name for name in ("ours", "other")}


@pytest.fixture(scope="module")
def own(folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    setting = f"ours={folders['ours']}; other=transformers:{folders['other']}; gone=/nowhere"
    changed = f"import os\nos.environ[{local.SETTING!r}] = {setting!r}"
    with running(tmp_path_factory.mktemp("server"), changed=changed) as server:
        server.wait_until("/ready")
        yield server


@pytest.mark.parametrize("name", ["ours", "other"])
@pytest.mark.parametrize("place", PAGES)
def test_every_page_works_with_it_or_says_why_not(own: Server, name: str, place: str) -> None:
    """A visitor without a browser: an exception on the page is one here."""
    shown = visit(own, place, f"model={name}&prompt=the+parcel&text=the+parcel+left")
    if place == "kv_cache" and name == "other":
        assert "The chosen model keeps no KV cache" in shown
    if place == "inside_the_transformer" and name == "other":
        assert "cannot be looked into: the small Transformer" in shown


@pytest.mark.parametrize("name", ["ours", "other"])
def test_the_bars_are_this_models(own: Server, open_page: Open, folders: dict[str, Path], name: str) -> None:
    page = open_page(own, f"/next_token?model={name}&prompt=the+hub")
    model = Begun(*local.load(folders[name], adapted=name == "other"))
    top = Distribution(model.next_logits([model.tokenizer.encode("the hub")])[0]).top(10).rows
    expect(page.locator("tr[data-id] th.token")).to_have_text(
        [label(model.tokenizer.token_bytes(row.id)) for row in top]
    )


def test_a_model_that_is_gone_says_so(own: Server, open_page: Open) -> None:
    page = open_page(own, "/next_token?model=gone")
    expect(page.get_by_text("The model gone is not where the setting")).to_be_visible()
    page.goto(own.url + "/next_token?model=unheard-of")
    expect(page.get_by_text("unheard-of")).to_be_visible()
    expect(page.locator("tr[data-id]")).to_have_count(10)
