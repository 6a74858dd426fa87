"""An engine's answers are the model's numbers, or a named refusal; whoever asks gets the right numbers either way."""

import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch

from lm_core import LanguageModel, ModelUnavailable, Transformer
from lm_core.logits import log_softmax
from lm_core.models.config import TransformerConfig
from lm_core.models.prefixed_model import PrefixedModel
from lm_core.remote.client import Client, EngineFailed
from lm_core.remote.model import Probe, RemoteModel
from lm_core.remote.remote_only import RemoteOnlyModel
from lm_core.remote.settings import parse
from lm_core.serving import ServedModel
from lm_core.serving.engine_with_fallback import EngineWithFallback, Provenance
from tests.core.pretrained.test_local import WORDS
from tests.core.remote.fault_server import Engine, serving

IDS = WORDS.encode("the hub")
SIZE = WORDS.vocab_size


@pytest.fixture(scope="module")
def tiny() -> Transformer:
    config = TransformerConfig(SIZE, 64, layers=1, heads=2, kv_heads=1, head_dim=8, hidden=16, ffn=16)
    model = Transformer(config, WORDS, [1])
    model.initialise(torch.Generator().manual_seed(0), std=0.6)
    return model.eval()


@pytest.fixture(params=["vllm", "llamacpp"])
def engine(request: pytest.FixtureRequest, tiny: Transformer) -> Iterator[Engine]:
    with serving(Engine(tiny, request.param)) as engine:
        yield engine


def asking(engine: Engine, key: str = "", seconds: float = 10) -> Client:
    return Client(engine.dialect, engine.url, key, seconds)


def test_rows_are_the_models_log_probabilities(engine: Engine, tiny: Transformer) -> None:
    remote = RemoteModel(asking(engine, key="secret"), tiny)
    assert remote.next_logits([IDS])[0] == pytest.approx(log_softmax(tiny.next_logits([IDS])[0]))
    assert remote.logits(IDS)[1] == pytest.approx(log_softmax(tiny.next_logits([IDS[:2]])[0]))
    probe = remote.probe()
    assert (probe.complete, probe.entries) == (True, SIZE)
    assert probe.nats < 1e-9
    path, body, authorization = engine.asked[0]
    assert (path, body["prompt"], authorization) == ("/v1/completions", IDS, "Bearer secret")
    assert body["model"] == ("served" if engine.dialect == "vllm" else "default")


def test_what_the_twin_reads_before_a_text_is_sent_too(engine: Engine, tiny: Transformer) -> None:
    begun = PrefixedModel(tiny, [0])
    remote = RemoteModel(asking(engine), begun, [0])
    assert remote.next_logits([IDS])[0] == pytest.approx(log_softmax(begun.next_logits([IDS])[0]))
    assert remote.probe().nats < 1e-9


REFUSALS = {
    "null": "gives no log-probabilities",
    "few": f"gave 20 of {SIZE}",
    "texts": "gives no log-probabilities with token ids",
    "beyond": "names a token id beyond this vocabulary",
    "too much": "gives probabilities that sum to 1.105",
    "HTML": "no JSON",
    "500": "answers with status 500",
    "redirect": "answers with status 302",
    "truncated": "no JSON, or not all of it",
    "broken off": "broke off its answer|no JSON|cannot be reached",
    "slow": "did not answer within 0.5 s",
    "dripping": "did not answer within 0.5 s",
    "dripping bytes": "did not answer within 0.5 s",
    "large redirect": "sends more than 64 MB|did not answer within 2 s",
}


@pytest.mark.parametrize("fault", REFUSALS)
def test_each_fault_is_named_and_the_twin_answers(engine: Engine, tiny: Transformer, fault: str) -> None:
    seconds = 0.5 if "0.5 s" in REFUSALS[fault] else 2  # those that are waited out; the rest answer at once
    remote = RemoteModel(asking(engine, seconds=seconds), tiny)
    served = EngineWithFallback(remote, ServedModel(tiny))
    assert served.probe().complete
    engine.fault = fault
    with pytest.raises(EngineFailed, match=f"^The engine .(vLLM|llama.cpp). .*({REFUSALS[fault]})"):
        remote.next_logits([IDS])
    assert log_softmax(served.next_logits([IDS])[0]) == pytest.approx(log_softmax(tiny.next_logits([IDS])[0]))
    answered_by = served.take_provenance()
    assert (answered_by.engine, answered_by.own) == (0, 1)
    assert any(said in answered_by.why for said in REFUSALS[fault].split("|"))
    engine.fault = ""
    served.next_logits([IDS])
    assert (served.take_provenance().engine, served.take_provenance().own) == (1, 0)


def test_another_model_is_noticed_when_connecting(engine: Engine, tiny: Transformer) -> None:
    engine.fault = "another model"
    served = EngineWithFallback(RemoteModel(asking(engine), tiny), ServedModel(tiny))
    with pytest.raises(EngineFailed, match="it serves other weights"):
        served.probe()
    engine.fault = ""
    served.next_logits([IDS])  # it is not asked again at once
    assert "it serves other weights" in served.take_provenance().why


@pytest.mark.parametrize(("apart", "other"), [(0.019, False), (0.021, True)])
def test_how_far_an_engine_may_be(engine: Engine, tiny: Transformer, apart: float, other: bool) -> None:
    """0.02 in the probability of a token: a quantised engine of the same weights keeps it, another model does not."""

    class Shifted:
        def next_logits(self, batch: Sequence[Sequence[int]]) -> np.ndarray:
            p = np.exp(log_softmax(tiny.next_logits(batch)[0]))
            first, second = np.argsort(-p)[:2]
            p[first], p[second] = p[first] - apart, p[second] + apart
            return np.log(p)[None]

    engine.model = cast(LanguageModel, Shifted())
    try:
        remote = RemoteModel(asking(engine), tiny)
        if other:
            with pytest.raises(EngineFailed, match=r"0\.02 more or less probability .* it serves other weights"):
                remote.probe()
        else:
            assert remote.probe().probability == pytest.approx(apart)
    finally:
        engine.model = tiny


def test_an_engine_that_comes_back_as_another_model_is_noticed(engine: Engine, tiny: Transformer) -> None:
    served = EngineWithFallback(RemoteModel(asking(engine), tiny), ServedModel(tiny))
    for fault, said in [("", ""), ("500", "status 500"), ("another model", "it serves other weights")]:
        engine.fault = fault
        ids = [*IDS, len(fault)]  # not one that is kept
        expected = log_softmax(tiny.next_logits([ids])[0])
        assert log_softmax(served.next_logits([ids])[0]) == pytest.approx(expected, abs=1e-4)
        assert said in served.take_provenance().why


def test_a_long_text_is_the_twins(engine: Engine, tiny: Transformer) -> None:
    served = EngineWithFallback(RemoteModel(asking(engine), tiny), ServedModel(tiny))
    text = (IDS * 20)[:64]
    assert served.logits(text[:3]).shape == (3, SIZE)
    assert served.take_provenance().engine == 3
    with pytest.raises(ValueError, match="tokens in the context"):
        served.logits([*text, 2])  # one too many for the twin's context as well, which says so
    assert "at most 64 positions" in served.take_provenance().why


def test_an_engine_that_gives_only_twenty(engine: Engine, tiny: Transformer) -> None:
    """Refused or cut short: twenty and the rest are shown as they are, and nothing else is made of them."""
    for fault in ("limit", "few"):
        engine.fault = fault
        served = EngineWithFallback(RemoteModel(asking(engine), tiny), ServedModel(tiny))
        served.next_logits([IDS])
        assert f"gives 20 of {SIZE} probabilities, and temperature needs all" in served.take_provenance().why
        assert served.gives_few()
        top, exact = served.top(IDS), np.sort(log_softmax(tiny.next_logits([IDS])[0]))[::-1]
        assert top.nats == pytest.approx(exact[:20])
        assert top.rest == pytest.approx(np.exp(exact[20:]).sum())
        engine.fault = "500"
        served.take_provenance()
        with pytest.raises(EngineFailed):
            served.top(IDS)
        assert "status 500" in served.take_provenance().why


def test_a_model_that_the_engine_alone_holds(engine: Engine, tiny: Transformer, tmp_path: Path) -> None:
    """Its tokenizer is enough; where the engine fails nobody answers in its place, and it is said."""
    config = {"vocab_size": SIZE, "max_position_embeddings": 64, "eos_token_id": 1}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "tokenizer.json").write_text(WORDS.to_json())
    words = RemoteOnlyModel(tmp_path)
    assert (words.vocab_size, words.context_length, words.end_ids) == (SIZE, 64, {1})
    served = EngineWithFallback(RemoteModel(asking(engine), words), words)
    assert log_softmax(served.next_logits([IDS])[0]) == pytest.approx(log_softmax(tiny.next_logits([IDS])[0]))
    assert served.probe() == Probe(complete=True, entries=SIZE, nats=None, probability=None)
    for fault, said in [("500", "answers with status 500"), ("few", f"gives 20 of {SIZE} probabilities")]:
        engine.fault = fault
        with pytest.raises(EngineFailed, match=rf"{said}.* No other server holds this model\. Choose another"):
            served.next_logits([IDS[:2]])
    with pytest.raises(EngineFailed, match=r"at most 64 positions .* Shorten the text"):
        served.logits(IDS * 30)
    assert served.take_provenance().own == 0


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "config.json cannot be read"),
        ({"config.json": "{}"}, "names no vocab_size"),
        ({"config.json": '{"vocab_size": 300}'}, "no readable tokenizer.json"),
    ],
)
def test_a_folder_without_its_tokenizer_is_a_sentence(tmp_path: Path, files: dict[str, str], said: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(ModelUnavailable, match=said):
        RemoteOnlyModel(tmp_path)


def test_a_key_is_of_one_engine_or_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    found, refused = parse("a-b=vllm+http://h as m; c=vllm+http://i as m; a.b=vllm+http://j as m", ["m"])
    assert refused == ('NEXT_TOKEN_EXPLORER_ENGINES names "a.b", which is taken: choose another name.',)
    assert [entry.key for entry in found] == ["", ""]
    monkeypatch.setenv("NEXT_TOKEN_EXPLORER_ENGINE_KEY", "of all")
    monkeypatch.setenv("NEXT_TOKEN_EXPLORER_ENGINE_KEY_A_B", "its own")
    assert [entry.key for entry in found] == ["its own", "of all"]


def test_an_engine_that_is_not_there_is_left_alone_after_three_tries(tiny: Transformer) -> None:
    with serving(Engine(tiny, "vllm")) as engine:
        pass
    remote = RemoteModel(asking(engine), tiny)
    for _ in range(3):
        with pytest.raises(EngineFailed, match="cannot be reached"):
            remote.next_logits([IDS])
    with pytest.raises(EngineFailed, match=r"failed 3 times in a row and is asked again in (29|30) s"):
        remote.next_logits([IDS])


def test_of_numbers_that_are_kept_it_is_said_again_whose_they_are(engine: Engine, tiny: Transformer) -> None:
    """A page shown again asks nobody; what it shows was this server's, and stays so."""
    served, kept = EngineWithFallback(RemoteModel(asking(engine), tiny), ServedModel(tiny)), Provenance()
    served.follow(kept)
    engine.fault = "500"
    served.next_logits([IDS])
    served.unfollow(kept)
    engine.fault = ""
    served.next_logits([IDS[:2]])  # not what is kept
    served.take_provenance()
    served.follow(kept)
    answered_by = served.take_provenance()
    assert (answered_by.engine, answered_by.own) == (kept.engine, kept.own) == (0, 1)
    assert "status 500" in answered_by.why
    served.next_logits([IDS[:3]])
    assert kept.engine == 0  # followed until the thread asked


def test_each_thread_is_told_of_its_own_answers(engine: Engine, tiny: Transformer) -> None:
    served = EngineWithFallback(RemoteModel(asking(engine), tiny), ServedModel(tiny))
    other = threading.Thread(target=lambda: served.next_logits([IDS]))
    other.start()
    other.join()
    assert served.take_provenance().engine == 0


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("fast=sglang+http://a as m", "with the dialect vllm or llamacpp"),
        ("fast=vllm+ftp://a as m", "must be"),
        ("fast=vllm+http://[::1 as m", "must be"),
        ("fast=vllm+http://a:99999 as m", "must be"),
        ("fast=vllm+http://a as other", 'says "as other", but the models here are m'),
        ("m=vllm+http://a as m", "is taken"),
        ("a=vllm+http://a as m; a=vllm+http://b as m", "is taken"),
    ],
)
def test_a_setting_that_is_none_is_refused(setting: str, said: str) -> None:
    assert said in parse(setting, ["m"])[1][0]
    assert len(parse(setting, ["m"])[0]) == setting.count("; ")
