"""Cases from the field in which a calculator went wrong: the right bytes, or that they are not known."""

import json
from pathlib import Path

import pytest

from lm_core.kv_sizing import Scenario, Sizing, effects, engine, from_config, known_part, mistakes, preset, size
from lm_core.kv_sizing.__main__ import EXIT_NOT_KNOWN, main
from lm_core.kv_sizing.capacity.budget import TOO_LARGE
from lm_core.kv_sizing.capacity.gpus import Gpu
from lm_core.kv_sizing.doubts import deciding
from lm_core.kv_sizing.geometry import ASSUMED, NOT_KNOWN, WHOLE
from tests.core.kv_sizing import field_cases as field


def parts(sizing: Sizing) -> list[int]:
    return [line.bytes for line in sizing.lines]


def test_the_depth_of_a_decoder() -> None:
    model = from_config(field.WHISPER_TURBO)
    assert model.reading == WHOLE
    assert parts(size(model, 448)) == [9_175_040, 30_720_000]
    assert parts(size(model, 448, engine="llama.cpp")) == [10_485_760, 31_457_280]


def test_two_attentions_a_layer() -> None:
    sizing = size(from_config(field.LONGCAT), 131_072)
    assert (sizing.per_added_token, sizing.total) == (64_512, 8_455_716_864)


def test_local_layers_by_index() -> None:
    sizing = size(from_config(field.INKLING), 131_072)
    assert (parts(sizing)[0], sizing.per_added_token, sizing.total) == (73_400_320, 28_672, 3_831_496_704)


def test_a_latent_without_a_rotary_part() -> None:
    """The pooled index key rests on an engine's log, and that is said; the whole model is exact in vLLM."""
    cut = from_config(field.GLM_CUT)
    assert cut.reading == ASSUMED
    latent = next(line for line in size(cut, 1000).lines if "latent" in line.label)
    assert latent.bytes == 1000 * 2048
    (pooled,) = effects(size(cut, 1000))
    assert pooled.otherwise
    assert pooled.otherwise.total > size(cut, 1000).total
    whole = from_config(field.GLM_WHOLE)
    found = {tp: size(whole, 262_144, engine="vLLM", tensor_parallel=tp).per_gpu for tp in (1, 4)}
    assert found == {1: 3_542_049_280, 4: 3_174_450_048}


def test_cross_attention_in_a_decoder() -> None:
    sizing = size(from_config(field.MLLAMA), 131_072)
    assert parts(sizing) == [17_179_869_184, 209_846_272]
    assert "one image" in effects(sizing)[0].says


def test_layers_that_reuse_keys_and_values() -> None:
    sizing = size(from_config(field.PHI_FLASH), 131_072)
    assert [group.layers for group in sizing.geometry.groups] == [9, 8, 1]
    assert (sizing.per_added_token, parts(sizing)[1:]) == (5120, [20_971_520, 671_088_640])


def test_a_wrong_answer_that_cannot_be_formed_is_left_out() -> None:
    """gpt-oss 20B in q8_0: hidden size / heads is 45, which blocks of 32 do not divide."""
    found = mistakes(size(preset("gpt-oss-20b"), 131_072, 1, "q8_0", engine="llama.cpp"))
    assert [each.name for each in found] == [
        "query heads counted instead of KV heads", "sliding and chunked layers charged in full"
    ]  # fmt: skip


def test_a_window_that_an_engine_does_not_apply() -> None:
    mistral = preset("mistral-7b-v0.1")
    sizing = size(mistral, 16_384, 1, "f16", engine="llama.cpp")
    assert sizing.total == 2_147_483_648
    assert size(mistral, 8192, 1, "f16", engine="llama.cpp").total == 1_073_741_824
    assert "applies no window to mistral models" in sizing.remarks[0]
    for applies in ("vLLM", "transformers", "ideal"):
        assert size(mistral, 200_000, engine=applies).total < size(mistral, 200_000, engine="llama.cpp").total


def test_a_family_nobody_knows_is_counted_in_full_and_that_is_said() -> None:
    own = {"num_hidden_layers": 4, "num_attention_heads": 4, "hidden_size": 256, "sliding_window": 512,
           "model_type": "nobody_knows"}  # fmt: skip
    sizing = size(from_config(own), 8192, engine="llama.cpp")
    (doubt,) = effects(sizing)
    assert "not known here" in doubt.says
    assert doubt.otherwise
    assert (sizing.total, doubt.otherwise.total) == (4 * 8192 * 1024, 4 * 1024 * 1024)  # 512 + 512 cells with it


def test_index_keys_of_sparse_attention() -> None:
    model = from_config(field.MINIMAX_M3)
    assert size(model, 1000).per_added_token == 13_056
    assert size(model, 1000, tensor_parallel=4).per_gpu == 3_840_000


def test_every_second_layer_mamba() -> None:
    model = from_config(field.PLAMO_2)
    state, _ = model.groups
    assert (state.layers, state.state_values, state.conv_channels) == (8, 262_144, 4096)
    assert size(model, 1000).per_added_token == 4096
    assert parts(size(model, 131_072))[1] == 8_388_608


def test_a_layout_of_short_names() -> None:
    model = from_config(field.APRIEL_H)
    assert model.reading == NOT_KNOWN
    assert [(group.label, group.layers) for group in model.unassigned] == [("m2d", 2)]
    part = known_part(model)
    assert part
    assert size(part, 100).per_added_token == 8192


def test_a_type_that_the_engine_turns_into_another() -> None:
    """vllm-project/vllm#25988, sgl-project/sglang#11309: sparse latents are kept in 656 bytes where fp8 is asked."""
    model = preset("deepseek-v3.2")
    for asked in ("fp8", "auto"):
        sizing = size(model, 131_072, 8, asked, engine="vLLM", tensor_parallel=8)
        assert sum(line.bytes for line in sizing.lines if line.label != "null block") == 50_402_951_168
        assert round(sizing.per_gpu / 2**30, 2) == 46.94
        assert sizing.load.dtype_k.name == "fp8_ds_mla"
    assert round(size(model, 975_424, 1, "fp8", engine="SGLang", page_size=64).per_gpu / 2**30, 2) == 43.67
    assert [line.label for line in sizing.lines][:2] == ["61 latent layers, 512+64", "index keys of 61 layers, 128"]


def test_what_decides_is_named() -> None:
    """Qwen3.5 27B on a GPU that holds its cache only without the second block of state."""
    model, vllm = preset("qwen3.5-27b"), engine("vLLM")
    without = size(model, 262_144, engine="vLLM", mamba_align=False).per_gpu
    memory = (without + size(model, 262_144, engine=vllm).per_gpu) // 2
    tight = Scenario(
        model, 262_144, engine=vllm, gpu=Gpu("own", memory, 10**12), stated_weights=1, percent=100, stated_reserve=0
    )
    assert tight.verdict == TOO_LARGE
    (found,) = deciding(tight)
    assert "Prefix caching" in found.says
    assert found.otherwise
    assert found.otherwise.per_gpu == without


def test_the_command_line_says_what_is_not_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By its own exit code, in words and as JSON; a key that somebody has looked up may be called harmless."""
    odd = {"n_layer": 2, "n_head": 2, "n_embd": 64, "kv_share_every": 2}
    file = tmp_path / "config.json"
    file.write_text(json.dumps(odd))
    question = ["--config", str(file), "--context", "100"]
    assert main(question) == EXIT_NOT_KNOWN
    assert "may have a bearing on the cache: kv_share_every" in capsys.readouterr().out
    assert main([*question, "--json"]) == EXIT_NOT_KNOWN
    said = json.loads(capsys.readouterr().out)
    assert (said["complete"], said["not_understood"], said["known_part"]["per_added_token"]) == (
        False, ["kv_share_every"], 512
    )  # fmt: skip
    assert main([*question, "--json", "--harmless", "kv_share_every"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["complete"], said["reading"]) == (True, ASSUMED)
    assert main([*question, "--harmless", "nothing"]) == 2


def test_drafts_are_said_not_to_be_counted() -> None:
    model = from_config({"n_layer": 2, "n_head": 2, "n_embd": 64, "num_nextn_predict_layers": 1})
    assert model.notes == ("1 draft layer is not counted: only speculative decoding keeps it.",)
    assert size(model, 1024).total == 2 * 1024 * 2 * 64 * 2
