"""The same figures on the command line."""

import json
from pathlib import Path

import pytest

from lm_core.kv_sizing import preset, size
from lm_core.kv_sizing.__main__ import main
from tests.core.kv_sizing.configs import CONFIGS


def test_a_preset_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    question = "--model llama-3.1-8b --context 32768 --batch 4 --engine vllm --option block_size=32 --json"
    assert main(question.split()) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["bytes"]["total"] == size(preset("llama-3.1-8b"), 32768, 4, engine="vllm", block_size=32).total
    assert sum(part["bytes"] for part in answer["per_gpu"]) == answer["bytes"]["per_gpu"]


def test_other_forms(capsys: pytest.CaptureFixture[str]) -> None:
    question = ["--model", "llama-3.1-70b", "--context", "32768", "--batch", "64", "--tensor-parallel", "8"]
    assert main([*question, "--csv"]) == 0
    assert f",{80 * 2**30}," in capsys.readouterr().out
    assert main([*question, "--hand-in", "--gpu", "H200 141 GB", "--weights", "70.6"]) == 0
    assert "On 8 x H200 141 GB, of which 92 % of their memory may be used: <b>fits</b>" in capsys.readouterr().out


def test_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, geometry = tmp_path / "config.json", tmp_path / "groups.json"
    config.write_text(json.dumps(CONFIGS["gemma-3-27b"]))
    geometry.write_text(json.dumps(preset("gemma-3-27b").to_json()))
    for flag, file in (("--config", config), ("--geometry", geometry)):
        assert main([flag, str(file), "--context", "131072"]) == 0
        assert "10.41 GiB (11.17 GB)" in capsys.readouterr().out


@pytest.mark.parametrize(
    "question",
    ["--model gpt9 --context 1", "--model gpt2 --context 0", "--config nowhere.json --context 1",
     "--model gpt2 --context 9 --option block", "--model gpt2 --context 9 --engine vllm --option swa_full=true",
     "--model gpt2 --context 9 --hand-in --gpu abacus"],
)  # fmt: skip
def test_refusals_are_one_sentence(question: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(question.split()) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)
