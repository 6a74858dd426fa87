"""Any causal language model that the transformers library computes, meeting our contract; an optional extra.

Runs no code that comes with a model, opens no pickle, asks no network. Has no KV cache of our kind, and nothing can be
looked into: for those, see the models that this project computes itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from lm_core.errors import ModelUnavailable
from lm_core.models.network import check, padded
from lm_core.pretrained import folder

if TYPE_CHECKING:
    from lm_core.models.kv_cache import KVCache
    from lm_core.text.byte_pair_encoding import ByteLevelBPE

_OTHER = "choose a causal language model."
INSTALL = 'pip install ".[transformers]"'


def load(path: Path) -> TransformersModel:
    """The causal model of a folder in float32. Raises ModelUnavailable where the library is absent or refuses it."""
    try:
        from transformers import AutoModelForCausalLM
    except ImportError:
        what = "The optional adapter needs the transformers library, which is not installed."
        raise ModelUnavailable(what, INSTALL) from None
    try:
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            path, dtype=torch.float32, local_files_only=True, trust_remote_code=False, use_safetensors=True,
            output_loading_info=True,
        )  # fmt: skip
    except Exception as error:  # the library raises whatever a model's code raises
        why = " ".join(str(error).split()).replace(str(path), path.name)[:300]
        raise ModelUnavailable(f"The transformers library does not load {path.name} ({why}).", _OTHER) from None
    model, read = loaded
    if absent := sorted(read["missing_keys"]) or sorted(map(str, read["mismatched_keys"])):
        what = f"{path.name} lacks weights of a causal language model, such as {absent[0]}."
        raise ModelUnavailable(what, _OTHER)
    words = folder.tokenizer(path, model.config.get_text_config().vocab_size)
    model.requires_grad_(False)  # it comes in evaluation mode
    adapted = TransformersModel(model, words, folder.end_ids(path, folder.config(path)))
    if _peeks(adapted):
        raise ModelUnavailable(f"{path.name} is no causal model: it looks at tokens that come later.", _OTHER)
    return adapted


def _peeks(model: TransformersModel) -> bool:
    """Whether another last token changes the logits before it: of a causal model, by rounding alone at most.

    Measured against the logits themselves: how much a later token adds depends on how large the weights are.
    """
    before, after = model.logits([0, 1, 2])[:2], model.logits([0, 1, 3])[:2]
    return not np.abs(before - after).max() <= 1e-5 * np.abs(before).max()  # nan is no causal model's either


class TransformersModel:
    """A model of the transformers library as a `LanguageModel`: each text is read from its beginning."""

    def __init__(self, model: Any, tokenizer: ByteLevelBPE, end_ids: Sequence[int]) -> None:
        self._model = model
        self.tokenizer = tokenizer
        self.vocab_size = tokenizer.vocab_size
        self.end_ids = frozenset(end_ids)
        text = model.config.get_text_config()
        self.context_length: int | None = getattr(text, "max_position_embeddings", None) or getattr(
            text, "n_positions", None
        )

    def new_cache(self) -> KVCache | None:
        """None: the library's caches are not ours."""
        return None

    @torch.inference_mode()
    def logits(self, ids: Sequence[int], cache: KVCache | None = None) -> NDArray[np.float32]:
        """See LanguageModel.logits; float32."""
        check(self, [ids], None)
        return self._forward([ids])[0]

    @torch.inference_mode()
    def next_logits(
        self, batch: Sequence[Sequence[int]], caches: Sequence[KVCache] | None = None
    ) -> NDArray[np.float32]:
        """See LanguageModel.next_logits; float32."""
        check(self, batch, None)
        rows = self._forward(batch)
        return rows[np.arange(len(batch)), np.array([len(ids) - 1 for ids in batch])]

    def _forward(self, batch: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Logits (batch, time, vocab_size), padded on the right; what stands there is not seen from before it."""
        ids, lengths = padded(batch)
        seen = torch.arange(ids.shape[1])[None] < torch.tensor(lengths)[:, None]  # (batch, time)
        found = self._model(input_ids=ids, attention_mask=seen.long(), use_cache=False).logits
        return found[..., : self.vocab_size].float().numpy()
