"""Writes tensors and facts into one safetensors file, whole or not at all; damage is detected when it is read.

Facts are what JSON can hold; they and a checksum stand in the file's header.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lm_core.errors import DamagedFile

if TYPE_CHECKING:
    import torch

Tensors = Mapping[str, "torch.Tensor"]
KEY = "lm_core"  # the one entry of the header: safetensors writes several in random order


def to_bytes(tensors: Tensors, facts: Mapping[str, Any]) -> bytes:
    """The content of a file; equal input gives equal bytes.

    >>> import torch
    >>> read = from_bytes(to_bytes({"w": torch.ones(2)}, {"step": 3}), "a model")
    >>> read[0]["w"].tolist(), read[1]
    ([1.0, 1.0], {'step': 3})
    """
    from safetensors.torch import save

    whole = {name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}
    return save(whole, _header(whole, facts))


def write(path: Path, tensors: Tensors, facts: Mapping[str, Any]) -> None:
    """Puts the file in place of an old one only when it is complete and on the disk. Raises OSError."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    whole = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
    with replacing(path) as unfinished:
        try:
            save_file(whole, unfinished, _header(whole, facts))
        except SafetensorError as error:
            raise OSError(f"{path.name} could not be written: {error}") from None


def from_bytes(data: bytes, what: str) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Tensors and facts of a file's content. Raises DamagedFile naming `what` for anything else."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "content"
        path.write_bytes(data)
        tensors, facts = read(path, what)
        return {name: tensor.clone() for name, tensor in tensors.items()}, facts


def read(path: Path, what: str) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Tensors and facts of a file. Raises DamagedFile for one we did not write or that changed since; OSError."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {})[KEY])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        facts = dict(header["facts"])
        sound = header["checksum"] == _checksum(tensors, facts)
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise DamagedFile(
            f"{what} is not a file of ours ({type(error).__name__}).", "use another copy of it."
        ) from None
    if not sound:
        raise DamagedFile(f"{what} was changed or damaged since it was written.", "use another copy of it.")
    return tensors, facts


def _header(tensors: Tensors, facts: Mapping[str, Any]) -> dict[str, str]:
    return {KEY: json.dumps({"checksum": _checksum(tensors, facts), "facts": facts}, sort_keys=True)}


def _checksum(tensors: Tensors, facts: Mapping[str, Any]) -> str:
    """CRC-32 over everything stored; it guards against damage, not against malice."""
    total = zlib.crc32(json.dumps(facts, sort_keys=True).encode())
    for name in sorted(tensors):
        described = f"{name} {tensors[name].dtype} {tuple(tensors[name].shape)}"
        total = zlib.crc32(tensors[name].numpy().data, zlib.crc32(described.encode(), total))
    return f"{total:08x}"


@contextlib.contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A path to write to that becomes `target` only when writing has succeeded and reached the disk."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=target.name, suffix=".unfinished")
    os.close(handle)
    unfinished = Path(name)
    try:
        yield unfinished
        with unfinished.open("rb") as written:
            os.fsync(written.fileno())
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
