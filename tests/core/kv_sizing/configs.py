"""Configs in the format in which each preset's model is published, written from the formats, not from our table."""

from collections import Counter
from typing import Any

from lm_core.kv_sizing import Geometry

Config = dict[str, Any]


def llama(layers: int, heads: int, kv: int, hidden: int, family: str = "llama", **own: Any) -> Config:
    shape = {
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": kv,
        "hidden_size": hidden,
    }
    return {"architectures": ["SomethingForCausalLM"], "model_type": family, **shape, **own}


def qwen2(layers: int, heads: int, kv: int, hidden: int) -> Config:
    off = {"use_sliding_window": False, "sliding_window": 131072, "max_window_layers": layers}
    return llama(layers, heads, kv, hidden, "qwen2", **off)


def typed(layers: int, full: list[int], family: str, kv: int, **own: Any) -> Config:
    types = ["full_attention" if i in full else "sliding_attention" for i in range(layers)]
    return llama(layers, own.pop("heads"), kv, own.pop("hidden"), family, layer_types=types, **own)


def gemma3(layers: int, heads: int, kv: int, dim: int, hidden: int) -> Config:
    text = llama(layers, heads, kv, hidden, "gemma3_text", head_dim=dim, sliding_window=1024, sliding_window_pattern=6)
    return {"model_type": "gemma3", "text_config": text, "vision_config": {"num_hidden_layers": 27}}


def delta(layers: int, heads: int, kv: int, value_heads: int, hidden: int) -> Config:
    linear = {
        "linear_num_key_heads": 16, "linear_num_value_heads": value_heads, "linear_key_head_dim": 128,
        "linear_value_head_dim": 128, "linear_conv_kernel_dim": 4,
    }  # fmt: skip
    return llama(layers, heads, kv, hidden, "qwen3_next", head_dim=256, full_attention_interval=4, **linear)


def mla(layers: int, heads: int, hidden: int, family: str = "deepseek_v3", **own: Any) -> Config:
    latent = {"kv_lora_rank": 512, "qk_rope_head_dim": 64, "qk_nope_head_dim": 128, "v_head_dim": 128}
    return llama(layers, heads, heads, hidden, family, **latent, **own)


def gemma4(layers: int, full: list[int], window: int, local: int, everywhere: int, **own: Any) -> Config:
    wide = {"global_head_dim": 512, "num_global_key_value_heads": everywhere}
    return {
        "text_config": typed(layers, full, "gemma4_text", local, head_dim=256, sliding_window=window, **wide, **own)
    }


def every(step: int, layers: int) -> list[int]:
    """Layers step-1, 2 step-1, ...: the last of each period."""
    return list(range(step - 1, layers, step))


FALCON = {"model_type": "falcon", "bias": False}
CONFIGS: dict[str, Config] = {
    "gpt2": {"model_type": "gpt2", "n_layer": 12, "n_head": 12, "n_embd": 768, "n_positions": 1024},
    "smollm2-135m": llama(30, 9, 3, 576),
    "llama-2-7b": llama(32, 32, 32, 4096),
    "llama-2-13b": llama(40, 40, 40, 5120),
    "llama-2-70b": llama(80, 64, 8, 8192),
    "llama-3-8b": llama(32, 32, 8, 4096),
    "llama-3.1-8b": llama(32, 32, 8, 4096, rope_scaling={"factor": 8.0, "rope_type": "llama3"}),
    "llama-3.1-70b": llama(80, 64, 8, 8192),
    "llama-3.3-70b": llama(80, 64, 8, 8192, head_dim=128),
    "llama-3.1-405b": llama(126, 128, 8, 16384),
    "llama-3.2-1b": llama(16, 32, 8, 2048, head_dim=64),
    "llama-3.2-3b": llama(28, 24, 8, 3072, head_dim=128),
    "llama-4-scout": {
        "model_type": "llama4",
        "text_config": llama(48, 40, 8, 5120, "llama4_text", head_dim=128, attention_chunk_size=8192),
    },
    "mistral-7b-v0.1": llama(32, 32, 8, 4096, "mistral", sliding_window=4096),
    "mistral-7b-v0.3": llama(32, 32, 8, 4096, "mistral", sliding_window=None, head_dim=None),
    "mixtral-8x7b": llama(32, 32, 8, 4096, "mixtral", sliding_window=None, num_local_experts=8),
    "mixtral-8x22b": llama(56, 48, 8, 6144, "mixtral", sliding_window=None),
    "mistral-large-2407": llama(88, 96, 8, 12288, "mistral", sliding_window=None),
    "qwen2.5-0.5b": qwen2(24, 14, 2, 896),
    "qwen2.5-1.5b": qwen2(28, 12, 2, 1536),
    "qwen2.5-3b": qwen2(36, 16, 2, 2048),
    "qwen2.5-7b": qwen2(28, 28, 4, 3584),
    "qwen2.5-14b": qwen2(48, 40, 8, 5120),
    "qwen2.5-32b": qwen2(64, 40, 8, 5120),
    "qwen2.5-72b": qwen2(80, 64, 8, 8192),
    "qwen3-0.6b": llama(28, 16, 8, 1024, "qwen3", head_dim=128),
    "qwen3-1.7b": llama(28, 16, 8, 2048, "qwen3", head_dim=128),
    "qwen3-4b": llama(36, 32, 8, 2560, "qwen3", head_dim=128),
    "qwen3-8b": llama(36, 32, 8, 4096, "qwen3", head_dim=128),
    "qwen3-14b": llama(40, 40, 8, 5120, "qwen3", head_dim=128),
    "qwen3-32b": llama(64, 64, 8, 5120, "qwen3", head_dim=128, use_sliding_window=False, sliding_window=None),
    "qwen3-30b-a3b": llama(48, 32, 4, 2048, "qwen3_moe", head_dim=128),
    "qwen3-235b-a22b": llama(94, 64, 4, 4096, "qwen3_moe", head_dim=128),
    "qwen3-coder-480b": llama(62, 96, 8, 6144, "qwen3_moe", head_dim=128),
    "qwen3-next-80b": delta(48, 16, 2, 32, 2048),
    "qwen3.5-9b": delta(32, 16, 4, 32, 4096),
    "qwen3.5-27b": {"model_type": "qwen3_5", "text_config": delta(64, 24, 4, 48, 5120)},
    "qwen3.5-35b-a3b": delta(40, 16, 2, 32, 2048),
    "qwen3.5-397b-a17b": {"text_config": delta(60, 32, 2, 64, 4096)},
    "gemma-2-2b": llama(26, 8, 4, 2304, "gemma2", head_dim=256, sliding_window=4096),
    "gemma-2-9b": llama(42, 16, 8, 3584, "gemma2", head_dim=256, sliding_window=4096),
    "gemma-2-27b": llama(46, 32, 16, 4608, "gemma2", head_dim=128, sliding_window=4096),
    "gemma-3-1b": llama(26, 4, 1, 1152, "gemma3_text", head_dim=256, sliding_window=512, sliding_window_pattern=6),
    # The published file leaves heads and widths to the class that reads it.
    "gemma-3-4b": {
        "model_type": "gemma3",
        "text_config": {
            "model_type": "gemma3_text", "num_hidden_layers": 34, "hidden_size": 2560, "sliding_window": 1024,
        },
    },
    "gemma-3-12b": gemma3(48, 16, 8, 256, 3840),
    "gemma-3-27b": gemma3(62, 32, 16, 128, 5376),
    "gemma-3n-e4b": {
        "text_config": typed(
            35, every(5, 35), "gemma3n_text", 2, heads=8, hidden=2048, head_dim=256, sliding_window=512,
            num_kv_shared_layers=15,
        )
    },
    "gemma-4-12b": gemma4(48, every(6, 48), 1024, 8, 1, heads=16, hidden=3840),
    "gemma-4-31b": gemma4(60, every(6, 60), 1024, 16, 4, heads=32, hidden=5376),
    "gemma-4-e4b": gemma4(42, every(6, 42), 512, 2, 2, heads=8, hidden=2560, num_kv_shared_layers=18),
    "gpt-oss-20b": typed(24, every(2, 24), "gpt_oss", 8, heads=64, hidden=2880, head_dim=64, sliding_window=128),
    "gpt-oss-120b": typed(36, every(2, 36), "gpt_oss", 8, heads=64, hidden=2880, head_dim=64, sliding_window=128),
    "command-r7b": llama(32, 32, 8, 4096, "cohere2", sliding_window=4096, sliding_window_pattern=4),
    "command-a": typed(64, every(4, 64), "cohere2", 8, heads=96, hidden=12288, sliding_window=4096),
    "command-r": llama(40, 64, 64, 8192, "cohere"),
    "deepseek-v3": mla(61, 128, 7168, num_nextn_predict_layers=1),
    "deepseek-v3.2": mla(61, 128, 7168, "deepseek_v32", index_head_dim=128, index_n_heads=64, index_topk=2048),
    "kimi-k2": mla(61, 64, 7168, "kimi_k2"),
    "glm-5": mla(78, 64, 6144, "glm_moe_dsa", index_head_dim=128),
    "glm-4.5": llama(92, 96, 8, 5120, "glm4_moe", head_dim=128),
    "glm-4.5-air": llama(46, 96, 8, 4096, "glm4_moe", head_dim=128),
    "minimax-m2": llama(62, 48, 8, 3072, "minimax_m2", head_dim=128),
    "phi-3-mini-4k": llama(32, 32, 32, 3072, "phi3", sliding_window=2047),
    "phi-4": llama(40, 40, 10, 5120, "phi3", sliding_window=None),
    "falcon-7b": {
        **FALCON, "num_hidden_layers": 32, "num_attention_heads": 71, "hidden_size": 4544, "multi_query": True,
    },
    "falcon-40b": {
        **FALCON, "num_hidden_layers": 60, "num_attention_heads": 128, "num_kv_heads": 8, "hidden_size": 8192,
        "new_decoder_architecture": True,
    },
    "jamba-v0.1": llama(
        32, 32, 8, 4096, "jamba", attn_layer_period=8, attn_layer_offset=4, mamba_expand=2, mamba_d_state=16,
        mamba_d_conv=4, intermediate_size=14336,
    ),
    "mamba-codestral-7b": {
        "model_type": "mamba2", "num_hidden_layers": 64, "num_heads": 128, "head_dim": 64, "state_size": 128,
        "n_groups": 8, "conv_kernel": 4, "hidden_size": 4096,
    },
}  # fmt: skip


def layers(geometry: Geometry) -> Counter[tuple[object, ...]]:
    """What is stored, whatever the order and the names."""
    counted: Counter[tuple[object, ...]] = Counter()
    for group in geometry.groups:
        shape = (group.kind, group.kv_heads, group.k_dim, group.v_dim, group.window)
        counted[*shape, group.state_values, group.conv_channels, group.conv_kernel] += group.layers
    return counted
