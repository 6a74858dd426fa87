"""Brings a model of the Hugging Face hub into a folder, for an operator: `python -m lm_core.pretrained.hub org/name`.

Says first what it would fetch and how much that is; asks; shows progress. Fetches safetensors, configuration and
tokenizer, and no code and no pickle. Nothing else in this package opens the internet, and no visitor can start this.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from lm_core.errors import LmCoreError, ModelUnavailable
from lm_core.pretrained import local

_WANTED = ("config.json", "generation_config.json", "tokenizer.json", "*.safetensors", "*.safetensors.index.json")


@dataclass(frozen=True)
class Plan:
    """What would be fetched."""

    name: str
    revision: str
    """The commit, so that asking and fetching mean the same files."""
    files: dict[str, int]
    """Bytes of each."""
    licence: str

    @property
    def nbytes(self) -> int:
        return sum(self.files.values())

    def __str__(self) -> str:
        count = len(self.files)
        return f"{self.name}: {count} files, {self.nbytes / 1e6:,.1f} MB, licence {self.licence}"


def plan(name: str) -> Plan:
    """Asks the hub what the model's files are. Raises ModelUnavailable where it has none that we read."""
    from huggingface_hub import HfApi

    try:
        info = HfApi().model_info(name, files_metadata=True)
    except Exception as error:  # the library has many, for the net and for names
        why = " ".join(str(error).split())[:200]
        raise ModelUnavailable(f"The hub does not give {name} ({why}).", "check the name and the network.") from None
    found = {file.rfilename: file.size or 0 for file in info.siblings or [] if _wanted(file.rfilename)}
    if not any(file.endswith(".safetensors") for file in found):
        what = f"{name} has no safetensors; its weights are a pickle or of another kind, which is not loaded."
        raise ModelUnavailable(what, "choose a model with safetensors.")
    licence = getattr(info.card_data, "license", None) or "not said"
    return Plan(name, str(info.sha), found, str(licence))


def _wanted(file: str) -> bool:
    return "/" not in file and any(fnmatch(file, pattern) for pattern in _WANTED)


def fetch(what: Plan, folder: Path) -> None:
    """Downloads the files, with progress bars. Raises ModelUnavailable; what came stays for another try."""
    from huggingface_hub import hf_hub_download

    try:
        for file in what.files:
            hf_hub_download(what.name, file, revision=what.revision, local_dir=folder)
    except Exception as error:
        why = " ".join(str(error).split())[:200]
        raise ModelUnavailable(f"The download broke off ({why}).", "run the same command again; it goes on.") from None


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m lm_core.pretrained.hub", description=__doc__)
    parser.add_argument("name", help="such as HuggingFaceTB/SmolLM2-360M")
    parser.add_argument("folder", nargs="?", type=Path, help="where to; a folder of the model's name unless given")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    chosen = parser.parse_args()
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    folder = chosen.folder or Path(chosen.name.rpartition("/")[2])
    try:
        found = plan(chosen.name)
        print(f"{found}, into {folder.resolve()}")
        if not chosen.yes and input("Download? [y/N] ").strip().lower() not in ("y", "yes"):
            sys.exit("Nothing was downloaded.")
        fetch(found, folder)
    except LmCoreError as error:
        sys.exit(str(error))
    print(f'Offer it with:\n{local.SETTING}="{folder.name}={folder.resolve()}" make run')


if __name__ == "__main__":
    main()
