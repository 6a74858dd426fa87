"""Restores a training run at any of its steps: the nearest checkpoint before it, trained on to the step.

The result is equal to the bit, because a step depends on nothing but what a checkpoint holds.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from lm_core.serving.lru_cache import LRUCache
from lm_core.training_runs.run_folder import RunFolder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lm_core.models.kv_cache import KVCache
    from lm_core.training.baselines import Baseline
    from lm_core.training.trainer import Trainer

_OPEN = 6


class CheckpointReplay:
    """One run, opened for looking at; shared by all who look, one at a time."""

    def __init__(self, folder: RunFolder) -> None:
        from lm_core.training import build

        self.folder, self.recipe, self.corpus = folder, folder.recipe(), folder.corpus()
        self.texts = build.texts(self.recipe, self.corpus)
        self._trainer = build.trainer(self.recipe, self.corpus)
        self._lock = threading.Lock()

    @cached_property
    def baselines(self) -> tuple[Baseline, ...]:
        from lm_core.training.baselines import baselines

        return baselines(self._trainer.examples, self.texts.tokenizer.vocab_size, self.corpus, self.recipe.edges)

    @property
    def parameters(self) -> int:
        return len(self._trainer.weights)

    def kept_before(self, step: int) -> int:
        """The last step up to this one whose weights are kept; 0 is always there, from the seed."""
        return max((kept for kept in self.folder.kept() if kept <= step), default=0)

    def distance(self, step: int) -> int:
        """Steps that must be made again to see the run as it was after this one."""
        held = self._trainer.step
        nearest = self.kept_before(step)
        return step - (held if nearest <= held <= step else nearest)

    def seconds(self, step: int) -> float:
        """About how long that takes, from how long the run's own steps took."""
        records = self.folder.records()
        return self.distance(step) * float(records["seconds"].mean()) if len(records) else 0.0

    @contextmanager
    def at(self, step: int) -> Iterator[Trainer]:
        """The trainer as it was after a step, for the length of a `with` block; it may be moved on in there."""
        with self._lock:
            nearest = self.kept_before(step)
            if not nearest <= self._trainer.step <= step:
                self._load(nearest)
            while self._trainer.step < step:
                self._trainer.advance()
            yield self._trainer

    def _load(self, step: int) -> None:
        from lm_core.training import build

        if self.folder.kept_path(step).exists():
            self._trainer.load(self.folder.kept_path(step))
        else:
            self._trainer = build.trainer(self.recipe, self.corpus)


class Snapshot:
    """A `LanguageModel`: the model of a run as it was after one step."""

    def __init__(self, replay: CheckpointReplay, step: int) -> None:
        self._replay, self.step = replay, step
        with replay.at(step) as trainer:
            self.tokenizer = replay.texts.tokenizer
            self.vocab_size, self.context_length = trainer.model.vocab_size, trainer.model.context_length
            self.end_ids = trainer.model.end_ids

    def new_cache(self) -> KVCache | None:
        return None

    def logits(self, ids: Sequence[int], cache: KVCache | None = None) -> NDArray[np.floating]:
        """See LanguageModel.logits."""
        with self._replay.at(self.step) as trainer:
            return trainer.model.logits(ids)

    def next_logits(
        self, batch: Sequence[Sequence[int]], caches: Sequence[KVCache] | None = None
    ) -> NDArray[np.floating]:
        """See LanguageModel.next_logits."""
        with self._replay.at(self.step) as trainer:
            return trainer.model.next_logits(batch)


_open: LRUCache[str, CheckpointReplay] = LRUCache(_OPEN)
_guard = threading.Lock()


def open_replay(folder: RunFolder) -> CheckpointReplay:
    """The run, opened; the last few stay open. Raises InvalidInput where text and settings do not fit together."""
    with _guard:
        replay = _open.get(folder.id)
        if replay is None:
            replay = CheckpointReplay(folder)
            _open.put(folder.id, replay)
        return replay
