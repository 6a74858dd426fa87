"""Files by which the reading was once misled: each now has the right layers, a mark, or a refusal one understands."""

from typing import Any

import pytest

from lm_core.errors import InvalidInput
from lm_core.kv_sizing import Geometry, from_config, size
from lm_core.kv_sizing.geometry import ASSUMED, NOT_KNOWN, WHOLE
from lm_core.kv_sizing.model_import.gguf_header import _Shape
from lm_core.kv_sizing.model_import.reader import Reader

Config = dict[str, Any]
PLAIN: Config = {
    "num_hidden_layers": 32, "num_attention_heads": 32, "hidden_size": 4096, "num_key_value_heads": 8,
}  # fmt: skip
HEADS: Config = {name: value for name, value in PLAIN.items() if name != "num_key_value_heads"}
LATENT: Config = {"kv_lora_rank": 512, "qk_rope_head_dim": 64, "qk_nope_head_dim": 128, "v_head_dim": 128}
DELTA: Config = {
    "linear_num_key_heads": 16, "linear_num_value_heads": 32, "linear_key_head_dim": 128,
    "linear_value_head_dim": 128, "linear_conv_kernel_dim": 4,
}  # fmt: skip
MAMBA: Config = {"mamba_d_state": 16, "mamba_d_conv": 4, "mamba_expand": 2}


def says(model: Geometry) -> list[str]:
    return [group.says() for group in model.groups]


@pytest.mark.parametrize(
    ("config", "layers"),
    [
        ({**PLAIN, "total_ut_steps": 4}, ["128 full layers, 8 x (128+128)"]),
        ({**PLAIN, "sliding_window": 4096, "max_window_layers": 32}, ["32 full layers, 8 x (128+128)"]),
        ({**PLAIN, "sliding_window": 4096, "use_swa": False}, ["32 full layers, 8 x (128+128)"]),
        ({**PLAIN, "sliding_window": 4096, "enable_sliding_window": False}, ["32 full layers, 8 x (128+128)"]),
        ({**PLAIN, "sliding_window": -1}, ["32 full layers, 8 x (128+128)"]),
        ({**PLAIN, "sliding_window": 0}, ["32 full layers, 8 x (128+128)"]),
        ({**PLAIN, "model_type": "smollm3", "sliding_window": 4096}, ["32 full layers, 8 x (128+128)"]),
        ({**PLAIN, **LATENT, "use_mla": False}, ["32 full layers, 8 x (192+128)"]),
        ({**PLAIN, "model_type": "qwen3_next", "head_dim": 256, **DELTA},
         ["24 state layers", "8 full layers, 8 x (256+256)"]),
        ({**PLAIN, "model_type": "jamba", **MAMBA}, ["28 state layers", "4 full layers, 8 x (128+128)"]),
        ({**HEADS, "model_type": "chatglm", "multi_query_attention": True}, ["32 full layers, 1 x (128+128)"]),
        ({**HEADS, "attn_config": {"attn_type": "multiquery_attention"}}, ["32 full layers, 1 x (128+128)"]),
        ({**HEADS, "model_type": "gpt_bigcode"}, ["32 full layers, 1 x (128+128)"]),
        ({**HEADS, "model_type": "mistral"}, ["32 sliding layers, 8 x (128+128), window 4,096"]),
        ({**PLAIN, "model_type": "mistral", "sliding_window": None}, ["32 full layers, 8 x (128+128)"]),
        ({**PLAIN, "model_type": "qwen3"}, ["32 full layers, 8 x (128+128)"]),
        ({**PLAIN, "model_type": "olmo3"},
         ["24 sliding layers, 8 x (128+128), window 4,096", "8 full layers, 8 x (128+128)"]),
        ({**PLAIN, "model_type": "modernbert-decoder", "num_hidden_layers": 22, "global_attn_every_n_layers": 3,
          "sliding_window": 64}, ["8 full layers, 8 x (128+128)", "14 sliding layers, 8 x (128+128), window 64"]),
        ({**PLAIN, "model_type": "qwen2_moe", "num_hidden_layers": 48, "use_sliding_window": True,
          "sliding_window": 512, "max_window_layers": 21},
         ["11 sliding layers, 8 x (128+128), window 512", "37 full layers, 8 x (128+128)"]),
        ({**PLAIN, "layer_types": ["full_attention"] * 32, "global_head_dim": 512, "head_dim": 256,
          "num_global_key_value_heads": 1, "attention_k_eq_v": False}, ["32 full layers, 8 x (512+512)"]),
        ({**PLAIN, "num_hidden_layers": 2, "block_configs": [
            {"attention": {"n_heads_in_group": 4, "window_length": 512}}, {"attention": {"n_heads_in_group": 8}}]},
         ["1 sliding layers, 8 x (128+128), window 512", "1 full layers, 4 x (128+128)"]),
        ({**PLAIN, "no_rope_layers": [], "model_type": "llama4_text", "attention_chunk_size": 8192},
         ["24 chunked layers, 8 x (128+128), window 8,192", "8 full layers, 8 x (128+128)"]),
        ({**PLAIN, "v_head_dim": 0, "qk_nope_head_dim": 0}, ["32 full layers, 8 x (128+128)"]),
        ({**PLAIN, "num_hidden_layers": 2, "feed_forward_layer_types": ["mlp", "moe"]},
         ["2 full layers, 8 x (128+128)"]),
        ({**PLAIN, "model_type": "falcon_h1", "mamba_d_conv": 4, "mamba_d_head": 64, "mamba_d_state": 16,
          "mamba_expand": 2, "mamba_n_groups": 1, "mamba_n_heads": 8},
         ["32 full layers, 8 x (128+128)", "32 state layers"]),
    ],
)  # fmt: skip
def test_the_right_layers(config: Config, layers: list[str]) -> None:
    model = from_config(config)
    assert (says(model), model.reading, model.not_understood) == (layers, WHOLE, ())


@pytest.mark.parametrize(
    "odd",
    [
        {"num_repeats": 4}, {"num_iterations": 3}, {"use_mqa": True}, {"gqa_factor": 8}, {"use_mla": True},
        {"use_nsa": True}, {"snapkv": True}, {"mlkv": 2}, {"arch": "yoco"}, {"variant": "mqa"}, {"mixing": "hyena"},
        {"d_k": 64}, {"expand_v": 2}, {"attention_chunk_size": 8192, "model_type": "granite"}, {"causal": False},
        {"quantization_config": {"kv_compression_ratio": 4}}, {"add_cross_attention": True}, DELTA,
    ],
)  # fmt: skip
def test_what_is_not_understood_is_named(odd: Config) -> None:
    assert from_config({**PLAIN, **odd}).reading == NOT_KNOWN


def test_keys_between_the_file_and_its_decoder_are_looked_at() -> None:
    model = from_config({"thinker_config": {"kv_share_every": 2, "text_config": PLAIN}})
    assert model.not_understood == ("thinker_config.kv_share_every",)
    retnet = from_config({"model_type": "retnet", "num_layers": 4, "num_heads": 8, "hidden_size": 512})
    assert [group.kind for group in retnet.groups] == ["unknown"]


def test_contradictions_are_said_with_what_the_other_would_make() -> None:
    widths = from_config({**PLAIN, "head_dim": 64, "kv_channels": 128})
    assert widths.assumptions[0].says == "head_dim is 64, kv_channels is 128: the first counts."
    assert widths.assumptions[0].otherwise[0].k_dim == 128
    outer = from_config({"num_hidden_layers": 64, "text_config": PLAIN})
    assert outer.reading == ASSUMED
    assert outer.assumptions[0].says == "num_hidden_layers is 64, in the decoder's part 32, which counts."


def test_types_that_the_file_asks_for() -> None:
    """An 8-bit cache (NVIDIA's and llm-compressor's files), where the engine follows; a model of 32 bits."""
    scheme = {"kv_cache_scheme": {"num_bits": 8, "type": "float"}}  # which SGLang does not read
    for asked, there in (({"kv_cache_quant_algo": "FP8"}, "fp8"), (scheme, "bf16")):
        model = from_config({**PLAIN, "quantization_config": {"quant_method": "modelopt", **asked}})
        found = {engine: size(model, 1000, dtype_k="auto", engine=engine).load.dtype_k.name
                 for engine in ("vLLM", "SGLang", "transformers", "llama.cpp")}  # fmt: skip
        assert found == {"vLLM": "fp8", "SGLang": there, "transformers": "bf16", "llama.cpp": "f16"}
        assert Geometry.from_json(model.to_json()).dtypes == model.dtypes
    wide = from_config({**PLAIN, "torch_dtype": "float32"})
    assert size(wide, 1000, dtype_k="auto", engine="transformers").load.dtype_k.name == "f32"


@pytest.mark.parametrize(
    "encoder",
    [{"architectures": ["BertModel"], "model_type": "bert"}, {"model_type": "xlm-roberta"},
     {"model_type": "gemma3_text", "use_bidirectional_attention": True}],
)  # fmt: skip
def test_an_encoder_has_no_cache(encoder: Config) -> None:
    with pytest.raises(InvalidInput, match="an encoder keeps no KV cache"):
        from_config({**PLAIN, **encoder})


def test_what_an_engine_makes_of_a_family() -> None:
    """vLLM keeps the state of Qwen3-Next in 16 bits (its block is 544 then) and of Qwen3.5, whose file asks, in 32."""
    model = from_config({**PLAIN, "num_hidden_layers": 48, "num_attention_heads": 16, "num_key_value_heads": 2,
                         "head_dim": 256, "hidden_size": 2048, "model_type": "qwen3_next", **DELTA})  # fmt: skip
    assert size(model, 2048, 64, engine="vLLM").total == 8_569_749_504
    asked = from_config({**PLAIN, "model_type": "qwen3_next", "head_dim": 256, "mamba_ssm_dtype": "float32", **DELTA})
    assert size(asked, 100, engine="vLLM").stored.groups[0].state_bytes == 4
    expanded = from_config({**PLAIN, "model_type": "minicpm3", **LATENT})
    assert size(expanded, 100, engine="transformers").per_added_token == 32 * 576 * 2
    with pytest.raises(InvalidInput, match="expands the latents"):
        size(expanded, 100, engine="llama.cpp")


def gguf(architecture: str, layers: int, **own: Any) -> Geometry:
    keys = {"block_count": layers, "embedding_length": 2048, "attention.head_count": 32, "attention.head_count_kv": 4,
            "attention.key_length": 128, "attention.value_length": 128, **own}  # fmt: skip
    shape = _Shape(Reader(keys), architecture)
    return Geometry(architecture, shape.groups(), family=architecture, assumptions=tuple(shape.assumptions))


def test_layouts_that_llama_cpp_keeps_in_its_code() -> None:
    window = {"attention.sliding_window": 2048}
    assert says(gguf("afmoe", 32, **window))[0].startswith("24 sliding")
    assert says(gguf("smallthinker", 52, **window))[0].startswith("13 full")
    assert says(gguf("llama4", 48))[0] == "36 chunked layers, 4 x (128+128), window 8,192"
    assert says(gguf("llama4", 48, **{"attention.sliding_window": 0})) == ["48 full layers, 4 x (128+128)"]
    feeding = {"attention.head_count_kv": [0, 0, 4], "feed_forward_length": [0, 64, 0], "ssm.state_size": 16,
               "ssm.inner_size": 64, "ssm.conv_kernel": 4}  # fmt: skip
    assert says(gguf("nemotron_h", 3, **feeding)) == ["1 state layers", "1 full layers, 4 x (128+128)"]
    latent = {"attention.kv_lora_rank": 512, "rope.dimension_count": 64}
    assert says(gguf("deepseek2", 2, **latent)) == ["2 full layers, 4 x (128+128)"]  # an older file: expanded
    assert says(gguf("deepseek2", 2, **latent, **{"attention.key_length_mla": 192})) == ["2 latent layers, 512+64"]
