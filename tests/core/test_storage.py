"""Files of tensors: they come back, equal input gives equal bytes, and one flipped bit is noticed."""

import contextlib
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lm_core import storage
from lm_core.errors import DamagedFile

TENSORS = {"w": torch.arange(6, dtype=torch.float32).view(2, 3), "n": torch.tensor([2**40])}
FACTS = {"step": 3, "name": "ü", "state": {"big": 2**100}}
CONTENT = storage.to_bytes(TENSORS, FACTS)


def test_it_comes_back_and_equal_input_gives_equal_bytes(tmp_path: Path) -> None:
    tensors, facts = storage.from_bytes(CONTENT, "it")
    assert facts == FACTS
    assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)
    assert storage.to_bytes(dict(reversed(TENSORS.items())), dict(reversed(FACTS.items()))) == CONTENT
    storage.write(tmp_path / "f", TENSORS, FACTS)
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_safetensors_own_reader_reads_it() -> None:
    from safetensors.torch import load

    assert torch.equal(load(CONTENT)["w"], TENSORS["w"])


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 8 * len(CONTENT) - 1))
def test_one_flipped_bit_is_noticed(bit: int) -> None:
    damaged = bytearray(CONTENT)
    damaged[bit // 8] ^= 1 << bit % 8
    with contextlib.suppress(DamagedFile):
        # Only a space of the header's padding may have become a tab: nothing that counts has changed.
        assert storage.to_bytes(*storage.from_bytes(bytes(damaged), "it")) == CONTENT


@pytest.mark.parametrize("content", [b"", b"\0" * 100, CONTENT[:-1], CONTENT[:40], CONTENT + b"x"])
def test_foreign_and_cut_files(content: bytes) -> None:
    with pytest.raises(DamagedFile, match="it is not a file of ours"):
        storage.from_bytes(content, "it")


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "f"
    storage.write(path, TENSORS, FACTS)
    with pytest.raises(TypeError):
        storage.write(path, TENSORS, {"not": object()})
    assert path.read_bytes() == CONTENT
    assert list(tmp_path.iterdir()) == [path]
