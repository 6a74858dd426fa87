"""Weights: parameters counted as transformers builds them, bytes as published, what a step of a mixture reads."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from lm_core.errors import InvalidInput
from lm_core.kv_sizing import Geometry, from_config, names, preset
from lm_core.kv_sizing.weights import quantization
from lm_core.kv_sizing.weights.checkpoint import Checkpoint
from lm_core.kv_sizing.weights.formats import FORMATS
from lm_core.kv_sizing.weights.parameters import Parameters

SMALL: dict[str, dict[str, Any]] = {
    "llama": {}, "qwen2": {}, "qwen3": {"head_dim": 32}, "gemma2": {"head_dim": 32}, "phi3": {}, "olmo2": {},
    "starcoder2": {}, "nanochat": {}, "falcon": {"intermediate_size": 1024},
    "gpt2": {"intermediate_size": 1024, "num_key_value_heads": 8, "n_positions": 16},  # positions are not counted
    "mixtral": {"num_local_experts": 4}, "gpt_oss": {"num_local_experts": 4, "head_dim": 32},
    "qwen3_moe": {"num_experts": 8, "num_local_experts": 8, "moe_intermediate_size": 96, "head_dim": 32},
    "deepseek_v3": {"n_routed_experts": 8, "moe_intermediate_size": 96, "first_k_dense_replace": 1, "q_lora_rank": 64,
                    "kv_lora_rank": 64, "n_group": 1, "topk_group": 1, "num_key_value_heads": 8},
}  # fmt: skip
SHAPE = {
    "num_hidden_layers": 3, "hidden_size": 256, "intermediate_size": 640, "num_attention_heads": 8,
    "num_key_value_heads": 4, "vocab_size": 4096, "pad_token_id": None, "eos_token_id": None, "bos_token_id": None,
}  # fmt: skip


@pytest.mark.parametrize("family", SMALL)
def test_counted_as_transformers_builds_it(family: str) -> None:
    """Within a hundredth: norms and biases are left out."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.for_model(family, **{**SHAPE, **SMALL[family]})
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    built = sum({id(each): each.numel() for each in model.parameters()}.values())
    counted = from_config(config.to_dict()).checkpoint.parameters.total
    assert counted == pytest.approx(built, rel=0.01)


def test_a_mixture_by_hand() -> None:
    """Qwen3 30B-A3B: 48 layers x 128 experts x 3 x 2,048 x 768 are 28.99e9; 8 of 128 are read."""
    count = preset("qwen3-30b-a3b").checkpoint.parameters
    routed = 48 * 128 * 3 * 2048 * 768
    assert count.routed == pytest.approx(routed, abs=2)
    assert count.active == 30_532_122_624 - routed * 120 // 128 == 3_353_032_704  # as published
    assert count.read(1) == pytest.approx(count.active - 151_936 * 2048, abs=2)


@given(some.integers(1, 400), some.integers(1, 40), some.integers(0, 10_000))
def test_a_batch_reads_between_one_tokens_and_all(experts: int, chosen: int, tokens: int) -> None:
    chosen = min(chosen, experts)
    count = Parameters(10**9 + experts * 10**6, 10**9 + chosen * 10**6, experts, chosen)
    assert count.read(0) <= count.read(tokens) <= count.read(tokens + 1) <= count.total


@pytest.mark.parametrize("name", names())
def test_published_bytes_are_what_their_format_says(name: str) -> None:
    """Every published file within its format's spread of the estimate, but for what it holds besides the text model."""
    checkpoint = preset(name).checkpoint
    besides = {("qwen3.5-27b", "bf16"), ("qwen3.5-27b", "fp8"), ("qwen3.5-35b-a3b", "bf16"), ("gemma-3-27b", "bf16")}
    for kind, count in checkpoint.published:
        estimate, spread = FORMATS[kind].bytes(checkpoint.parameters), FORMATS[kind].spread
        if kind == "mxfp4":
            spread = 0.04
        if (name, kind) not in besides and (name, kind) != ("kimi-k2", "int4"):  # a draft layer or a picture's part
            assert count == pytest.approx(estimate, rel=max(spread, 0.03)), (kind, count, estimate)


CONFIGS: dict[str, dict[str, Any]] = {
    "bf16": {"torch_dtype": "bfloat16"},
    "f32": {"torch_dtype": "float32"},
    "fp8": {"quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]}},
    "mxfp4": {"quantization_config": {"quant_method": "mxfp4", "modules_to_not_convert": ["lm_head"]}},
    "int4": {"quantization_config": {"quant_method": "compressed-tensors", "format": "pack-quantized",
                                     "config_groups": {"group_0": {"weights": {"num_bits": 4}}}}},
    "int8": {"quantization_config": {"quant_method": "gptq", "bits": 8}},
    "nf4": {"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}},
    "nvfp4": {"quantization_config": {"quant_method": "modelopt", "quant_algo": "NVFP4"}},
    "": {"quantization_config": {"quant_method": "compressed-tensors", "format": "mixed-precision"}},
}  # fmt: skip


@pytest.mark.parametrize("format_", CONFIGS)
def test_the_format_that_a_file_names(format_: str) -> None:
    assert quantization.weight_format(CONFIGS[format_]) == format_
    model = from_config({"model_type": "llama", **SHAPE, **CONFIGS[format_]})
    stored = model.checkpoint.stored()
    assert (stored.format if stored else "") == format_


def test_what_is_not_counted_has_no_weights() -> None:
    unknown = from_config({"model_type": "of_tomorrow", **SHAPE})
    assert unknown.checkpoint.stored() is None
    assert unknown.checkpoint.formats == ()


def test_a_checkpoint_survives_json() -> None:
    for name in names():
        model = preset(name)
        assert Geometry.from_json(model.to_json()).checkpoint == model.checkpoint
    for wrong in (
        [],
        {"total": -1},
        {"format": "of tomorrow"},
        {"published": []},
        {"more": 1},
        {"total": 1, "active": 2},
    ):
        with pytest.raises(InvalidInput):
            Checkpoint.from_json(wrong)
