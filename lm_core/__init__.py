"""How a language model turns text into the next token: a readable, tested package.

Public names, in the order the data flows: text -> ids -> logits -> probabilities. Importing this package
loads nothing heavy; numpy and torch come in with the first name that needs them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lm_core import answers as answers
    from lm_core import beam as beam
    from lm_core import cache_run as cache_run
    from lm_core import corpus as corpus
    from lm_core import counting as counting
    from lm_core import crowd as crowd
    from lm_core import decoding as decoding
    from lm_core import exploration as exploration
    from lm_core import factors as factors
    from lm_core import filters as filters
    from lm_core import generation as generation
    from lm_core import grammar as grammar
    from lm_core import inspection as inspection
    from lm_core import kv_sizing as kv_sizing
    from lm_core import pasted as pasted
    from lm_core import pretrained as pretrained
    from lm_core import prompt as prompt
    from lm_core import quiz as quiz
    from lm_core import recipe as recipe
    from lm_core import recording as recording
    from lm_core import repetition as repetition
    from lm_core import runtime as runtime
    from lm_core import scoring as scoring
    from lm_core import shannon as shannon
    from lm_core import smoothing as smoothing
    from lm_core import sums as sums
    from lm_core import sweep as sweep
    from lm_core import syntax as syntax
    from lm_core import trace as trace
    from lm_core import training as training
    from lm_core import window as window
    from lm_core.distribution import Distribution as Distribution
    from lm_core.distribution import softmax as softmax
    from lm_core.errors import InvalidInput as InvalidInput
    from lm_core.errors import LmCoreError as LmCoreError
    from lm_core.errors import ModelUnavailable as ModelUnavailable
    from lm_core.labels import label as label
    from lm_core.models import LanguageModel as LanguageModel
    from lm_core.models.kv_cache import KVCache as KVCache
    from lm_core.models.neural_ngram import NeuralNgram as NeuralNgram
    from lm_core.models.ngram import NgramModel as NgramModel
    from lm_core.models.recurrent import Recurrent as Recurrent
    from lm_core.models.table import TableModel as TableModel
    from lm_core.models.transformer import Transformer as Transformer
    from lm_core.tokens import ByteLevelBPE as ByteLevelBPE
    from lm_core.tokens import CharacterTokenizer as CharacterTokenizer
    from lm_core.tokens import WordTokenizer as WordTokenizer

_HOMES = {
    "LmCoreError": "errors",
    "InvalidInput": "errors",
    "ModelUnavailable": "errors",
    "ByteLevelBPE": "tokens",
    "CharacterTokenizer": "tokens",
    "WordTokenizer": "tokens",
    "label": "labels",
    "prompt": None,
    "grammar": None,
    "corpus": None,
    "sums": None,
    "syntax": None,
    "recipe": None,
    "LanguageModel": "models",
    "TableModel": "models.table",
    "NgramModel": "models.ngram",
    "NeuralNgram": "models.neural_ngram",
    "Recurrent": "models.recurrent",
    "Transformer": "models.transformer",
    "KVCache": "models.kv_cache",
    "pretrained": None,
    "Distribution": "distribution",
    "softmax": "distribution",
    "sweep": None,
    "pasted": None,
    "filters": None,
    "decoding": None,
    "trace": None,
    "recording": None,
    "window": None,
    "generation": None,
    "cache_run": None,
    "repetition": None,
    "exploration": None,
    "beam": None,
    "crowd": None,
    "scoring": None,
    "factors": None,
    "answers": None,
    "shannon": None,
    "quiz": None,
    "inspection": None,
    "counting": None,
    "smoothing": None,
    "training": None,
    "runtime": None,
    "kv_sizing": None,
}

__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'lm_core' has no attribute {name!r}")
    home = _HOMES[name]
    return import_module(f"lm_core.{name}") if home is None else getattr(import_module(f"lm_core.{home}"), name)
