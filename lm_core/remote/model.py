"""An engine as a `LanguageModel`: log-probabilities over the whole vocabulary stand for its logits.

They differ from logits by one constant a row, which softmax removes at any temperature.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lm_core.logits import log_softmax
from lm_core.models.network import check
from lm_core.remote.client import Client, EngineFailed, TooMany, Top
from lm_core.remote.remote_only import RemoteOnlyModel

if TYPE_CHECKING:
    from lm_core.models import LanguageModel
    from lm_core.models.kv_cache import KVCache

PROBE = "The capital of France is"
FEW = 20
"""Log-probabilities asked for where an engine does not give all: what vLLM allows by default."""
FARTHEST = 0.02
"""How far a token's probability may be from the local model's: a quantised engine's is, another model's is further."""
_AT_ONCE = 8


@dataclass(frozen=True)
class Probe:
    """What an engine can do, found out with one known prompt, and how far its numbers are from float32's."""

    complete: bool
    """It gives the whole vocabulary."""
    entries: int
    nats: float | None
    """Largest difference in log-probability among the tokens it gave; None where nothing here could test it."""
    probability: float | None
    """Largest difference in probability among them."""


class RemoteModel:
    """Asks an engine; `local` is the same model on this machine, for its tokenizer and as the authority.

    Where the engine alone holds the model, `local` is `RemoteOnlyModel`, and its numbers stand untested.
    """

    def __init__(self, client: Client, local: LanguageModel, begin: Sequence[int] = ()) -> None:
        """`begin`: what the local model reads by itself before every text; the engine is sent it."""
        self._client, self._local, self._begin = client, local, list(begin)
        self.tokenizer, self.vocab_size, self.end_ids = local.tokenizer, local.vocab_size, local.end_ids
        self.context_length = local.context_length
        self.title = client.title

    def probe(self) -> Probe:
        """Connects. Raises EngineFailed naming what the engine lacks, or that it serves another model."""
        ids = self.tokenizer.encode(PROBE)
        try:
            found = self._client.top([*self._begin, *ids], self.vocab_size, self.vocab_size)
        except TooMany:
            found = self.top(ids)
        if isinstance(self._local, RemoteOnlyModel):
            return Probe(len(found.ids) == self.vocab_size, len(found.ids), None, None)
        expected = log_softmax(self._local.next_logits([ids])[0])[found.ids]
        far = float(np.abs(np.exp(found.nats) - np.exp(expected)).max())
        if far > FARTHEST:
            raise EngineFailed(
                f"The engine ({self.title}) puts {far:.2f} more or less probability on a token after “{PROBE}” than "
                f"this server does: it serves other weights."
            )
        seen = np.isfinite(found.nats)
        apart = float(np.abs(found.nats - expected)[seen].max())
        return Probe(len(found.ids) == self.vocab_size, len(found.ids), apart, far)

    def top(self, ids: Sequence[int]) -> Top:
        """The few likeliest tokens after ids, and what is left. Raises EngineFailed."""
        return self._client.top([*self._begin, *ids], FEW, self.vocab_size)

    def new_cache(self) -> KVCache | None:
        """None: the engine keeps its own."""
        return None

    def logits(self, ids: Sequence[int], cache: KVCache | None = None) -> NDArray[np.float64]:
        """See LanguageModel.logits; log-probabilities, a request for each position. Raises EngineFailed."""
        check(self, [ids])
        return self.next_logits([ids[:end] for end in range(1, len(ids) + 1)])

    def next_logits(
        self, batch: Sequence[Sequence[int]], caches: Sequence[KVCache] | None = None
    ) -> NDArray[np.float64]:
        """See LanguageModel.next_logits; log-probabilities, a request for each sequence. Raises EngineFailed."""
        check(self, batch)
        if len(batch) == 1:
            return self._row(batch[0])[None]
        with ThreadPoolExecutor(min(_AT_ONCE, len(batch))) as pool:
            return np.stack(list(pool.map(self._row, batch)))  # (batch, vocab_size)

    def _row(self, ids: Sequence[int]) -> NDArray[np.float64]:
        found = self._client.top([*self._begin, *ids], self.vocab_size, self.vocab_size)
        if len(found.ids) < self.vocab_size:
            raise EngineFailed(
                f"The engine ({self.title}) gave {len(found.ids):,} of {self.vocab_size:,} log-probabilities."
            )
        row = np.empty(self.vocab_size)
        row[found.ids] = found.nats
        return row
