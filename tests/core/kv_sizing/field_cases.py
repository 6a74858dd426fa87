"""Configurations from public threads and engine logs, cut to the fields that matter."""

from typing import Any

Config = dict[str, Any]

WHISPER_TURBO: Config = {  # a whisper.cpp log of large-v3-turbo: kv self 10.49 MB, cross 31.46 MB
    "model_type": "whisper", "d_model": 1280, "encoder_layers": 32, "decoder_layers": 4, "num_hidden_layers": 32,
    "encoder_attention_heads": 20, "decoder_attention_heads": 20, "is_encoder_decoder": True,
    "max_source_positions": 1500, "max_target_positions": 448,
}  # fmt: skip
LONGCAT: Config = {
    "model_type": "longcat_flash", "hidden_size": 6144, "num_layers": 28, "num_attention_heads": 64,
    "kv_lora_rank": 512, "q_lora_rank": 1536, "qk_rope_head_dim": 64, "qk_nope_head_dim": 128, "v_head_dim": 128,
    "max_position_embeddings": 131072,
}  # fmt: skip
INKLING: Config = {  # jundot/omlx#2454, JustVugg/colibri#830
    "model_type": "inkling",
    "text_config": {
        "hidden_size": 4096, "num_hidden_layers": 42, "num_attention_heads": 32, "num_key_value_heads": 8,
        "head_dim": 128, "local_layer_ids": [i for i in range(41) if i % 6 != 5], "sliding_window_size": 512,
        "swa_num_key_value_heads": 8, "swa_head_dim": 128,
    },
}  # fmt: skip


def glm_next(layer_types: list[str]) -> Config:
    """GLM-5.3-Flash: LMCache/LMCache#5042, vllm-project/vllm#54458."""
    text = {
        "num_hidden_layers": len(layer_types), "hidden_size": 4096, "num_attention_heads": 64,
        "num_key_value_heads": 64, "kv_lora_rank": 512, "qk_nope_head_dim": 256, "qk_rope_head_dim": 0,
        "v_head_dim": 256, "mla_use_nope": True, "index_head_dim": 128, "index_n_heads": 32, "index_kpool": 4,
        "layer_types": layer_types,
        "linear_attn_config": {"num_heads": 64, "head_dim": 128, "short_conv_kernel_size": 4},
    }  # fmt: skip
    return {"model_type": "glm5_next", "text_config": text}


FOUR = ["linear_attention"] * 3 + ["deepseek_sparse_attention"]
GLM_CUT, GLM_WHOLE = glm_next(2 * FOUR), glm_next([*11 * FOUR, "linear_attention"])
MLLAMA: Config = {  # ollama/ollama#7456
    "model_type": "mllama",
    "text_config": {
        "hidden_size": 4096, "num_hidden_layers": 40, "num_attention_heads": 32, "num_key_value_heads": 8,
        "cross_attention_layers": [3, 8, 13, 18, 23, 28, 33, 38],
    },
}  # fmt: skip
PHI_FLASH: Config = {
    "model_type": "phi4flash", "num_hidden_layers": 32, "hidden_size": 2560, "num_attention_heads": 40,
    "num_key_value_heads": 20, "sliding_window": 512, "mb_per_layer": 2, "mamba_d_state": 16, "mamba_d_conv": 4,
    "mamba_expand": 2,
}  # fmt: skip
MINIMAX_M3: Config = {  # lightseekorg/tokenspeed#758, sgl-project/sglang#36549
    "model_type": "minimax_m3_vl",
    "text_config": {
        "hidden_size": 6144, "num_hidden_layers": 6, "num_attention_heads": 64, "num_key_value_heads": 4,
        "head_dim": 128,
        "sparse_attention_config": {
            "use_sparse_attention": True, "sparse_index_dim": 128, "sparse_num_index_heads": 4,
            "sparse_block_size": 128, "sparse_attention_freq": [0, 0, 0, 1, 1, 1],
        },
    },
}  # fmt: skip
PLAMO_2: Config = {  # lablup/mlxcel#257
    "model_type": "plamo2", "hidden_size": 2048, "num_hidden_layers": 16, "num_attention_heads": 16,
    "num_key_value_heads": 1, "hidden_size_per_head": 128, "attention_window_size": 2048, "mamba_d_state": 64,
    "mamba_d_conv": 4, "mamba_num_heads": 32, "mamba_step": 2, "mamba_enabled": True,
}  # fmt: skip
APRIEL_H: Config = {
    "model_type": "apriel_h", "num_hidden_layers": 4, "hidden_size": 5120, "num_attention_heads": 32,
    "num_key_value_heads": 8, "head_dim": 128, "hybrid_block_layout": ["m2d", "t", "m2d", "t"],
    "ssm_cfg": {"d_inner": 4096, "d_xb": 1024, "d_state": 16, "d_conv": 4},
}  # fmt: skip
NEMOTRON_NANO: Config = {
    "model_type": "nemotron_h", "num_hidden_layers": 52, "num_attention_heads": 32, "num_key_value_heads": 2,
    "hybrid_override_pattern": "MEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEMEM*EMEMEMEME", "head_dim": 128,
    "hidden_size": 2688, "mamba_num_heads": 64, "mamba_head_dim": 64, "ssm_state_size": 128, "n_groups": 8,
    "conv_kernel": 4, "chunk_size": 128, "n_group": 1, "topk_group": 1, "expand": 2,
}  # fmt: skip
KIMI_LINEAR: Config = {
    "model_type": "kimi_linear", "num_hidden_layers": 27, "num_attention_heads": 32, "num_key_value_heads": 32,
    "hidden_size": 2304, "kv_lora_rank": 512, "qk_rope_head_dim": 64, "qk_nope_head_dim": 128, "v_head_dim": 128,
    "linear_attn_config": {
        "full_attn_layers": [4, 8, 12, 16, 20, 24, 27],
        "kda_layers": [i for i in range(1, 27) if i % 4], "head_dim": 128, "num_heads": 32,
        "short_conv_kernel_size": 4,
    },
}  # fmt: skip
MIMO_V2: Config = {
    "model_type": "mimo_v2_flash", "num_hidden_layers": 48, "num_attention_heads": 64, "num_key_value_heads": 4,
    "hidden_size": 4096, "head_dim": 192, "v_head_dim": 128, "swa_num_key_value_heads": 8, "swa_head_dim": 192,
    "swa_v_head_dim": 128, "sliding_window": 128,
    "hybrid_layer_pattern": [0 if i in (0, 5, 11, 17, 23, 29, 35, 41, 47) else 1 for i in range(48)],
}  # fmt: skip
