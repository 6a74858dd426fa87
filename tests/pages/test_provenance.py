"""What is kept for later reruns, and whose numbers it holds."""

from types import SimpleNamespace

import pytest

from lm_core.models.table_model import ORDER_SHIPPED, TableModel
from lm_core.remote.client import Client, EngineFailed
from lm_core.remote.model import Probe, RemoteModel
from lm_core.serving import ServedModel
from lm_core.serving.engine_with_fallback import EngineWithFallback
from pages.shared.controls import model_picker, provenance


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> EngineWithFallback:
    """One that nobody has started."""
    twin = TableModel(ORDER_SHIPPED)
    engine = EngineWithFallback(RemoteModel(Client("vllm", "http://127.0.0.1:9"), twin), ServedModel(twin))

    def probe() -> None:
        raise EngineFailed("The engine (vLLM) cannot be reached.")

    monkeypatch.setattr(engine, "probe", probe)
    monkeypatch.setattr(model_picker, "engine", lambda: engine)
    return engine


def test_what_this_server_answered_in_an_engines_place_is_not_kept_for_all(engine: EngineWithFallback) -> None:
    kept: provenance.SharedResults[str] = provenance.SharedResults(4)
    ids = engine.tokenizer.encode("Order shipped from the")
    made: list[str] = []

    def ask() -> str:
        engine.next_logits([ids])
        made.append("asked")
        return "answer"

    assert [kept.get("question", engine, ask) for _ in range(2)] == ["answer", "answer"]
    assert len(made) == 2
    assert engine.take_provenance().own == 2


def test_what_the_engine_answered_is_kept_and_said_of_it_again(engine: EngineWithFallback) -> None:
    kept: provenance.SharedResults[str] = provenance.SharedResults(2)

    def answered() -> str:
        engine._count(engine=3)
        return "answer"

    for _ in range(2):
        assert kept.get("question", engine, answered) == "answer"
        assert engine.take_provenance().engine == 3
    for key in "abc":  # no more than two are kept
        kept.get(key, engine, lambda: "other")
    assert kept.get("question", engine, lambda: "anew") == "anew"


def test_where_few_were_given_and_it_falls_this_servers_numbers_stand(
    engine: EngineWithFallback, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What hides them, because the engine's stand in their place, is taken back."""
    engine.measured = Probe(complete=False, entries=20, nats=0.0, probability=0.0)
    answer = SimpleNamespace(prompt=SimpleNamespace(ids=(1, 2)))
    assert engine.gives_few()
    assert not provenance.render_if_partial(answer)  # type: ignore[arg-type]
    assert engine.take_provenance().why == "The engine (vLLM) cannot be reached."


def test_of_another_model_nothing_is_said(engine: EngineWithFallback) -> None:
    kept: provenance.SharedResults[str] = provenance.SharedResults(2)
    small = ServedModel(TableModel(ORDER_SHIPPED))
    for _ in range(2):
        kept.get("question", small, lambda: "answer")
        assert (engine.take_provenance().engine, engine.take_provenance().own) == (0, 0)
