"""No key that may have a bearing on the cache passes in silence; files that are read right raise no false alarm."""

import json
from typing import Any

import numpy as np
import pytest
import transformers

from lm_core.errors import InvalidInput
from lm_core.kv_sizing import from_config, names, size
from lm_core.kv_sizing.geometry import NOT_KNOWN, WHOLE
from lm_core.kv_sizing.model_import.key_review import reviewed
from tests.core.kv_sizing.configs import CONFIGS
from tests.reliability import cases

# What model files are known to speak of memory with, and words it is mixed with.
TOUCHING = (
    "window", "local", "sliding", "cross", "share", "cla", "group", "compress", "ratio", "pool", "pattern",
    "layer_ids", "layer_types", "state", "kv", "latent", "mtp", "nextn", "swa", "chunk", "cache", "recurrent",
    "sparse", "index", "shared_kv", "ssm", "mamba", "linear_attn", "interval", "stride", "sink", "hybrid", "reuse",
)  # fmt: skip
BESIDE = (
    "num", "size", "every", "attn", "attention", "layers", "factor", "dim", "heads", "rate", "new", "max", "block",
    "use", "fraction", "schedule", "rope", "norm", "moe", "expert", "bias", "token", "scale",
)  # fmt: skip


def invented(dice: np.random.Generator) -> tuple[str, Any]:
    """A key that no file has yet, and a value that is not "off"."""
    words = [str(dice.choice(TOUCHING)), *map(str, dice.choice(BESIDE, size=int(dice.integers(1, 4)), replace=False))]
    dice.shuffle(words)
    values = [True, 2, 7, 512, 0.5, "LLLG", "every_other", [0, 3, 5], {"factor": 4}, [1] * 32, {"kv": {"every": 2}}]
    return "_".join(words), values[int(dice.integers(len(values)))]


def test_an_unknown_key_that_touches_memory_never_passes() -> None:
    """Published configs with one invented key each (2,000 in `make soak`): a refusal, an assumption, or no total."""
    dice, marked, wanted = np.random.default_rng(0), 0, cases(300, 2000)
    while marked < wanted:
        config = json.loads(json.dumps(CONFIGS[str(dice.choice(list(CONFIGS)))]))
        inner = config.get("text_config", config)
        name, value = invented(dice)
        if name in inner or name in config or reviewed(name):
            continue
        place = inner if dice.random() < 0.8 else config
        before = from_config(config)
        place[name] = value
        try:
            model = from_config(config)
        except InvalidInput:
            marked += 1
            continue
        assert model.reading != WHOLE or model.groups != before.groups or model.notes != before.notes, (name, value)
        marked += 1


def test_a_key_that_is_not_understood_keeps_back_the_total() -> None:
    model = from_config({"n_layer": 2, "n_head": 2, "n_embd": 64, "kv_reuse_stride": 2})
    assert (model.reading, model.not_understood) == (NOT_KNOWN, ("kv_reuse_stride",))
    with pytest.raises(InvalidInput, match="kv_reuse_stride"):
        size(model, 100)
    assert size(model.assuming_harmless(), 100).total > 0


@pytest.mark.parametrize("name", names())
def test_a_presets_config_is_read_whole(name: str) -> None:
    model = from_config(CONFIGS[name])
    assert model.reading == WHOLE, (model.not_understood, model.assumptions)


PUBLISHED = (
    "afmoe", "apertus", "arcee", "bitnet", "codegen", "cohere", "cohere2", "deepseek_v2", "deepseek_v3",
    "deepseek_v32", "dots1", "ernie4_5", "ernie4_5_moe", "exaone4", "falcon_h1", "falcon_mamba", "flex_olmo", "glm4",
    "glm4_moe_lite", "glm_moe_dsa", "gpt_neox", "gptj", "granite", "granitemoe", "helium", "hunyuan_v1_dense", "jamba",
    "kimi_linear", "lfm2", "longcat_flash", "mamba2", "minimax", "minimax_m2", "mistral3", "nemotron", "nemotron_h",
    "olmo3", "olmoe", "opt", "phi3", "phimoe", "qwen3_5", "qwen3_vl", "recurrent_gemma", "seed_oss", "smollm3",
    "stablelm", "starcoder2", "xlstm",
)  # fmt: skip
FALSE_ALARMS: dict[str, str] = {}


@pytest.mark.whole  # loads transformers
def test_other_published_configs_are_read_whole() -> None:
    """The configurations of transformers, which repeat those of a published model; each false alarm is named above."""
    alarms = {}
    for family in PUBLISHED:
        config = transformers.AutoConfig.for_model(family).to_dict()
        model = from_config(json.loads(json.dumps(config, default=str)))
        if model.reading != WHOLE:
            alarms[family] = (model.not_understood, [each.says for each in model.assumptions])
    assert alarms.keys() == FALSE_ALARMS.keys(), alarms
    assert len(PUBLISHED) >= 40
