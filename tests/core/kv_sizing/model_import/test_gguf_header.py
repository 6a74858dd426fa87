"""The first MiB of a GGUF file: of the real model's, of files the gguf library writes, and of hostile ones."""

import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gguf import GGUFWriter

from lm_core import pretrained
from lm_core.errors import InvalidInput
from lm_core.kv_sizing import preset, size
from lm_core.kv_sizing.model_import.gguf_header import MOST_BYTES, from_gguf, read
from lm_core.pretrained.catalogue import entry
from tests.core.kv_sizing.configs import every, layers


def written(path: Path, architecture: str, keys: dict[str, Any], tokens: int = 0) -> bytes:
    """A file as the gguf library writes it, its vocabulary first or last as it comes."""
    writer = GGUFWriter(path, architecture)
    for key, value in keys.items():
        name = f"{architecture}.{key}"
        if isinstance(value, list):
            writer.add_array(name, value)
        elif isinstance(value, bool):
            writer.add_bool(name, value)
        else:
            writer.add_uint32(name, value)
    if tokens:
        writer.add_array("tokenizer.ggml.tokens", [f"token{i}" for i in range(tokens)])
        writer.add_array("tokenizer.ggml.scores", [0.5] * tokens)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return path.read_bytes()[:MOST_BYTES]


def common(layers: int, heads: int, kv: Any, width: int, **own: Any) -> dict[str, Any]:
    shape = {"block_count": layers, "embedding_length": width, "attention.head_count": heads}
    return {
        **shape,
        "attention.head_count_kv": kv,
        "context_length": 4096,
        **{k.replace("__", "."): v for k, v in own.items()},
    }


GEMMA_4 = [i not in every(6, 60) for i in range(60)]
SAME: dict[str, tuple[str, dict[str, Any]]] = {
    "llama-3.1-8b": ("llama", common(32, 32, 8, 4096)),
    "qwen3-32b": ("qwen3", common(64, 64, 8, 5120, attention__key_length=128, attention__value_length=128)),
    "gemma-3-27b": ("gemma3", common(
        62, 32, 16, 5376, attention__key_length=128, attention__value_length=128, attention__sliding_window=1024)),
    "gpt-oss-20b": ("gpt-oss", common(
        24, 64, 8, 2880, attention__key_length=64, attention__value_length=64, attention__sliding_window=128)),
    "gemma-4-31b": ("gemma4", common(
        60, 32, [16 if local else 4 for local in GEMMA_4], 5376, attention__key_length=512,
        attention__value_length=512, attention__key_length_swa=256, attention__value_length_swa=256,
        attention__sliding_window=1024, attention__sliding_window_pattern=GEMMA_4)),
    "deepseek-v3": ("deepseek2", common(
        61, 128, 1, 7168, attention__kv_lora_rank=512, rope__dimension_count=64, attention__key_length=576)),
    "qwen3.5-27b": ("qwen35", common(
        64, 24, 4, 5120, attention__key_length=256, attention__value_length=256, full_attention_interval=4,
        ssm__inner_size=48 * 128, ssm__state_size=128, ssm__group_count=16, ssm__conv_kernel=4)),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_a_written_file_has_the_presets_layers(name: str, tmp_path: Path) -> None:
    architecture, keys = SAME[name]
    geometry = from_gguf(written(tmp_path / "a.gguf", architecture, keys, tokens=20_000))
    assert layers(geometry) == layers(preset(name))
    assert geometry.max_context == 4096


def test_the_real_models_file() -> None:
    with Path(entry(pretrained.DEFAULT).path()).open("rb") as file:
        geometry = from_gguf(file.read(MOST_BYTES))
    assert layers(geometry) == layers(preset("smollm2-135m"))
    assert geometry.max_context == preset("smollm2-135m").max_context


def header(count: int, body: bytes = b"", version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, 0, count) + body


def text(value: bytes) -> bytes:
    return struct.pack("<Q", len(value)) + value


ARCHITECTURE = text(b"general.architecture") + struct.pack("<I", 8) + text(b"llama")
LLAMA = text(b"llama.block_count") + struct.pack("<II", 4, 2)
HOSTILE = [
    b"", b"GGUF", b"GGML" + bytes(40), bytes(64), header(0), header(0, version=1), header(0, version=2**24 * 3),
    header(2**63), header(5000), header(1, struct.pack("<Q", 2**63)), header(1, struct.pack("<Q", 4000) + bytes(4000)),
    header(1, text(b"a") + struct.pack("<I", 13)), header(1, text(b"a") + struct.pack("<IIQ", 9, 9, 1)),
    header(1, text(b"a") + struct.pack("<IIQ", 9, 8, 2**62)), header(1, text(b"a") + struct.pack("<IIQ", 9, 4, 2**62)),
    header(1, text(b"a") + struct.pack("<IIQ", 9, 99, 4)), header(2, ARCHITECTURE * 2), header(1, ARCHITECTURE),
    header(1, text(b"general.architecture") + struct.pack("<II", 4, 7)), header(3, ARCHITECTURE + LLAMA + LLAMA),
    header(1, text(b"general.architecture") + struct.pack("<I", 8) + struct.pack("<Q", 2**40)),
    header(2, ARCHITECTURE + LLAMA[:-4] + struct.pack("<I", 2**31)), header(2, ARCHITECTURE + LLAMA[:-4] + bytes(4)),
    *(header(1, text(b"a") + struct.pack("<I", kind)) for kind in (14, 99, 2**32 - 1)),
    *(header(1, text(b"general.architecture") + struct.pack("<I", kind) + bytes(8)) for kind in (0, 6, 7, 10, 12)),
    *(header(2, ARCHITECTURE + text(b"llama.block_count") + struct.pack("<I", kind) + value) for kind, value in (
        (5, struct.pack("<i", -1)), (6, struct.pack("<f", float("nan"))), (6, struct.pack("<f", 2.5)), (7, b"\1"),
        (8, text(b"32")), (10, struct.pack("<Q", 2**63)), (11, struct.pack("<q", -2)), (12, struct.pack("<d", 1e300)),
        (9, struct.pack("<IQ", 4, 0)),
    )),
    b"FUGG" + header(1)[4:], header(1, ARCHITECTURE, version=0), header(1, b"\xff" * 20), header(4096, bytes(16)),
    bytes(MOST_BYTES + 1), header(1, text(b"\xff\xfe") + struct.pack("<I", 8) + text(b"\xff" * 9)),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_hostile_headers_are_refused(number: int) -> None:
    with pytest.raises(InvalidInput):
        from_gguf(HOSTILE[number])


def test_a_shape_without_heads_is_a_row_to_assign() -> None:
    assert [group.kind for group in from_gguf(header(2, ARCHITECTURE + LLAMA)).groups] == ["unknown"]


def test_any_damage_to_a_good_header_is_refused_or_sized(tmp_path: Path) -> None:
    good = written(tmp_path / "a.gguf", *SAME["gemma-4-31b"], tokens=50)
    dice = np.random.default_rng(0)
    for _ in range(2000):
        bad = bytearray(good[: int(dice.integers(1, len(good)))] if dice.random() < 0.3 else good)
        for at in dice.integers(0, len(bad), size=int(dice.integers(1, 6))):
            bad[int(at)] = int(dice.integers(256))
        with suppress(InvalidInput):
            read(bytes(bad))
            geometry = from_gguf(bytes(bad))
            assert geometry.unassigned or size(geometry, 100).total > 0
