"""Folders and GGUF files of every family we read give the numbers of transformers; all else is a sentence."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from lm_core.errors import DamagedFile, ModelUnavailable
from lm_core.models import hugging_face
from lm_core.models.prefixed_model import PrefixedModel
from lm_core.pretrained import local
from lm_core.text.byte_pair_encoding import ByteLevelBPE, from_hugging_face

pytestmark = pytest.mark.whole  # loads transformers

ALPHABET = sorted(pre_tokenizers.ByteLevel.alphabet())
WORDS = ByteLevelBPE.build(["<s>", "</s>", *ALPHABET, "th", "the"], ["t h", "th e"], [0, 1], begin=0)
IDS = WORDS.encode("the parcel left the hub")
SHAPE = {
    "vocab_size": 300, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 64, "eos_token_id": 1, "bos_token_id": 0,
}  # fmt: skip
LLAMA3 = {
    "rope_type": "llama3", "rope_theta": 10_000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}  # fmt: skip
FAMILIES: dict[str, dict[str, Any]] = {
    "llama": {"model_type": "llama", **SHAPE},
    "llama, tied": {"model_type": "llama", **SHAPE, "tie_word_embeddings": True},
    "llama 3": {"model_type": "llama", **SHAPE, "rope_parameters": LLAMA3, "head_dim": 16},
    "mistral": {"model_type": "mistral", **SHAPE, "sliding_window": 40},
    "qwen2": {"model_type": "qwen2", **SHAPE},
    "qwen3": {"model_type": "qwen3", **SHAPE, "head_dim": 16},
    "gpt2": {"model_type": "gpt2", "vocab_size": 300, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64}
    | {"eos_token_id": 1, "bos_token_id": 0},
}
Save = Callable[..., tuple[Path, Any]]


def random_model(config: dict[str, Any]) -> Any:
    """A model of transformers with weights large enough for every part to matter."""
    from transformers import AutoConfig, AutoModelForCausalLM

    theirs = AutoModelForCausalLM.from_config(AutoConfig.for_model(**config)).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weight in theirs.named_parameters():
            drawn = torch.randn(weight.shape, generator=generator) * 0.3
            weight.copy_(1 + drawn if "norm" in name and name.endswith("weight") else drawn)
    return theirs


@pytest.fixture
def save(tmp_path: Path) -> Save:
    def made(config: dict[str, Any], **options: Any) -> tuple[Path, Any]:
        theirs = random_model(config)
        theirs.save_pretrained(tmp_path / "model", **options)
        (tmp_path / "model" / "tokenizer.json").write_text(WORDS.to_json(), encoding="utf-8")
        return tmp_path / "model", theirs

    return made


def nats(logits: Any) -> Any:
    """Log-probabilities of each row, by torch."""
    return torch.from_numpy(logits).double().log_softmax(-1).numpy()


def expected(theirs: Any, ids: list[int]) -> Any:
    with torch.inference_mode():
        return theirs(torch.tensor([ids])).logits[0].double().log_softmax(-1).numpy()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_folder_of_each_family_as_transformers_computes_it(save: Save, family: str) -> None:
    folder, theirs = save(FAMILIES[family])
    ours, begin = local.load(folder)
    assert nats(ours.logits(IDS)) == pytest.approx(expected(theirs, IDS), abs=1e-4)
    assert begin == (0,)
    assert ours.end_ids == {1}
    assert ours.context_length == (40 if family == "mistral" else 64)

    begun, cache = PrefixedModel(ours, begin), ours.new_cache()
    rows = [begun.logits(IDS[:4], cache), begun.logits(IDS[4:], cache)]
    assert cache is not None
    assert cache.length == len(IDS)
    assert nats(np.concatenate(rows)) == pytest.approx(expected(theirs, [0, *IDS])[1:], abs=1e-4)
    fork = cache.fork(3)
    assert begun.next_logits([IDS[3:]], [fork])[0] == pytest.approx(rows[1][-1], abs=1e-4)


def test_weights_in_half_precision_and_in_several_files(save: Save) -> None:
    from transformers import AutoModelForCausalLM

    folder, theirs = save(FAMILIES["llama"], max_shard_size="20KB")
    assert len(list(folder.glob("*.safetensors"))) > 1
    ours, _ = local.load(folder)
    assert nats(ours.logits(IDS)) == pytest.approx(expected(theirs, IDS), abs=1e-4)
    theirs.to(torch.bfloat16).save_pretrained(folder.parent / "half")
    (folder.parent / "half" / "tokenizer.json").write_text(WORDS.to_json())
    half, _ = local.load(folder.parent / "half")
    again = AutoModelForCausalLM.from_pretrained(folder.parent / "half", dtype=torch.float32)
    assert nats(half.logits(IDS)) == pytest.approx(expected(again, IDS), abs=1e-4)


@pytest.mark.parametrize("family", ["llama", "qwen2", "qwen3"])
def test_a_gguf_file_as_its_folder(tmp_path: Path, family: str) -> None:
    path, theirs = tmp_path / "model.gguf", random_model(FAMILIES[family])
    write_gguf(path, theirs, family)
    ours, begin = local.load(path)
    assert nats(ours.logits(IDS)) == pytest.approx(expected(theirs, IDS), abs=1e-4)
    assert begin == (0,)
    assert ours.tokenizer.encode("the hub") == WORDS.encode("the hub")


def write_gguf(path: Path, theirs: Any, family: str) -> None:
    """As llama.cpp's converter writes it: rows of queries and keys in pairs for Llama, names of its own."""
    from gguf import GGUFWriter

    from lm_core.pretrained.gguf import _LAYER_NAMES, _OUTER_NAMES

    c = theirs.config
    writer = GGUFWriter(path, family)
    writer.add_context_length(64)
    writer.add_embedding_length(32)
    writer.add_block_count(2)
    writer.add_feed_forward_length(48)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(c.rms_norm_eps)
    if family == "qwen3":
        writer.add_key_length(16)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    unused = [f"<unused {i}>" for i in range(len(ALPHABET) + 4, 300)]
    writer.add_token_list(["<s>", "</s>", *ALPHABET, "th", "the", *unused])
    writer.add_token_types([3, 3] + [1] * (len(ALPHABET) + 2) + [3] * len(unused))
    writer.add_token_merges(["t h", "th e"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_add_bos_token(True)
    inner = {ours: theirs for theirs, ours in _LAYER_NAMES.items()}
    outer = {ours: theirs for theirs, ours in _OUTER_NAMES.items()}
    for name, weight in hugging_face.from_names(theirs.state_dict(), hugging_face.from_config(c.to_dict())).items():
        parts, values = name.split("."), weight.numpy()
        if parts[0] != "layers":
            writer.add_tensor(f"{outer[parts[0]]}.{parts[1]}", values)
            continue
        if family == "llama" and parts[3] in ("q_proj", "k_proj"):
            values = values.reshape(-1, 2, 4, values.shape[1]).swapaxes(1, 2).reshape(values.shape)
        kind = inner[".".join(parts[2:-1])]
        writer.add_tensor(f"blk.{parts[1]}.{kind}.{parts[-1]}", np.ascontiguousarray(values))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


# ---- what is not read


def test_another_family_names_the_adapter_and_the_adapter_reads_it(save: Save) -> None:
    small = {"vocab_size": 300, "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    folder, theirs = save({"model_type": "gpt_neox", **small, "intermediate_size": 48, "max_position_embeddings": 64})
    with pytest.raises(
        ModelUnavailable, match=r"gpt_neox.*To fix this: have the optional transformers adapter load it"
    ):
        local.load(folder)
    adapted, _ = local.load(folder, adapted=True)
    assert nats(adapted.logits(IDS)) == pytest.approx(expected(theirs, IDS), abs=1e-4)
    batch = adapted.next_logits([IDS[:3], IDS])
    assert nats(batch) == pytest.approx(expected(theirs, IDS)[[2, -1]], abs=1e-4)
    assert adapted.new_cache() is None


def test_the_adapter_draws_no_weights_at_random_and_takes_no_model_that_peeks(save: Save, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file
    from transformers import AutoConfig, RobertaForMaskedLM

    small = {"vocab_size": 300, "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    folder, _ = save({"model_type": "gpt_neox", **small, "intermediate_size": 48, "tie_word_embeddings": False})
    weights = load_file(folder / "model.safetensors")
    save_file({name: w for name, w in weights.items() if "embed_out" not in name}, folder / "model.safetensors")
    with pytest.raises(ModelUnavailable, match="lacks weights of a causal language model"):
        local.load(folder, adapted=True)

    peeking = AutoConfig.for_model("roberta", **small, intermediate_size=48, max_position_embeddings=70)
    for size in (0.02, 0.2):  # small weights let a later token add little, and it is still too much
        peeking.initializer_range = size
        RobertaForMaskedLM(peeking).save_pretrained(tmp_path / "peeking")
        (tmp_path / "peeking" / "tokenizer.json").write_text(WORDS.to_json())
        with pytest.raises(ModelUnavailable, match="looks at tokens that come later"):
            local.load(tmp_path / "peeking", adapted=True)


def test_a_head_that_is_not_there_is_not_taken_from_the_embeddings(save: Save) -> None:
    from safetensors.torch import load_file, save_file

    folder, _ = save(FAMILIES["llama"])
    weights = load_file(folder / "model.safetensors")
    save_file({name: w for name, w in weights.items() if name != "lm_head.weight"}, folder / "model.safetensors")
    with pytest.raises(DamagedFile, match="has no head"):
        local.load(folder)


@pytest.mark.parametrize(
    "change",
    [{"rope_scaling": "linear"}, {"rms_norm_eps": "small"}, {"num_attention_heads": None}, {"hidden_size": []}],
)
def test_a_configuration_of_the_wrong_kind_is_a_sentence(save: Save, change: dict[str, Any]) -> None:
    folder, _ = save(FAMILIES["llama"])
    config = json.loads((folder / "config.json").read_text()) | change
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelUnavailable, match="To fix this"):
        local.load(folder)


def test_what_the_transformer_does_not_compute_names_the_adapter_too(save: Save) -> None:
    folder, _ = save({**FAMILIES["llama"], "attention_bias": True})
    with pytest.raises(ModelUnavailable, match=r"attention_bias.*transformers adapter"):
        local.load(folder)


def test_a_pickle_is_refused_by_both(save: Save) -> None:
    folder, theirs = save(FAMILIES["llama"])
    (folder / "model.safetensors").unlink()
    torch.save(theirs.state_dict(), folder / "pytorch_model.bin")
    for adapted in (False, True):
        with pytest.raises(DamagedFile, match=r"as a pickle .pytorch_model.bin., which could run code"):
            local.load(folder, adapted)


def test_code_that_comes_with_a_model_is_not_run(save: Save) -> None:
    folder, _ = save(FAMILIES["llama"])
    (folder / "code.py").write_text("raise SystemExit('ran')")
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "made_up", "auto_map": {"AutoConfig": "code.C", "AutoModelForCausalLM": "code.M"}}
    (folder / "config.json").write_text(json.dumps(config))
    for adapted, said in [(False, "made_up"), (True, "does not load model")]:
        with pytest.raises(ModelUnavailable, match=said):
            local.load(folder, adapted)


@pytest.mark.parametrize("file", ["config.json", "model.safetensors", "tokenizer.json"])
@pytest.mark.parametrize("damage", ["absent", "cut", "other", "empty header"])
def test_damage_is_named(save: Save, file: str, damage: str) -> None:
    folder, _ = save(FAMILIES["llama"])
    whole = (folder / file).read_bytes()
    (folder / file).unlink()
    if damage != "absent":
        changed = {"cut": whole[: len(whole) // 2], "other": b"[1, 2]", "empty header": b"\2\0\0\0\0\0\0\0[]"}
        (folder / file).write_bytes(changed[damage])
    with pytest.raises(ModelUnavailable, match="To fix this: "):
        local.load(folder)


def test_weights_of_another_shape_and_too_large_ones_are_named(save: Save) -> None:
    folder, _ = save(FAMILIES["llama"])
    for adapted in (False, True):
        with pytest.raises(ModelUnavailable, match=r"take 0.00 GB as float32, and 0.00 GB are free"):
            local.load(folder, adapted, most_bytes=10)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 3}))
    with pytest.raises(DamagedFile, match="do not fit its configuration"):
        local.load(folder)


def test_a_gguf_of_another_architecture_points_to_the_folder(tmp_path: Path) -> None:
    write_gguf(tmp_path / "model.gguf", random_model(FAMILIES["llama"]), "gemma")
    with pytest.raises(ModelUnavailable, match=r"'gemma'.*Hugging Face's format"):
        local.load(tmp_path / "model.gguf")


# ---- tokenizers


def sentencepiece_like() -> str:
    """BPE with byte fallback, as Llama 2's tokenizer.json has it."""
    spelled = ["<unk>", "<s>", "</s>", *(f"<0x{i:02X}>" for i in range(256)), "▁", *"thepubarcl", "▁t", "▁th", "▁the"]
    merges = [("▁", "t"), ("▁t", "h"), ("▁th", "e")]
    engine = Tokenizer(models.BPE({t: i for i, t in enumerate(spelled)}, merges, unk_token="<unk>", byte_fallback=True))
    engine.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    engine.add_special_tokens(["<unk>", "<s>", "</s>"])
    engine.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return str(engine.to_str())


@pytest.mark.parametrize("text", ["the parcel", " two  spaces", "é🎉\n\t", "the", " ", ""])
def test_byte_fallback_comes_back_behind_the_space_it_sets(text: str) -> None:
    words = from_hugging_face(sentencepiece_like(), 300)
    assert words.decode(words.encode(text)) == (f" {text}" if text else "")
    assert words.begin_ids == (1,)
    ids = words.encode("the hub")
    assert words.decode(ids[:1]) + words.decode(ids[1:]) == " the hub"


def test_what_a_file_says_of_cutting_and_filling_up_is_not_done() -> None:
    engine = Tokenizer.from_str(WORDS.to_json())
    engine.enable_truncation(2)
    engine.enable_padding(length=40)
    assert from_hugging_face(engine.to_str()).encode("the hub") == WORDS.encode("the hub")


def test_llama_3_takes_a_whole_word_of_the_vocabulary_and_user_tokens_are_never_cut() -> None:
    vocabulary = [*ALPHABET, "ab", "abc", "<think>"]
    words = ByteLevelBPE.build(vocabulary, ["a b"], [], cut="llama-3", whole_ids=[258])
    assert words.encode("abc<think>") == [257, 258]
    assert 258 not in words.special_ids
    assert words.token_bytes(258) == b"<think>"


def test_ids_beyond_the_tokenizers_stand_for_nothing() -> None:
    words = from_hugging_face(sentencepiece_like(), 300)
    assert words.vocab_size == 300
    assert words.token_bytes(299) == b"<unused 299>"
    assert 299 in words.special_ids


def test_other_tokenizers_are_refused() -> None:
    for other in (models.WordPiece({"[UNK]": 0}, unk_token="[UNK]"), models.Unigram([("a", 0.0)])):
        with pytest.raises(ValueError, match="byte-level BPE, or BPE with byte fallback"):
            from_hugging_face(Tokenizer(other).to_str())
