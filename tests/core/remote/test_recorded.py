"""What a llama.cpp server (tree 0c1e570) answered for SmolLM2, read by our client and compared with float32."""

import json
import lzma
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lm_core import Transformer
from lm_core.remote.client import Client
from lm_core.remote.model import PROBE, RemoteModel
from tests.core.remote.fault_server import Engine, serving

RECORDED = Path(__file__).parent / "recorded"


def recorded(name: str) -> Any:
    return json.loads(lzma.decompress((RECORDED / f"llamacpp-{name}.json.xz").read_bytes()))


class Replaying(Engine):
    """Gives the recorded answer to the test prompt."""

    def answer(self, body: dict[str, Any]) -> Any:
        assert body["prompt"] == self.model.tokenizer.encode(PROBE)
        assert body["logprobs"] == 49_152
        return recorded("capital")


def test_its_whole_vocabulary_is_read_and_its_distance_measured(model: Transformer) -> None:
    """The figures README states: it quantises activations, which moves the tail more than the top."""
    with serving(Replaying(model, "llamacpp")) as engine:
        client = Client("llamacpp", engine.url)
        probe = RemoteModel(client, model).probe()
        top = client.top(model.tokenizer.encode(PROBE), 49_152, 49_152)
    assert (probe.complete, probe.entries) == (True, 49_152)
    assert (round(probe.nats, 2), round(probe.probability, 4)) == (0.56, 0.0075)
    assert model.tokenizer.decode(top.ids[:3].tolist()) == " Paris the London"
    assert np.exp(top.nats).sum() == pytest.approx(1, abs=1e-3)
    assert set(top.ids.tolist()) == set(range(49_152))


def test_texts_alone_would_not_do() -> None:
    """Why ids are asked for: among the tokens are many that are spelled alike."""
    entries = recorded("capital")["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
    assert len({entry["id"] for entry in entries}) - len({entry["token"] for entry in entries}) > 300


def test_twenty_of_them_leave_a_rest(model: Transformer) -> None:
    class Twenty(Engine):
        def answer(self, body: dict[str, Any]) -> Any:
            return recorded("moon")

    with serving(Twenty(model, "llamacpp")) as engine:
        top = Client("llamacpp", engine.url).top(model.tokenizer.encode("The moon is"), 20, 49_152)
    assert len(top.ids) == 20
    assert top.rest == pytest.approx(1 - sum(top.probabilities))
    assert 0.3 < top.rest < 0.8
