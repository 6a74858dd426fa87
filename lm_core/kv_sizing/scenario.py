"""A scenario: model, load, engine and GPUs, with every answer to it, so that scenarios can be stored and compared.

Combines `sizing` and the modules of `capacity`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from lm_core.errors import InvalidInput, whole_number
from lm_core.kv_sizing.capacity.budget import Budget, LargestFit, Span, largest
from lm_core.kv_sizing.capacity.gpus import GPUS, Gpu
from lm_core.kv_sizing.capacity.reserve import Reserve, estimate
from lm_core.kv_sizing.capacity.split import Split
from lm_core.kv_sizing.draft import with_draft
from lm_core.kv_sizing.engines.as_stored import AUTO
from lm_core.kv_sizing.engines.profiles import Engine, Ideal
from lm_core.kv_sizing.geometry import Geometry
from lm_core.kv_sizing.sizing import Sizing, profile, size
from lm_core.kv_sizing.weights.checkpoint import StoredWeights

_GPU, _IDEAL, _ALONE = GPUS["H100 80 GB"], Ideal(), Split()
_LONGEST, _MANY = 1 << 30, 1 << 24
_PERCENT = {"ideal": 92, "vLLM": 92, "TensorRT-LLM": 90}  # gpu_memory_utilization; of what is free


@dataclass(frozen=True)
class Scenario:
    """`sequences` of up to `context` tokens, `mean` on average (0: all are full), on the GPUs of `split`.

    Weights are stored as `weight_format` ("": as their makers publish them) unless `stated_weights` gives their bytes.
    `percent` 0 and `stated_reserve` None leave what an engine may use, and what it needs besides, to the estimate.
    `shared` tokens begin every sequence alike and are kept once; `draft_layers` are a speculative draft's; `pool` fixes
    the bytes for the cache on each GPU. `gpu_layers` of the model are on the GPUs (0: all), the others, and the cache
    where `cache_on_processor`, in the processor's memory. `dtype_v` "" means as K.

    >>> from lm_core.kv_sizing import preset
    >>> plan = Scenario(preset("llama-3.1-70b"), context=32768, sequences=64, split=Split(tensor=8))
    >>> plan.sizing.total // 2**30, plan.verdict, plan.most_sequences.value
    (640, 'does not fit', 45)
    """

    geometry: Geometry
    context: int = 2048
    sequences: int = 1
    mean: int = 0
    dtype_k: str = AUTO
    dtype_v: str = ""
    engine: Engine = _IDEAL
    split: Split = _ALONE
    weight_format: str = ""
    stated_weights: int = 0
    gpu: Gpu = _GPU
    percent: int = 0
    stated_reserve: int | None = None
    shared: int = 0
    draft_layers: int = 0
    pool: int = 0
    gpu_layers: int = 0
    cache_on_processor: bool = False

    def __post_init__(self) -> None:
        whole_number("context", self.context, 1, 1 << 40)
        for name in ("mean", "shared"):
            if whole_number(name, getattr(self, name), 0) > self.context:
                raise InvalidInput(name, f"at most the longest length, {self.context:,}", getattr(self, name))
        whole_number("stated_weights", self.stated_weights, 0, 1 << 60)
        whole_number("draft_layers", self.draft_layers, 0, 256)
        whole_number("pool", self.pool, 0, 1 << 50)
        whole_number("gpu_layers", self.gpu_layers, 0, 1 << 16)
        if (self.gpu_layers or self.cache_on_processor) and self.engine.name not in ("llama.cpp", "Ollama"):
            raise InvalidInput("gpu_layers", f"0: {self.engine.name} keeps all layers on its GPUs", self.gpu_layers)

    @property
    def kind(self) -> type[Engine]:
        return profile(self.engine)

    @property
    def asked(self) -> dict[str, Any]:
        """What `size` and everything built on it take as options."""
        return {"dtype_k": self.dtype_k, "dtype_v": self.dtype_v or self.dtype_k, "engine": self.engine}

    @cached_property
    def model(self) -> Geometry:
        """What is kept: the model, and the layers of a draft."""
        return with_draft(self.geometry, self.draft_layers)

    @cached_property
    def stored_weights(self) -> StoredWeights | None:
        """All weights; None where nobody knows them."""
        if self.stated_weights:
            count = self.stated_weights
            return StoredWeights(
                self.weight_format or self.geometry.checkpoint.format, count, count, count, "as stated"
            )
        return self.geometry.checkpoint.stored(self.weight_format)

    @property
    def weights(self) -> int:
        """Likely bytes of all weights; 0 where nobody knows."""
        return self.stored_weights.likely if self.stored_weights else 0

    @cached_property
    def weights_on_each(self) -> Span:
        """Bytes of weights on the fullest GPU."""
        stored = self.stored_weights
        if stored is None:
            return Span.exactly(0)
        here = self.split.weights(stored, self.geometry.checkpoint.parameters, self.geometry.all_layers)
        return Span(*(math.ceil(each * self._on_gpus) for each in (here.least, here.likely, here.most)))

    @property
    def _on_gpus(self) -> float:
        """Share of the layers that the GPUs hold."""
        layers = self.geometry.all_layers
        return min(1.0, self.gpu_layers / layers) if self.gpu_layers and layers else 1.0

    @property
    def on_processor(self) -> int:
        """Bytes of weights and cache in the processor's memory."""
        weights = round(self.weights * (1 - self._on_gpus))
        everything = replace(self, gpu_layers=0, cache_on_processor=False)
        return weights + everything.need() * self.split.gpus - self.need() * self.split.gpus

    @cached_property
    def reserve(self) -> Reserve:
        """What the engine takes on each GPU besides weights and cache."""
        if self.stated_reserve is not None:
            return Reserve.stated(self.stated_reserve)
        weights, n_ubatch = self.geometry.checkpoint, getattr(self.engine, "n_ubatch", 512)
        width = weights.parameters.chosen * self.geometry.hidden
        family = self.geometry.family
        return estimate(self.engine.name, self.gpu, weights.vocabulary, self.split.gpus, n_ubatch, width, family)

    @property
    def used_percent(self) -> int:
        """Share of a GPU's memory that the engine may use."""
        return self.percent or _PERCENT.get(self.engine.name, 100)

    @property
    def budget(self) -> Budget:
        if self.pool:
            return Budget(self.pool, Span.exactly(0))
        of_free = self.engine.name == "TensorRT-LLM"
        return Budget(self.gpu.memory, self.weights_on_each, self.reserve.total, self.used_percent, of_free)

    @cached_property
    def sizing(self) -> Sizing:
        """The cache of all sequences at their longest, shared out over the GPUs of tensor parallelism alone."""
        return self._whole(self.context)

    @cached_property
    def sizing_at_mean(self) -> Sizing:
        """With every sequence at the mean length; the same as `sizing` where none is stated."""
        return self._whole(self.mean or self.context)

    def _whole(self, context: int) -> Sizing:
        return size(self.model, context, self.sequences, tensor_parallel=self.split.tensor, **self.asked)

    @cached_property
    def on_each(self) -> Sizing:
        """What the fullest GPU holds, sequences at their longest; its `per_gpu` and `lines` count, not its total."""
        return self._on_each(self.context, self.sequences)

    def _on_each(self, context: int, sequences: int) -> Sizing:
        self.split.check(self.geometry, self.engine.name, self.kind.splits_heads)
        tokens, here = self.split.load(context, sequences)
        return size(self.split.stage(self.model), tokens, here, tensor_parallel=self.split.tensor, **self.asked)

    def need(self, context: int = 0, sequences: int = 0) -> int:
        """Bytes of cache on the fullest GPU, for another length or number of sequences where given."""
        context, sequences = context or self.context, sequences or self.sequences
        if self.cache_on_processor:
            return 0
        whole = math.ceil(self._on_each(context, sequences).per_gpu * self._on_gpus)
        if not self.shared:
            return whole
        copies = self.split.load(context, sequences)[1] - 1
        return whole - copies * self._shared_bytes

    @cached_property
    def _shared_bytes(self) -> int:
        """Of the common beginning on one GPU, in layers that keep every token; windows and states share nothing."""
        groups = tuple(group for group in self.model.groups if group.kind in ("full", "latent", "indexer"))
        if not groups:
            return 0
        alone = replace(self, geometry=replace(self.geometry, groups=groups), shared=0, draft_layers=0, engine=_IDEAL)
        kept = replace(alone, dtype_k=self.sizing.load.dtype_k.name, dtype_v=self.sizing.load.dtype_v.name)
        return kept.need(self.shared, 1)

    @property
    def total(self) -> int:
        """Bytes on all GPUs."""
        split = self.split
        if split.pipeline == split.data == split.context == 1 and not self.shared:
            return self.sizing.total
        return self.need() * split.gpus

    @property
    def verdict(self) -> str:
        """Whether the GPUs hold weights, reserve and the cache: see `Budget.verdict`."""
        return self.budget.verdict(self.need())

    @cached_property
    def longest(self) -> LargestFit:
        """The longest length that fits with so many sequences, by the likely figures."""
        longest = self.geometry.max_context or _LONGEST
        room = self.budget.for_cache.likely
        found = largest(lambda n: replace(self, shared=min(self.shared, n)).need(n) <= room, longest)
        return LargestFit(found, self._limit(found, longest, "the model’s longest context"))

    @cached_property
    def most_sequences(self) -> LargestFit:
        """How many sequences of the longest length fit at once, by the likely figures."""
        found = self.most(self.budget.for_cache.likely)
        return LargestFit(found, self._limit(found, _MANY, "the largest number asked for"))

    @cached_property
    def most_between(self) -> tuple[int, int]:
        """How many fit in the worst and in the best case."""
        room = self.budget.for_cache
        return self.most(room.least), self.most(room.most)

    def most(self, room: int, context: int = 0) -> int:
        """How many sequences so many bytes on each GPU hold."""
        one = self.need(context, 1)
        if one > room:
            return 0
        if self.cache_on_processor:
            return _MANY
        each = self.need(context, 2) - one  # where every further one takes as much, one look on either side will do
        guess = min(_MANY, 1 + (room - one) // each) if each > 0 else 0
        if guess and self.need(context, guess) <= room < self.need(context, guess + 1):
            return guess
        return largest(lambda n: self.need(context, n) <= room, _MANY)

    @cached_property
    def most_at_mean(self) -> LargestFit:
        """How many fit if each has the mean length."""
        found = self.most(self.budget.for_cache.likely, self.mean or self.context)
        return LargestFit(found, self._limit(found, _MANY, "the largest number asked for"))

    def _limit(self, found: int, longest: int, end: str) -> str:
        if self.budget.for_cache.likely <= 0:
            return "weights and reserve: they leave no room for a cache"
        return end if found >= longest else "memory"

    @cached_property
    def fitting_dtypes(self) -> tuple[str, ...]:
        """The engine's dtypes (for K and V alike) in which this fits even at worst, those of the most bits first."""
        fitting, room = [], self.budget.for_cache.least
        for name in self.kind.dtypes:
            try:
                need = 0 if name == AUTO else replace(self, dtype_k=name, dtype_v="").need()
            except InvalidInput:
                continue  # a dtype whose blocks do not divide this model's rows is none of its dtypes
            if name != AUTO and need <= room:
                fitting.append((-need, name))
        return tuple(name for _, name in sorted(fitting))

    @cached_property
    def crossing(self) -> int | None:
        """The shortest length at which the cache takes more than the weights; None: no length does, or nobody knows.

        >>> article = Geometry.by_hand(layers=32, heads=32, kv_heads=32, head_dim=128)
        >>> Scenario(article, stated_weights=2**30).crossing  # 2,048 tokens take 2**30 bytes exactly
        2049
        """
        if not self.weights:
            return None
        most = 1 << 40
        below = largest(lambda n: replace(self, context=n, mean=0, shared=0)._whole(n).total <= self.weights, most)
        return None if below >= most else below + 1

    def scaled(self, length: int, users: int) -> Scenario:
        """The same with length and number of sequences at so many percent, rounded up.

        >>> Scenario(Geometry.by_hand(32, 32, 32, 128)).scaled(125, 100).total == 2**30 * 5 // 4
        True
        """
        context, sequences = (-(-value * percent // 100) for value, percent in
                              ((self.context, length), (self.sequences, users)))  # fmt: skip
        return replace(self, context=context, sequences=sequences, mean=0, shared=min(self.shared, context))
