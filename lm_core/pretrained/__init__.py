"""Models we did not train: a name in, a `LanguageModel` out."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from lm_core.errors import DamagedFile
from lm_core.pretrained import local
from lm_core.pretrained.catalogue import DEFAULT, Entry, catalogue, entry, packaged
from lm_core.pretrained.local import LocalEntry

if TYPE_CHECKING:
    from lm_core.models.transformer import Transformer
    from lm_core.pretrained.gguf import Checkpoint, Weights
    from lm_core.pretrained.onnx_engine import Engine

__all__ = ["DEFAULT", "Entry", "LocalEntry", "catalogue", "entry", "load", "load_engine", "packaged"]


def load(name: str = DEFAULT, cache_folder: Path | None = None) -> Transformer:
    """The pretrained model of that name as our readable `Transformer`, float32, ready to call.

    The first call reads and dequantises the model file (seconds) and stores the result in `cache_folder`
    (the user's cache directory unless given); later calls read that (about a second).
    Raises ModelUnavailable if the package is absent, DamagedFile if its file is not the published one.
    """
    from lm_core.pretrained import gguf

    return local.build(_checkpoint(name, name, gguf.dequantised, cache_folder), name)


def load_engine(name: str = DEFAULT, cache_folder: Path | None = None, threads: int | None = None) -> Engine:
    """The same model as an `Engine`: the same numbers within 1e-3 nats, several times faster, and four times smaller.

    Caches and raises as `load` does; `threads` as torch uses unless given.
    """
    from lm_core.pretrained import onnx_weights
    from lm_core.pretrained.onnx_engine import Engine

    found = _checkpoint(name, f"engine-{name}", onnx_weights.tensors, cache_folder)
    weights = {tensor: value.numpy() for tensor, value in found.weights.items()}
    return Engine(found.config, weights, found.tokenizer, found.end_ids, threads)


def _checkpoint(name: str, stored: str, weights: Weights, cache_folder: Path | None) -> Checkpoint:
    """What the cache holds under the name `stored`, or the model file says."""
    from lm_core.pretrained import gguf, weight_cache

    known = packaged(name)
    source = known.path()
    folder = cache_folder or weight_cache.default_folder()
    key = weight_cache.key_of(source)
    if key != known.sha256:
        raise DamagedFile(f"The model file {source.name} is not the published one, or was damaged.", known.reinstall)
    checkpoint = weight_cache.load(folder, stored, key)
    if checkpoint is None:
        checkpoint = gguf.read(source, known.reinstall, weights)
        # Nobody waits for the copy: it is written while the model already answers.
        threading.Thread(target=weight_cache.store, args=(folder, stored, key, checkpoint), name="weight-cache").start()
    return checkpoint
