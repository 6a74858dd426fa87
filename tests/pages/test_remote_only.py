"""A model that only an engine elsewhere holds: every page works with it, or says why it shows another."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from lm_core import Distribution, label
from lm_core.models.prefixed_model import PrefixedModel
from lm_core.pretrained import local
from lm_core.remote import settings
from lm_core.serving import registry
from tests.core.pretrained.test_local import FAMILIES, WORDS, random_model
from tests.core.remote.fault_server import Engine, serving
from tests.pages.opening import ENTRIES, bars, components, markup, name_of, open_page, said
from tests.pages.test_next_token import type_prompt

BY = "Numbers by vLLM, “big”: its log-probabilities, all 300. Nothing here can test them."


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama that reads <s> before each text."""
    folder = tmp_path_factory.mktemp("model") / "big"
    random_model({**FAMILIES["llama 3"], "max_position_embeddings": 256}).save_pretrained(folder)
    (folder / "tokenizer.json").write_text(WORDS.to_json(), encoding="utf-8")
    return folder


@pytest.fixture(scope="module", autouse=True)
def engine(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Holds it, while this process has two files of it."""
    here = tmp_path_factory.mktemp("here")
    for name in ("config.json", "tokenizer.json"):
        shutil.copy(folder / name, here / name)
    with serving(Engine(local.load(folder)[0], "vllm")) as engine, pytest.MonkeyPatch.context() as patch:
        patch.setenv(settings.SETTING, f"big=vllm+{engine.url} as tokenizer:{here}")
        settings.engines.cache_clear()
        yield engine
    registry._served.pop("big", None)
    settings.engines.cache_clear()


@pytest.mark.parametrize("entry", ENTRIES, ids=name_of)
def test_every_page_works_with_it_or_says_why_not(entry: object) -> None:
    place = name_of(entry)  # type: ignore[arg-type]
    app = open_page(place.removeprefix("home"), model="big", prompt="the parcel", text="the parcel left")
    assert 'role="alert"' not in markup(app)
    if place in ("next_token", "temperature", "generation", "loss", "limits"):
        assert BY in said(app)
    if place == "kv_cache":
        assert "The chosen model keeps no KV cache" in said(app)
    if place == "inside_the_transformer":
        assert "An engine cannot be looked into: all numbers are those of smollm2-135m" in said(app)


def test_its_bars_stand_and_where_it_falls_nothing_stands_in_their_place(engine: Engine, folder: Path) -> None:
    app = open_page(model="big", prompt="the hub")
    model = PrefixedModel(*local.load(folder))
    top = Distribution(model.next_logits([model.tokenizer.encode("the hub")])[0]).top(10).rows
    assert [row["label"] for row in bars(app)["rows"]] == [label(model.tokenizer.token_bytes(row.id)) for row in top]
    assert engine.asked[-1][1]["prompt"][0] == model.tokenizer.begin_ids[0]
    engine.fault = "500"
    type_prompt(app, "the hub left")
    assert (
        "The engine (vLLM) answers with status 500. No other server holds this model. Choose another model, or try "
        "again in a while."
    ) in said(app)
    assert components(app)["Prompt"]["text"] == "the hub left"
    assert "bars" not in components(app)
    engine.fault = ""
    type_prompt(app, "the hub left the")
    assert len(bars(app)["rows"]) == 10
