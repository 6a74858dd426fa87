"""What real engines answered for SmolLM2, read by our client and compared with float32.

llama.cpp's server (tree 0c1e570) with the same 4-bit file; vLLM 0.32.0 on a CPU with the file's weights in float32.
"""

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


def recorded(name: str, dialect: str = "llamacpp") -> Any:
    return json.loads(lzma.decompress((RECORDED / f"{dialect}-{name}.json.xz").read_bytes()))


class Replaying(Engine):
    """Gives the recorded answer to the test prompt."""

    def answer(self, body: dict[str, Any]) -> Any:
        assert body["prompt"] == self.model.tokenizer.encode(PROBE)
        assert body["logprobs"] == 49_152
        return recorded("capital", self.dialect)


@pytest.mark.parametrize(("dialect", "far"), [("llamacpp", (0.56, 0.0075)), ("vllm", (0.0, 0.0))])
def test_its_whole_vocabulary_is_read_and_its_distance_measured(
    model: Transformer, dialect: str, far: tuple[float, float]
) -> None:
    """The figures README states: llama.cpp quantises activations, which moves the tail more than the top."""
    with serving(Replaying(model, dialect)) as engine:
        client = Client(dialect, engine.url)
        probe = RemoteModel(client, model).probe()
        top = client.top(model.tokenizer.encode(PROBE), 49_152, 49_152)
    assert (probe.complete, probe.entries) == (True, 49_152)
    assert probe.nats is not None
    assert probe.probability is not None
    assert (round(probe.nats, 2), round(probe.probability, 4)) == far
    if dialect == "vllm":
        assert probe.nats < 1e-4
        assert probe.probability < 1e-5
    assert model.tokenizer.decode(top.ids[:3].tolist()) == " Paris the London"
    assert np.exp(top.nats).sum() == pytest.approx(1, abs=1e-3)
    assert set(top.ids.tolist()) == set(range(49_152))


def test_texts_alone_would_not_do() -> None:
    """Why ids are asked for: among the tokens are many that are spelled alike."""
    entries = recorded("capital")["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
    assert len({entry["id"] for entry in entries}) - len({entry["token"] for entry in entries}) > 300


@pytest.mark.parametrize("dialect", ["llamacpp", "vllm"])
def test_twenty_of_them_leave_a_rest(model: Transformer, dialect: str) -> None:
    class Twenty(Engine):
        def answer(self, body: dict[str, Any]) -> Any:
            return recorded("moon", dialect)

    with serving(Twenty(model, dialect)) as engine:
        top = Client(dialect, engine.url).top(model.tokenizer.encode("The moon is"), 20, 49_152)
    assert len(top.ids) == 20
    assert top.rest == pytest.approx(1 - sum(top.probabilities))
    assert 0.3 < top.rest < 0.8
