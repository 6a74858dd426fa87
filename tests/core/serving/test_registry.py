"""Registry: one load however many ask, failures not remembered."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from lm_core import InvalidInput, ModelUnavailable, Transformer, pretrained
from lm_core.serving import Registry


def test_thirty_visitors_cause_one_load(monkeypatch: pytest.MonkeyPatch, model: Transformer) -> None:
    loads = []
    together = threading.Barrier(30)

    def slow_load(name: str) -> Transformer:
        loads.append(name)
        threading.Event().wait(0.2)
        return model

    def visit(_: int) -> object:
        together.wait()
        return registry.get()

    monkeypatch.setattr(pretrained, "load_engine", slow_load)
    registry = Registry()
    assert not registry.loaded()
    with ThreadPoolExecutor(30) as visitors:
        served = set(visitors.map(visit, range(30)))
    assert (len(served), loads) == (1, ["smollm2-135m"])
    assert registry.loaded()
    assert registry.warm() is None


def test_a_failure_is_told_and_tried_again(monkeypatch: pytest.MonkeyPatch, model: Transformer) -> None:
    def absent(name: str) -> Transformer:
        raise ModelUnavailable("The model is absent.", "install it")

    registry = Registry()
    with monkeypatch.context() as patch:
        patch.setattr(pretrained, "load_engine", absent)
        assert str(registry.warm()) == "The model is absent. To fix this: install it"
        with pytest.raises(ModelUnavailable):
            registry.get()
    monkeypatch.setattr(pretrained, "load_engine", lambda name: model)
    assert registry.get().vocab_size == 49_152


def test_unknown_names_are_refused() -> None:
    with pytest.raises(InvalidInput, match="`model` must be one of"):
        Registry().get("gpt-9")
