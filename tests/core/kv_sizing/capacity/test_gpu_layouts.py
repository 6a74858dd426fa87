"""Layouts of a fleet: they hold the load, one server fewer does not."""

import pytest

from lm_core.errors import InvalidInput
from lm_core.kv_sizing import Geometry, LayerGroup, preset, size
from lm_core.kv_sizing.capacity.gpu_layouts import layouts
from lm_core.kv_sizing.capacity.gpus import GPUS, gpu

WEIGHTS = 2 * preset("llama-3.1-70b").parameters


def test_two_eights_beat_sixteen() -> None:
    """64 sequences of 32,768 tokens with Llama 3.1 70B: 16 ranks would store each of the 8 KV heads twice."""
    found = layouts(preset("llama-3.1-70b"), gpu("H100 80 GB"), 32768, 64, WEIGHTS)
    by_ranks = {layout.tensor_parallel: layout for layout in found}
    assert (found[0].replicas, found[0].tensor_parallel, found[0].gpus) == (2, 8, 16)
    assert by_ranks[16].gpus == 32
    assert by_ranks[16].sizing.replication > 0
    assert 1 not in by_ranks  # 131 GiB of weights


@pytest.mark.parametrize("name", GPUS)
@pytest.mark.parametrize("engine", ["vLLM", "SGLang", "llama.cpp"])
def test_the_fullest_server_fits_and_needs_its_size(name: str, engine: str) -> None:
    for model in ("llama-3.1-8b", "gemma-3-12b"):
        for layout in layouts(preset(model), gpu(name), 16384, 50, 2 * preset(model).parameters, engine=engine):
            assert layout.headroom >= 0
            assert layout.sequences * layout.replicas >= 50
            ranks = layout.tensor_parallel if engine != "llama.cpp" else 1
            assert (
                layout.sizing.total
                == size(preset(model), 16384, layout.sequences, engine=engine, tensor_parallel=ranks).total
            )


def test_what_cannot_be_split_or_sized_is_said() -> None:
    unknown = Geometry("new", (LayerGroup("unknown", 3, label="ring"),))
    with pytest.raises(InvalidInput, match="assigned"):
        layouts(unknown, gpu("H100 80 GB"), 100, 1, 0)
    assert layouts(preset("llama-3.1-405b"), gpu("T4 16 GB"), 100, 1, 2 * preset("llama-3.1-405b").parameters) == ()
