"""A config.json becomes the right layers, or one sentence; whatever it says, nothing else happens."""

import json
import time
import tracemalloc
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from lm_core.errors import InvalidInput
from lm_core.kv_sizing import Geometry, from_config, from_text, names, preset, size
from tests.core.kv_sizing.configs import CONFIGS, layers, llama
from tests.reliability import cases

PLAIN = llama(4, 8, 2, 512)


@pytest.mark.parametrize("name", names())
def test_a_published_config_parses_to_the_preset(name: str) -> None:
    geometry = from_text(json.dumps(CONFIGS[name]))
    assert layers(geometry) == layers(preset(name))
    assert preset(name).query_heads in (0, geometry.query_heads)


def test_what_was_not_read_is_named() -> None:
    geometry = from_config({**PLAIN, "something_new": 3, "rope_theta": 10000.0})
    assert geometry.unread == ("architectures", "something_new", "rope_theta")


def test_a_layer_type_nobody_knows_is_a_row_to_assign() -> None:
    types = ["full_attention", "ring_attention", "ring_attention", "full_attention"]
    geometry = from_config({**PLAIN, "layer_types": types})
    assert [(group.kind, group.layers) for group in geometry.groups] == [("full", 2), ("unknown", 2)]
    with pytest.raises(InvalidInput, match="ring_attention"):
        size(geometry, 100)
    assigned = geometry.with_groups(
        [
            vars(geometry.groups[0]),
            {"kind": "sliding", "layers": 2, "kv_heads": 2, "k_dim": 64, "v_dim": 64, "window": 9},
        ]
    )
    assert size(assigned, 100).total == 2 * 2 * 2 * 64 * 2 * (100 + 9)


HOSTILE: list[str | bytes] = [
    "", "   ", "null", "[]", "3", '"text"', "{", "{}", "[" * 100_000, '{"a":' * 40 + "1" + "}" * 40,
    "\x00", b"\xff\xfe{}",
    '{"n_layer": NaN}', '{"n_layer": Infinity, "n_head": 2}', '{"n_layer": 1, "n_layer": 2}', '{"n_layer": 1e999}',
    '{"n_layer": ' + "9" * 5000 + "}", '{"x": "' + "a" * 300_000 + '"}', "{'n_layer': 1}", '{"n_layer": 1,}',
    *(json.dumps({**PLAIN, **change}) for change in (
        {"num_hidden_layers": 0}, {"num_hidden_layers": -4}, {"num_hidden_layers": True}, {"num_hidden_layers": "32"},
        {"num_hidden_layers": 10**9}, {"num_hidden_layers": 4.0}, {"num_key_value_heads": 0}, {"hidden_size": 513},
        {"num_key_value_heads": [2, 2]}, {"num_key_value_heads": -1}, {"head_dim": -64}, {"head_dim": []},
        {"layer_types": ["full_attention"]}, {"layer_types": "full"}, {"layer_types": [1, 2, 3, 4]},
        {"layer_types": [{}] * 4}, {"layer_types": ["sliding_attention"] * 4, "sliding_window": 0},
        {"layer_types": ["sliding_attention"] * 4}, {"layer_types": ["mamba"] * 4}, {"kv_lora_rank": 512},
        {"num_kv_shared_layers": 4}, {"num_kv_shared_layers": 400}, {"sliding_window": "all"}, {"model_type": 7},
        {"hybrid_override_pattern": "M" * 9}, {"attn_config": 3}, {"block_configs": [{}] * 4}, {"cla_share_factor": -2},
        {"architectures": ["BertForMaskedLM"]}, {"max_position_embeddings": -1}, {"full_attention_interval": -1},
        {"linear_attn_config": {"kda_layers": [99]}}, {"per_layer_config": []}, {"is_encoder_decoder": "yes"},
        {"attn_layer_indices": [77]}, {"attn_type_list": [2, 2, 2, 2]}, {"full_attention_interval": 2},
        {"layer_types": ["linear_attention"] * 4, "linear_num_value_heads": 10**8, "linear_num_key_heads": 1,
         "linear_key_head_dim": 10**7, "linear_value_head_dim": 10**7, "linear_conv_kernel_dim": 4},
    )),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_hostile_texts_get_a_sentence(number: int) -> None:
    begun = time.perf_counter()
    with suppress(InvalidInput):
        geometry = from_text(HOSTILE[number])  # some of it is only odd: a row to assign, or layers that have a size
        assert geometry.unassigned or size(geometry, 10).total > 0
    assert time.perf_counter() - begun < 2  # 0.1 s on a quiet machine


def mutated(dice: np.random.Generator) -> dict[str, Any]:
    """A published config with a few of its values exchanged for others."""
    config: dict[str, Any] = json.loads(json.dumps(CONFIGS[str(dice.choice(list(CONFIGS)))]))
    inner = config.get("text_config", config)
    odd = [0, -1, True, None, "x", 1.5, [], {}, 2**40, [1] * 9, "full_attention", 7, 64, float("inf")]
    for key in dice.choice(list(inner), size=int(dice.integers(0, 4))):
        inner[str(key)] = odd[int(dice.integers(len(odd)))]
    if dice.random() < 0.3:
        other = CONFIGS[str(dice.choice(list(CONFIGS)))]
        inner.update({key: value for key, value in other.items() if dice.random() < 0.3 and key != "text_config"})
    return config


@pytest.mark.long("hundreds of generated configs")
def test_generated_configs_raise_nothing_else() -> None:
    dice = np.random.default_rng(0)
    tracemalloc.start()
    parsed, sizes = 0, []
    tried = cases(500, 2000)
    for i in range(tried):
        with suppress(InvalidInput):
            geometry = from_config(mutated(dice))
            parsed += 1
            assert isinstance(Geometry.from_json(geometry.to_json()), Geometry)
            if not geometry.unassigned:
                assert size(geometry, 5000, 2).total > 0
        if i in (200, tried - 1):
            sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert tried / 4 < parsed < 0.95 * tried
    assert sizes[1] - sizes[0] < 2**20
