"""How a model and its load are dealt out over GPUs, and what the fullest of them holds of weights and cache.

Tensor parallelism shares out heads; pipeline parallelism (and llama.cpp over several GPUs) layers; data-parallel
attention whole sequences, its experts spread over all GPUs; context parallelism the tokens of each sequence.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from lm_core.errors import InvalidInput, whole_number
from lm_core.kv_sizing.capacity.budget import Span
from lm_core.kv_sizing.geometry import Geometry
from lm_core.kv_sizing.weights.checkpoint import StoredWeights
from lm_core.kv_sizing.weights.formats import weight_format
from lm_core.kv_sizing.weights.parameters import Parameters

_MOST = 4096


@dataclass(frozen=True)
class Split:
    """Numbers of parts. GPUs: tensor x pipeline x data; context parallelism uses those of tensor parallelism.

    >>> Split(tensor=8, pipeline=2).gpus
    16
    """

    tensor: int = 1
    pipeline: int = 1
    data: int = 1
    context: int = 1

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            whole_number(f"{name}_parallel", value, 1, _MOST)
        if self.tensor % self.context:
            raise InvalidInput("context_parallel", f"a divisor of tensor_parallel, {self.tensor}", self.context)

    @property
    def gpus(self) -> int:
        return self.tensor * self.pipeline * self.data

    def check(self, geometry: Geometry, engine: str, splits_heads: bool) -> None:
        """Refuses what this engine cannot do with this model, one sentence for the first fault."""
        if not splits_heads and (self.data > 1 or self.context > 1):
            raise InvalidInput("data_parallel", f"1, because {engine} shares out layers alone", self.data)
        if self.context == 1:
            return
        copies = self.tensor // min(min(_heads(geometry), default=1), self.tensor)
        if engine not in ("vLLM", "SGLang"):
            raise InvalidInput("context_parallel", f"1: {engine} has none", self.context)
        if self.context > copies:
            allowed = f"at most {copies}, as often as {self.tensor} GPUs keep each KV head"
            raise InvalidInput("context_parallel", allowed, self.context)
        if any(group.kind in ("sliding", "chunked", "state") for group in geometry.groups):
            raise InvalidInput("context_parallel", "1 for layers with a window or a state", self.context)

    def stage(self, geometry: Geometry) -> Geometry:
        """The layers of the fullest stage of a pipeline; each group is dealt out evenly, and rounded up.

        >>> Split(pipeline=3).stage(Geometry.by_hand(32, 8, 8, 64)).groups[0].layers
        11
        """
        groups = tuple(replace(group, layers=-(-group.layers // self.pipeline)) for group in geometry.groups)
        return geometry if self.pipeline == 1 else replace(geometry, groups=groups)

    def load(self, context: int, sequences: int) -> tuple[int, int]:
        """(tokens, sequences) that the fullest GPU holds of so many sequences of so many tokens.

        >>> Split(tensor=4, data=8, context=4).load(1000, 20)
        (250, 3)
        """
        return -(-context // self.context), -(-sequences // self.data)

    def weights(self, stored: StoredWeights, parameters: Parameters, layers: int = 0) -> Span:
        """On the fullest GPU. `layers` of the whole model, 0 where nobody knows: a pipeline's stages differ by one.

        >>> moe = Parameters(total=1_100, active=300, experts=10, chosen=2)
        >>> stored = StoredWeights("bf16", 2_200, 2_200, 2_200, "")
        >>> Split(data=4).weights(stored, moe).likely  # 2 x 100 shared + 2 x 1,000 / 4 of the experts
        700
        """
        fullest = -(-layers // self.pipeline) * self.pipeline / layers if layers else 1.0
        routed = min(stored.likely, round(parameters.routed * weight_format(stored.format).bits / 8))
        here = -(-(stored.likely - routed) // (self.tensor * self.pipeline)) - (-routed // self.gpus)
        least, most = (here * count // max(1, stored.likely) for count in (stored.least, stored.most))
        return Span(least, here, max(here, round(most * fullest)))


def _heads(geometry: Geometry) -> list[int]:
    return [1 if group.kind == "latent" else group.kv_heads for group in geometry.groups if group.kind != "indexer"]
