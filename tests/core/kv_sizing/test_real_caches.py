"""Bytes against caches that really exist: transformers' own, after forward passes of tiny models with real layouts."""

from typing import Any

import pytest
import torch
import transformers

from lm_core import kv_sizing

pytestmark = pytest.mark.whole  # loads transformers

TINY = {
    "vocab_size": 64, "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 4, "num_attention_heads": 4,
    "max_position_embeddings": 256, "pad_token_id": 0,
}  # fmt: skip
FEW = {"num_local_experts": 2, "num_experts_per_tok": 1}
EXPERTS = {
    "num_experts": 2, "num_experts_per_tok": 1, "moe_intermediate_size": 16, "shared_expert_intermediate_size": 16,
}  # fmt: skip
MLA = {
    "kv_lora_rank": 16, "q_lora_rank": 16, "qk_rope_head_dim": 8, "qk_nope_head_dim": 8, "v_head_dim": 12,
    "n_routed_experts": 2, "n_group": 1, "topk_group": 1, "num_experts_per_tok": 1, "first_k_dense_replace": 4,
    "moe_intermediate_size": 16,
}  # fmt: skip
DELTA = {
    "linear_num_key_heads": 2, "linear_num_value_heads": 4, "linear_key_head_dim": 8, "linear_value_head_dim": 8,
    "linear_conv_kernel_dim": 4, "layer_types": ["linear_attention"] * 3 + ["full_attention"],
}  # fmt: skip
MAMBA = {"mamba_n_heads": 4, "mamba_d_head": 16, "mamba_n_groups": 1, "mamba_d_state": 8, "mamba_expand": 2}
LAYOUTS: dict[str, tuple[str, dict[str, Any]]] = {
    "MHA": ("Llama", {"num_key_value_heads": 4}),
    "GQA": ("Llama", {"num_key_value_heads": 2}),
    "MQA": ("Llama", {"num_key_value_heads": 1}),
    "head_dim of its own": ("Qwen3", {"num_key_value_heads": 2, "head_dim": 16}),
    "sliding window in all layers": ("Mistral", {"num_key_value_heads": 2, "sliding_window": 16}),
    "sliding and full": ("Gemma3Text", {"num_key_value_heads": 2, "head_dim": 16, "sliding_window": 16}),
    "alternating": ("GptOss", {"num_key_value_heads": 2, "head_dim": 16, "sliding_window": 16, **FEW}),
    "MLA": ("DeepseekV3", {"num_key_value_heads": 4, **MLA}),
    "gated delta net and full": ("Qwen3Next", {"num_key_value_heads": 2, "head_dim": 16, **DELTA, **EXPERTS}),
    "Mamba alone": ("Mamba", {"state_size": 8, "conv_kernel": 4, "expand": 2}),
    "Mamba 2 alone": ("Mamba2", {"num_heads": 4, "head_dim": 16, "state_size": 8, "n_groups": 2, "expand": 2}),
    "Mamba and full": (
        "Jamba",
        {
            "num_key_value_heads": 2,
            "attn_layer_period": 4,
            "attn_layer_offset": 2,
            "expert_layer_period": 9,
            "expert_layer_offset": 8,
            "mamba_d_state": 4,
            "num_experts": 2,
            "num_experts_per_tok": 1,
        },
    ),
    "Mamba 2 and full": ("Bamba", {"num_key_value_heads": 2, "attn_layer_indices": [1], **MAMBA}),
    "Mamba 2 beside full in every layer": ("FalconH1", {"num_key_value_heads": 2, "mamba_d_ssm": 64, **MAMBA}),
    "short convolutions and full": ("Lfm2", {"num_key_value_heads": 2, "full_attn_idxs": [1, 3]}),
    "chunked and full": ("Llama4Text", {"num_key_value_heads": 2, "attention_chunk_size": 16, "num_local_experts": 2}),
    "a layer that reads another's cache": (
        "Gemma3nText",
        {"num_key_value_heads": 2, "head_dim": 16, "sliding_window": 16, "num_kv_shared_layers": 1},
    ),
}


def held(cache: Any) -> int:
    """Bytes of the distinct storages behind a cache's tensors."""
    found: dict[int, int] = {}
    for layer in cache.layers:
        for value in vars(layer).values():
            for tensor in value.values() if isinstance(value, dict) else [value]:
                if isinstance(tensor, torch.Tensor) and tensor.dim() > 1:
                    found[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
    return sum(found.values())


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("sequences", [1, 3])
def test_size_is_what_transformers_holds(layout: str, sequences: int) -> None:
    family, own = LAYOUTS[layout]
    config = getattr(transformers, f"{family}Config")(**{**TINY, **own})
    model = getattr(transformers, f"{family.replace('Text', '')}ForCausalLM")(config).eval()
    geometry = kv_sizing.from_config(config.to_dict())
    cache = transformers.DynamicCache(config=config)
    given = {"cache_params" if family.startswith("Mamba") else "past_key_values": cache, "use_cache": True}
    with torch.no_grad():
        model(torch.zeros(sequences, 12, dtype=torch.long), **given)
        for length in range(13, 41):  # past the window of 16
            model(torch.zeros(sequences, 1, dtype=torch.long), **given)
            sizing = kv_sizing.size(geometry, length, sequences, "f32", engine="transformers")
            assert held(cache) == sizing.total, length


@pytest.mark.parametrize("layout", ["GQA", "sliding window in all layers", "sliding and full"])
def test_a_static_cache_takes_what_a_full_dynamic_one_does(layout: str) -> None:
    family, own = LAYOUTS[layout]
    config = getattr(transformers, f"{family}Config")(**{**TINY, **own})
    model = getattr(transformers, f"{family.replace('Text', '')}ForCausalLM")(config).eval()
    cache = transformers.StaticCache(config=config, max_cache_len=40)
    with torch.no_grad():
        model(torch.zeros(2, 5, dtype=torch.long), past_key_values=cache, use_cache=True)
    expected = kv_sizing.size(kv_sizing.from_config(config.to_dict()), 40, 2, "f32", engine="transformers")
    assert held(cache) == expected.total
