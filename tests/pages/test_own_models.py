"""The operator's own models: every page works with them, or says why it shows another."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lm_core import Distribution, label
from lm_core.models.prefixed_model import PrefixedModel
from lm_core.pretrained import local
from lm_core.serving import limits, registry
from tests.core.pretrained.test_local import FAMILIES, WORDS, random_model
from tests.pages.opening import ENTRIES, bars, name_of, open_page, said

OTHER = {"model_type": "gpt_neox", "vocab_size": 300, "hidden_size": 32, "num_hidden_layers": 1}
OTHER |= {"num_attention_heads": 2, "intermediate_size": 48, "max_position_embeddings": 256}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A random Llama and a Qwen that read <s> before each text, and one of a family that only the adapter reads."""
    made = tmp_path_factory.mktemp("models")
    llama, qwen = ({**FAMILIES[family], "max_position_embeddings": 256} for family in ("llama 3", "qwen2"))
    for name, config in [("ours", llama), ("again", qwen), ("other", OTHER)]:
        random_model(config).save_pretrained(made / name)
        (made / name / "tokenizer.json").write_text(WORDS.to_json(), encoding="utf-8")
    return {name: made / name for name in ("ours", "again", "other")}


@pytest.fixture(scope="module", autouse=True)
def _set_up(folders: dict[str, Path]) -> Iterator[None]:
    """This process knows them as an operator's."""
    with pytest.MonkeyPatch.context() as patch:
        named = f"ours={folders['ours']}; again={folders['again']}; other=transformers:{folders['other']}"
        patch.setenv(local.SETTING, f"{named}; gone=/nowhere")
        patch.setattr(limits, "MEMORY", 2**40)
        local.entries.cache_clear()
        yield
    for name in [name for name in registry._served if name.startswith(("ours", "again", "other"))]:
        del registry._served[name]
    local.entries.cache_clear()


@pytest.mark.parametrize("name", ["ours", "other"])
@pytest.mark.parametrize("entry", ENTRIES, ids=name_of)
def test_every_page_works_with_it_or_says_why_not(name: str, entry: object) -> None:
    place = name_of(entry)  # type: ignore[arg-type]
    shown = said(open_page(place.removeprefix("home"), model=name, prompt="the parcel", text="the parcel left"))
    if place == "kv_cache" and name == "other":
        assert "The chosen model keeps no KV cache" in shown
    if place == "inside_the_transformer" and name == "other":
        assert "cannot be looked into: the small Transformer" in shown


@pytest.mark.parametrize("name", ["ours", "other"])
def test_the_bars_are_this_models(folders: dict[str, Path], name: str) -> None:
    model = PrefixedModel(*local.load(folders[name], adapted=name == "other"))
    top = Distribution(model.next_logits([model.tokenizer.encode("the hub")])[0]).top(10).rows
    shown = bars(open_page(model=name, prompt="the hub"))["rows"]
    assert [row["label"] for row in shown] == [label(model.tokenizer.token_bytes(row.id)) for row in top]
    assert [row["p"] for row in shown] == pytest.approx([row.probability for row in top], rel=1e-4)


def test_a_model_that_is_gone_says_so() -> None:
    assert "The model gone is not where the setting" in said(open_page(model="gone"))
    app = open_page(model="unheard-of")
    assert "unheard-of" in said(app)
    assert len(bars(app)["rows"]) == 10


def test_each_is_looked_into_by_itself() -> None:
    """Passes are kept for all visitors: two models read the same ids, and neither is shown the other's."""
    found = set()
    for name in ("ours", "again"):
        app = open_page("inside_the_transformer", model=name, look="attention", text="the parcel left")
        found |= set(re.findall(r"([\d.]+ %) of its attention, in layer 1, head 1", said(app)))
    assert len(found) == 2
