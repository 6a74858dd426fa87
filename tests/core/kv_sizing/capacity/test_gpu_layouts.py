"""Layouts of a fleet: they hold the load, one server fewer does not."""

import pytest

from lm_core.errors import InvalidInput
from lm_core.kv_sizing import Geometry, LayerGroup, Scenario, engine, preset
from lm_core.kv_sizing.capacity.gpu_layouts import layouts
from lm_core.kv_sizing.capacity.gpus import GPUS, gpu


def test_two_eights_beat_sixteen() -> None:
    """64 sequences of 32,768 tokens with Llama 3.1 70B: 16 ranks would store each of the 8 KV heads twice."""
    found = layouts(Scenario(preset("llama-3.1-70b"), 32768, 64), gpu("H100 80 GB"))
    by_ways = {layout.ways: layout for layout in found}
    assert (found[0].replicas, found[0].ways, found[0].gpus) == (2, 8, 16)
    assert by_ways[16].gpus == 32
    assert 1 not in by_ways  # 131 GiB of weights


@pytest.mark.parametrize("name", ["T4 16 GB", "RTX 4090 24 GB", "H100 80 GB", "MI300X 192 GB"])
@pytest.mark.parametrize("kind", ["vLLM", "SGLang", "llama.cpp"])
def test_the_fullest_server_fits(name: str, kind: str) -> None:
    for model in ("llama-3.1-8b", "gemma-3-12b"):
        for layout in layouts(Scenario(preset(model), 16384, 50, engine=engine(kind)), gpu(name)):
            assert layout.headroom >= 0
            assert layout.sequences * layout.replicas >= 50


def test_every_gpu_holds_something_small() -> None:
    for each in GPUS.values():
        assert layouts(Scenario(preset("qwen3-0.6b"), 1024, 1), each)[0].gpus == 1, each.name


def test_what_cannot_be_split_or_sized_is_said() -> None:
    unknown = Geometry("new", (LayerGroup("unknown", 3, label="ring"),))
    with pytest.raises(InvalidInput, match="assigned"):
        layouts(Scenario(unknown, 100), gpu("H100 80 GB"))
    assert layouts(Scenario(preset("llama-3.1-405b"), 100), gpu("T4 16 GB")) == ()
