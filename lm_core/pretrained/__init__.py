"""Models we did not train: a name in, a `LanguageModel` out."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from lm_core.pretrained.catalogue import DEFAULT, Entry, catalogue, entry

if TYPE_CHECKING:
    from lm_core.models.transformer import Transformer

__all__ = ["DEFAULT", "Entry", "catalogue", "entry", "load"]


def load(name: str = DEFAULT, cache_folder: Path | None = None) -> Transformer:
    """The pretrained model of that name, float32, ready to call.

    The first call reads and dequantises the model file (seconds) and stores the result in `cache_folder`
    (the user's cache directory unless given); later calls read that (about a second).
    Raises ModelUnavailable if the package is absent, DamagedFile if its file cannot be read.
    """
    import torch

    from lm_core.models.transformer import Transformer
    from lm_core.pretrained import gguf, weight_cache

    known = entry(name)
    source = known.path()
    folder = cache_folder or weight_cache.default_folder()
    key = weight_cache.key_of(source)
    checkpoint = weight_cache.load(folder, name, key)
    if checkpoint is None:
        checkpoint = gguf.read(source, remedy=known.reinstall)
        # Nobody waits for the copy: it is written while the model already answers.
        threading.Thread(target=weight_cache.store, args=(folder, name, key, checkpoint), name="weight-cache").start()
    with torch.device("meta"):  # no memory until the weights are assigned
        model = Transformer(checkpoint.config, checkpoint.tokenizer, checkpoint.end_ids)
    model.load_state_dict(checkpoint.weights, assign=True)
    return model.eval().requires_grad_(False)
