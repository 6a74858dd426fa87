"""What a scenario's GPUs can serve at most: time for each token and to the first, tokens a second, price of a million.

All are bounds, given as intervals: from what bandwidth and arithmetic allow to twice that time. Not counted: launches,
communication, queues, sampling, and what a batch of prompts and answers takes from one another.
"""

from __future__ import annotations

from dataclasses import dataclass

from lm_core.errors import real_number
from lm_core.kv_sizing.capacity import service
from lm_core.kv_sizing.capacity.service import Bound
from lm_core.kv_sizing.scenario import Scenario
from lm_core.kv_sizing.weights.formats import weight_format


@dataclass(frozen=True)
class Service:
    """`step`: one decode step of all sequences, which gives each a token (time per output token).

    `first`: from a prompt's arrival at idle GPUs to its first token (time to first token), for one prompt of `prompt`
    tokens; None where the GPU's arithmetic or the model's parameters are not known.
    """

    sequences: int
    gpus: int
    prompt: int
    step: Bound
    first: Bound | None

    @property
    def tokens_a_second(self) -> tuple[float, float]:
        """Of all sequences together, (at half the bound, at the bound)."""
        fastest, slowest = self.step.interval
        return self.sequences / slowest, self.sequences / fastest

    def cost(self, price: float) -> tuple[float, float]:
        """Of a million tokens, from the lowest, for `price` of one GPU an hour; GPUs that are never idle."""
        slow, fast = self.tokens_a_second
        low, high = (service.cost_per_million(price, self.gpus, rate) for rate in (fast, slow))
        return low, high


def served(scenario: Scenario, cached: float = 0.0) -> Service:
    """The bounds of a scenario, at its mean length where one is stated.

    `cached`: the share of a prompt that a prefix cache holds already, from 0 to 1. At least its last token is computed,
    as engines do.

    >>> from lm_core.kv_sizing import preset
    >>> plan = Scenario(preset("llama-3.1-8b"), context=8192, sequences=1)
    >>> round(1000 * served(plan).step.seconds, 2)  # (15.01 GB of weights + 1.07 GB of cache) / 3,350 GB/s, in ms
    4.8
    """
    s, split, checkpoint = scenario, scenario.split, scenario.geometry.checkpoint
    prompt = s.mean or s.context
    cache = s.need(prompt)
    per_token = 2 * checkpoint.parameters.read(1) if checkpoint.parameters.total else 0
    rate = service.peak(s.gpu, s.stored_weights.format if s.stored_weights else "bf16")
    stages = split.pipeline
    stage = service.step(s.gpu, _read(s, s.sequences), cache, per_token * s.sequences // split.gpus, rate)
    first = None
    if per_token and rate:
        share = real_number("cached", cached, "a number from 0 to 1", lambda value: 0 <= value <= 1)
        found = min(prompt - 1, round(share * prompt))
        operations = per_token * (prompt - found) + _attention(s, prompt) - _attention(s, found)
        back = s.need(found, 1) if found > s.shared else 0
        first = service.step(s.gpu, _read(s, prompt - found), back, operations // split.gpus, rate)
    return Service(s.sequences, split.gpus, prompt, _times(stage, stages), _times(first, stages) if first else None)


def _times(bound: Bound, stages: int) -> Bound:
    """A token passes the stages of a pipeline one behind the other."""
    compute = None if bound.compute is None else bound.compute * stages
    return Bound(bound.bandwidth * stages, compute, bound.cache * stages, bound.read)


def _read(s: Scenario, tokens: int) -> int:
    """Bytes of weights that each GPU reads for so many tokens at once."""
    if s.stored_weights is None:
        return 0
    split, checkpoint, likely = s.split, s.geometry.checkpoint, s.stored_weights.likely
    count = checkpoint.parameters
    if not count.total:
        return likely // split.gpus
    kind = weight_format(s.stored_weights.format)
    scale = likely / max(1, kind.bytes(count))  # a published or stated file is not quite what the format says
    shared, read = (round(scale * kind.read(count, n)) for n in (0, tokens))
    return shared // (split.tensor * split.pipeline) + (read - shared) // split.gpus


def _attention(s: Scenario, tokens: int) -> int:
    """Operations of attention over a prompt; of latents none are counted, which keeps the bound one."""
    total = 0
    for group in s.geometry.groups:
        if group.kind in ("full", "sliding", "chunked"):
            pairs = tokens * tokens if group.kind == "full" else 2 * tokens * min(group.window, tokens)
            whole = service.attention_operations(group.layers, s.geometry.query_heads or group.kv_heads, group.k_dim, 1)
            total += whole * pairs
    return total
