"""Stores a converted checkpoint in the user's cache directory, so that later starts skip the conversion.

One safetensors file and one tokenizer JSON per model, named by the source file's SHA-256. A file that is missing, cut
short or altered counts as absent, and failing to write one is no error.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import asdict
from pathlib import Path

from lm_core import storage
from lm_core.errors import LmCoreError
from lm_core.models.config import TransformerConfig
from lm_core.pretrained.gguf import Checkpoint
from lm_core.text.byte_pair_encoding import ByteLevelBPE

FORMAT = "3"  # raise it when what is written changes meaning


def default_folder() -> Path:
    """The user's cache directory of this project, by the platform's convention."""
    import platformdirs

    return platformdirs.user_cache_path("next-token-explorer")


def key_of(source: Path) -> str:
    """SHA-256 of a file, 64 hex digits."""
    with source.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _files(folder: Path, name: str, key: str) -> tuple[Path, Path]:
    stem = f"{name}-{key[:16]}-{FORMAT}"
    return folder / f"{stem}.safetensors", folder / f"{stem}.tokenizer.json"


def load(folder: Path, name: str, key: str) -> Checkpoint | None:
    """The checkpoint stored for this source file, or None if there is no sound one."""
    weights_file, tokenizer_file = _files(folder, name, key)
    try:
        flat, facts = storage.read(weights_file, name)
        serialised = tokenizer_file.read_text(encoding="utf-8")
        if facts["key"] != key or facts["tokenizer"] != zlib.crc32(serialised.encode()):
            return None
        config = TransformerConfig(**facts["config"])
        transposed = set(facts["transposed"])
        weights = {tensor: value.t() if tensor in transposed else value for tensor, value in flat.items()}
        return Checkpoint(config, weights, ByteLevelBPE(serialised), tuple(facts["end_ids"]))
    except (OSError, LmCoreError, KeyError, TypeError, ValueError):
        return None


def store(folder: Path, name: str, key: str, checkpoint: Checkpoint) -> bool:
    """Writes the checkpoint, all or nothing, and drops older ones of the same name; False if that failed."""
    weights_file, tokenizer_file = _files(folder, name, key)
    serialised = checkpoint.tokenizer.to_json()
    # Column-major matrices are stored transposed, so that reading them back gives that layout for free.
    transposed = [name for name, value in checkpoint.weights.items() if not value.is_contiguous()]
    flat = {tensor: value.t() if tensor in transposed else value for tensor, value in checkpoint.weights.items()}
    facts = {
        "key": key,
        "tokenizer": zlib.crc32(serialised.encode()),
        "config": asdict(checkpoint.config),
        "end_ids": list(checkpoint.end_ids),
        "transposed": transposed,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with storage.replacing(tokenizer_file) as unfinished:
            unfinished.write_text(serialised, encoding="utf-8")
        storage.write(weights_file, flat, facts)
        for stale in folder.glob(f"{name}-*"):
            if stale not in (weights_file, tokenizer_file) and not stale.name.endswith(".unfinished"):
                stale.unlink(missing_ok=True)
    except OSError:
        return False
    return True
