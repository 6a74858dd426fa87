"""A pretrained Transformer that serves: one ONNX graph on the file's own 4-bit weights, activations in float32.

Meets the `LanguageModel` contract with the same `KVCache` as `models.transformer.Transformer`, to which it is held by
tests; a text may go on from one in the other. Faster because decoding streams 4-bit weights, not float32 ones, through
the processor. Cannot be looked into: attention weights and residual streams come from the Transformer.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from lm_core.models.kv_cache import KVCache
from lm_core.models.network import check
from lm_core.pretrained import onnx_graph

if TYPE_CHECKING:
    from lm_core.models.config import TransformerConfig
    from lm_core.text.tokenizers import Tokenizer

_TOGETHER = 3
"""Sequences from which on one pass over a batch costs less than a pass each."""
_SHORT = 4
"""New tokens up to which sequences that go on are taken a token a pass, all at once."""
_ROWS = 2_048
"""Positions of fresh sequences computed in one pass, padding included."""


class Engine:
    """Float32 logits within 1e-3 nats of the float32 Transformer's over the whole vocabulary; see the tests."""

    def __init__(
        self, config: TransformerConfig, weights: onnx_graph.Arrays, tokenizer: Tokenizer, end_ids: Iterable[int],
        threads: int | None = None,
    ) -> None:  # fmt: skip
        """`weights` as `pack.read` gives them; `threads` as torch uses unless given."""
        self.config = config
        self.tokenizer = tokenizer
        self.vocab_size = config.vocab_size
        self.context_length = config.context_length
        self.end_ids = frozenset(end_ids)
        self._signed, self._scales = weights.pop("embedding.q"), weights.pop("embedding.s")
        self._session = _session(config, weights, threads or torch.get_num_threads())
        self._bindings: weakref.WeakKeyDictionary[KVCache, tuple[tuple[int, int], Any]] = weakref.WeakKeyDictionary()
        """Of each cache: where its memory lies, and the graph's inputs and outputs tied to it."""

    def new_cache(self) -> KVCache:
        """An empty cache of this model's shape."""
        return KVCache(self.config.layers, self.config.kv_heads, self.config.head_dim)

    @torch.inference_mode()
    def logits(self, ids: Sequence[int], cache: KVCache | None = None) -> NDArray[np.float32]:
        """See LanguageModel.logits; float32."""
        caches = None if cache is None else [cache]
        check(self, [ids], caches)
        return self._go_on(ids, cache or self.new_cache(), range(len(ids)))

    @torch.inference_mode()
    def next_logits(
        self, batch: Sequence[Sequence[int]], caches: Sequence[KVCache] | None = None
    ) -> NDArray[np.float32]:
        """See LanguageModel.next_logits; float32. Only the last position of each sequence meets the head."""
        check(self, batch, caches)
        if caches is None:
            return self._fresh(batch)
        short = [i for i, ids in enumerate(batch) if len(ids) <= _SHORT and caches[i].length]
        if len(short) < _TOGETHER:
            short = []
        rows = np.empty((len(batch), self.vocab_size), np.float32)
        if short:
            rows[short] = self._token_by_token([batch[i] for i in short], [caches[i] for i in short])
        for i in set(range(len(batch))).difference(short):
            rows[i] = self._go_on(batch[i], caches[i], [len(batch[i]) - 1])[0]
        return rows

    # ---- one sequence

    def _go_on(self, ids: Sequence[int], cache: KVCache, asked: Sequence[int]) -> NDArray[np.float32]:
        """Reads the ids behind what the cache holds; logits of the asked positions."""
        room = cache.reserve(len(ids))  # (layers, 2, kv_heads, room, head_dim)
        place, binding = self._bindings.get(cache, ((0, 0), None))
        here = room.data_ptr(), room.shape[3]  # what has grown may lie where something narrower lay
        if binding is None or place != here:
            binding = self._bound(room[:, :, None])
            self._bindings[cache] = here, binding
        rows = self._run(binding, np.array([ids]), np.array([cache.length + len(ids)]), asked)
        cache.advance(len(ids))
        return rows

    # ---- several

    def _fresh(self, batch: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Sequences from their beginning, similar lengths in one pass, padded on the right."""
        rows = np.empty((len(batch), self.vocab_size), np.float32)
        order = sorted(range(len(batch)), key=lambda i: len(batch[i]))
        while order:
            longest = len(batch[order[-1]])
            count = max(1, _ROWS // longest)
            taken, order = order[-count:], order[:-count]
            ids = np.zeros((len(taken), longest), np.int64)  # (batch, time)
            for row, i in enumerate(taken):
                ids[row, : len(batch[i])] = batch[i]
            lengths = np.array([len(batch[i]) for i in taken])
            c = self.config
            scratch = torch.empty(c.layers, 2, len(taken), c.kv_heads, longest, c.head_dim)
            asked = np.arange(len(taken)) * longest + lengths - 1
            rows[taken] = self._run(self._bound(scratch), ids, lengths, asked)
        return rows

    def _token_by_token(self, batch: Sequence[Sequence[int]], caches: Sequence[KVCache]) -> NDArray[np.float32]:
        """One token of each sequence a pass, all that the attention operator takes of a batch that goes on.

        Sequences end together: those with more to read begin earlier, alone.
        """
        c = self.config
        order = sorted(range(len(batch)), key=lambda i: -len(batch[i]))
        past = [caches[i].length for i in order]
        new = [batch[i] for i in order]
        room = max(length + len(ids) for length, ids in zip(past, new))
        shared = torch.zeros(c.layers, 2, len(batch), c.kv_heads, room, c.head_dim)
        for row, i in enumerate(order):
            shared[:, :, row, :, : past[row]] = caches[i].held()
        for left in range(len(new[0]), 0, -1):
            going = sum(len(ids) >= left for ids in new)
            ids = np.array([[ids[-left]] for ids in new[:going]])
            lengths = np.array([past[row] + len(new[row]) - left + 1 for row in range(going)])
            logits = self._run(self._bound(shared[:, :, :going]), ids, lengths, range(going) if left == 1 else [0])
        rows = np.empty((len(batch), self.vocab_size), np.float32)
        for row, i in enumerate(order):
            end = past[row] + len(new[row])
            caches[i].reserve(len(new[row]))[:, :, :, past[row] : end] = shared[:, :, row, :, past[row] : end]
            caches[i].advance(len(new[row]))
            rows[i] = logits[row]
        return rows

    # ---- the graph

    def _bound(self, memory: torch.Tensor) -> Any:
        """Ties the keys and values in and out to one memory (layers, 2, batch, kv_heads, room, head_dim)."""
        value_of = runtime().OrtValue.ortvalue_from_numpy
        binding = self._session.io_binding()
        for layer, both in enumerate(memory.numpy()):
            for kind, part in zip("kv", both):
                value = value_of(part)  # shares the memory
                binding.bind_ortvalue_input(f"past_{kind}{layer}", value)
                binding.bind_ortvalue_output(f"now_{kind}{layer}", value)
        return binding

    def _run(
        self, binding: Any, ids: NDArray[np.int64], lengths: NDArray[np.int64], asked: Iterable[int]
    ) -> NDArray[np.float32]:
        """One pass over ids (batch, time); lengths count what is held too. Rows asked of batch * time."""
        batch, time = ids.shape
        inputs = {
            "embedded": self._embed(ids.ravel()),
            "split": np.array([batch, time, -1]),
            "asked": np.array(asked, np.int64),
            "lengths_less_one": lengths.astype(np.int32) - 1,
            "longest": np.array([lengths.max()], np.int32),
        }
        for name, value in inputs.items():
            binding.bind_cpu_input(name, value)
        binding.bind_output("logits")
        self._session.run_with_iobinding(binding)
        return np.asarray(binding.get_outputs()[-1].numpy())

    def _embed(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """(tokens, hidden)."""
        return (self._signed[ids] * self._scales[ids][..., None]).reshape(len(ids), -1)


def runtime() -> Any:
    """The onnxruntime library, told to send nothing: else it writes a device id and events, and reports them home."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read when it is imported; no later call undoes that
    import onnxruntime

    return onnxruntime


def _session(config: TransformerConfig, weights: onnx_graph.Arrays, threads: int) -> Any:
    onnxruntime = runtime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors only
    weights = {**weights, **onnx_graph.rotary_tables(config)}
    names = list(weights)
    options.add_external_initializers(
        names, [onnxruntime.OrtValue.ortvalue_from_numpy(weights[name]) for name in names]
    )
    return onnxruntime.InferenceSession(onnx_graph.build(config, weights), options, providers=["CPUExecutionProvider"])
