"""Times generation with a KV cache and without one: tokens read, seconds and bytes of each forward pass.

The first step is the prefill, which reads the whole prompt; each later step decodes one token. Decoding is greedy and
goes on past an end token.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lm_core.errors import InvalidInput, whole_number
from lm_core.kv_sizing import Geometry, from_config

if TYPE_CHECKING:
    from lm_core.models import LanguageModel
    from lm_core.models.config import TransformerConfig
    from lm_core.models.kv_cache import KVCache

PREFILL, DECODE = "prefill", "decode"


@dataclass(frozen=True)
class CacheStep:
    """One new token: what it cost with the cache and, where that was asked for, without.

    `read` are the tokens that passed through the model, `positions` those it attended to, `cached_bytes` the size of
    the tensors the cache then held, `shape` theirs: (layers, 2, kv_heads, positions, head_dim). Without the cache all
    `positions` are read each time. `difference` is the largest between the logits of the two.
    """

    phase: str
    read: int
    positions: int
    token: int
    seconds: float
    cached_bytes: int
    shape: tuple[int, ...]
    seconds_without: float | None = None
    token_without: int | None = None
    difference: float | None = None


def measure(model: LanguageModel, prompt_ids: Sequence[int], new: int, compare: bool = True) -> Iterator[CacheStep]:
    """Generates `new` tokens greedily, a step at a time; with `compare` each is also computed from scratch.

    Raises InvalidInput for an empty prompt, a model that keeps no cache, or a text longer than the model's context.
    """
    whole_number("new", new, 1, 4096)
    ids = list(prompt_ids)
    cache = _new_cache(model)
    if not ids:
        raise InvalidInput("prompt_ids", "at least one token id", ids)
    if model.context_length is not None and len(ids) + new - 1 > model.context_length:
        raise InvalidInput("prompt_ids", f"at most {model.context_length - new + 1:,} token ids", len(ids))
    unread = ids
    model.next_logits([ids[:64]], [_new_cache(model)])  # untimed: a machine at rest needs a moment to get going
    while new:
        start = time.perf_counter()
        row = model.next_logits([unread], [cache])[0]
        seconds = time.perf_counter() - start
        token = int(row.argmax())
        phase = PREFILL if cache.length == len(prompt_ids) else DECODE
        step = CacheStep(phase, len(unread), cache.length, token, seconds, cache.nbytes, cache.shape)
        yield _compared(model, ids, row, step) if compare else step
        ids, unread, new = [*ids, token], [token], new - 1


def _new_cache(model: LanguageModel) -> KVCache:
    cache = model.new_cache()
    if cache is None:
        raise InvalidInput("model", "one that keeps a KV cache, such as a Transformer", type(model).__name__)
    return cache


def _compared(model: LanguageModel, ids: list[int], row: np.ndarray, step: CacheStep) -> CacheStep:
    """The same pass over the whole text, as if nothing had been kept: into a cache that is thrown away."""
    nothing = _new_cache(model)
    start = time.perf_counter()
    again = model.next_logits([ids], [nothing])[0]
    seconds = time.perf_counter() - start
    gap = float(np.abs(again.astype(np.float64) - row.astype(np.float64)).max())
    return replace(step, seconds_without=seconds, token_without=int(again.argmax()), difference=gap)


@dataclass(frozen=True)
class Totals:
    """Sums over steps. Passes with the cache read P + N - 1 tokens, passes without it P + (P + 1) + ... ."""

    new: int
    read: int
    read_without: int
    seconds: float
    seconds_without: float | None
    same_tokens: bool | None
    difference: float | None


def totals(steps: Sequence[CacheStep]) -> Totals:
    """Adds up a run.

    >>> step = CacheStep("prefill", read=4, positions=4, token=7, seconds=0.1, cached_bytes=64, shape=(1, 2, 1, 4, 2))
    >>> summed = totals([step, replace(step, phase="decode", read=1, positions=5)])
    >>> summed.read, summed.read_without  # 4 + 2 - 1, and 4 + 5
    (5, 9)
    """
    if not steps:
        raise InvalidInput("steps", "at least one", [])
    compared = [s for s in steps if s.seconds_without is not None]
    whole = len(compared) == len(steps)
    return Totals(
        len(steps), sum(s.read for s in steps), sum(s.positions for s in steps), sum(s.seconds for s in steps),
        sum(s.seconds_without or 0 for s in compared) if whole else None,
        all(s.token == s.token_without for s in compared) if whole else None,
        max(s.difference or 0.0 for s in compared) if whole else None,
    )  # fmt: skip


def geometry(config: TransformerConfig, name: str = "this model") -> Geometry:
    """The shape as `kv_sizing` sees it, read from the `config.json` this model would be published with."""
    from lm_core.models.hugging_face import to_config

    return from_config(to_config(config), name)


def variants(config: TransformerConfig) -> dict[str, TransformerConfig]:
    """The same model had it been built with one key-value head per query head (MHA), with groups (GQA), or with one.

    >>> from lm_core.models.config import TransformerConfig
    >>> shape = {"vocab_size": 9, "context_length": 8, "layers": 1, "head_dim": 4, "hidden": 8, "ffn": 8}
    >>> {name: each.kv_heads for name, each in variants(TransformerConfig(heads=4, kv_heads=2, **shape)).items()}
    {'MHA': 4, 'GQA': 2, 'MQA': 1}
    """
    kinds = {"MHA": config.heads, "GQA": config.kv_heads, "MQA": 1}
    if config.kv_heads in (1, config.heads):
        del kinds["GQA"]
    return {name: replace(config, kv_heads=heads) for name, heads in kinds.items()}


def parameters(config: TransformerConfig) -> int:
    """How many weights a Transformer of this shape has, biases of the GPT-2 style included."""
    c, biased = config, config.style == "gpt2"
    attention = c.hidden * c.head_dim * (2 * c.heads + 2 * c.kv_heads)
    feed = (2 if biased else 3) * c.hidden * c.ffn
    norms = (2 if biased else 1) * c.hidden
    biases = c.head_dim * (c.heads + 2 * c.kv_heads) + 2 * c.hidden + c.ffn if biased else 0
    embeddings = c.vocab_size * c.hidden * (1 if c.tied_head else 2) + (c.context_length * c.hidden if biased else 0)
    return embeddings + c.layers * (attention + feed + 2 * norms + biases) + norms


def operations(config: TransformerConfig, positions: int) -> tuple[int, int]:
    """Multiply-adds of one decode step: with the weights, and between the new token and `positions` cached ones.

    Each weight of a matrix is used once; each query head takes a dot product with every key and adds up every value.
    """
    c = config
    matrices = c.layers * (c.hidden * c.head_dim * (2 * c.heads + 2 * c.kv_heads) + _feed(c)) + c.vocab_size * c.hidden
    return matrices, 2 * c.layers * c.heads * c.head_dim * positions


def _feed(c: TransformerConfig) -> int:
    return (2 if c.style == "gpt2" else 3) * c.hidden * c.ffn
