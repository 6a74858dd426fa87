"""A model whose weights only a remote engine holds; its tokenizer is here. Apart from `model`, which needs torch.

Reads a folder with `config.json` and `tokenizer.json` in Hugging Face's layout.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from lm_core.errors import DamagedFile
from lm_core.remote.client import EngineFailed

if TYPE_CHECKING:
    from lm_core.models.kv_cache import KVCache


class RemoteOnlyModel:
    """Meets `LanguageModel` as far as a tokenizer can; `begin` is what the model reads before every text."""

    def __init__(self, path: Path) -> None:
        """Raises DamagedFile or ModelUnavailable, naming what the folder lacks."""
        from lm_core.pretrained import folder

        said = folder.config(path)
        text = said.get("text_config", said)  # of a model that reads pictures too
        size, most = (text.get(name) for name in ("vocab_size", "max_position_embeddings"))
        if not isinstance(size, int) or size < 1:
            raise DamagedFile(f"{path.name}/config.json names no vocab_size.", "copy the folder again.")
        self.tokenizer = folder.tokenizer(path, size)
        self.vocab_size = self.tokenizer.vocab_size
        self.context_length = most if isinstance(most, int) else None
        self.end_ids = frozenset(folder.end_ids(path, said))
        self.begin = self.tokenizer.begin_ids

    def new_cache(self) -> KVCache | None:
        """None: the engine keeps its own."""
        return None

    def logits(self, ids: Sequence[int], cache: KVCache | None = None) -> NoReturn:
        """Raises EngineFailed: nothing here can compute them."""
        raise EngineFailed("This model is held by an engine on another server alone.")

    def next_logits(self, batch: Sequence[Sequence[int]], caches: Sequence[KVCache] | None = None) -> NoReturn:
        """Raises EngineFailed: nothing here can compute them."""
        raise EngineFailed("This model is held by an engine on another server alone.")
