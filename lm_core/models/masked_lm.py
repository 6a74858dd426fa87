"""A masked language model (BERT, Devlin 2019), for contrast: the same Transformer without the causal mask.

It reads both sides of a blank and fills it in. It cannot write from left to right: it was never trained to predict
what comes next.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from lm_core.errors import InvalidInput, whole_number
from lm_core.models.config import TransformerConfig
from lm_core.models.transformer import Transformer
from lm_core.text.tokenizers import WordTokenizer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MASK = "<mask>"


class MaskedLM(Transformer):
    """A Transformer that sees the whole text; its tokenizer has the special token <mask>."""

    def __init__(self, config: TransformerConfig, tokenizer: WordTokenizer, end_ids: Iterable[int] = ()) -> None:
        if MASK not in tokenizer.special:
            raise InvalidInput("tokenizer", f"one with the special token {MASK}", tokenizer.special)
        super().__init__(replace(config, causal=False), tokenizer, end_ids)
        self.mask_id = tokenizer.special.index(MASK)

    def fill(self, ids: Sequence[int], position: int) -> NDArray[np.float32]:
        """Logits (vocab_size,) of the token at `position`, which is hidden first; all others are read.

        >>> tiny = TransformerConfig(vocab_size=3, context_length=4, layers=1, heads=1, kv_heads=1, head_dim=2,
        ...                          hidden=2, ffn=2)
        >>> model = MaskedLM(tiny, WordTokenizer(["a", "b"], special=[MASK]))
        >>> import torch
        >>> model.initialise(torch.Generator().manual_seed(0))
        >>> bool((model.fill([1, 2, 1], 1) == model.fill([1, 1, 1], 1)).all())
        True
        """
        position = whole_number("position", position, 0, len(ids) - 1)
        return self.logits([self.mask_id if i == position else token for i, token in enumerate(ids)])[position]
