"""How a language model turns text into the next token: a readable, tested package.

The folders stand in the order the data flows; each may import those before it:

    text -> models -> decoding -> generation -> scoring -> inspection -> training

`pretrained` and `remote` bring models we did not train, `serving` shares one among many visitors, `training_runs`
trains in processes of their own, and `kv_sizing` counts the bytes of a KV cache. `errors`, `logits`, `distribution`,
`labels` and `storage` are used by all. Importing this package loads nothing heavy; numpy and torch come in with the
first name that needs them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lm_core.distribution import Distribution as Distribution
    from lm_core.errors import InvalidInput as InvalidInput
    from lm_core.errors import LmCoreError as LmCoreError
    from lm_core.errors import ModelUnavailable as ModelUnavailable
    from lm_core.labels import label as label
    from lm_core.logits import softmax as softmax
    from lm_core.models import LanguageModel as LanguageModel
    from lm_core.models.gru import GRUModel as GRUModel
    from lm_core.models.kv_cache import KVCache as KVCache
    from lm_core.models.neural_ngram import NeuralNgram as NeuralNgram
    from lm_core.models.ngrams.model import NgramModel as NgramModel
    from lm_core.models.table_model import TableModel as TableModel
    from lm_core.models.transformer import Transformer as Transformer
    from lm_core.text.byte_pair_encoding import ByteLevelBPE as ByteLevelBPE
    from lm_core.text.tokenizers import CharacterTokenizer as CharacterTokenizer
    from lm_core.text.tokenizers import WordTokenizer as WordTokenizer

_HOMES = {
    "LmCoreError": "errors",
    "InvalidInput": "errors",
    "ModelUnavailable": "errors",
    "Distribution": "distribution",
    "softmax": "logits",
    "label": "labels",
    "ByteLevelBPE": "text.byte_pair_encoding",
    "CharacterTokenizer": "text.tokenizers",
    "WordTokenizer": "text.tokenizers",
    "LanguageModel": "models",
    "TableModel": "models.table_model",
    "NgramModel": "models.ngrams.model",
    "NeuralNgram": "models.neural_ngram",
    "GRUModel": "models.gru",
    "Transformer": "models.transformer",
    "KVCache": "models.kv_cache",
}

__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'lm_core' has no attribute {name!r}")
    return getattr(import_module(f"lm_core.{_HOMES[name]}"), name)
