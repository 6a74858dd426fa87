"""How many parameters a model has, how many of them one token reads, and how many a batch reads.

A mixture of experts reads, for one token, its shared matrices and the experts that the router chooses; for a batch,
every expert that at least one token chooses.
"""

from __future__ import annotations

from dataclasses import dataclass

from lm_core.errors import whole_number

_MOST = 1 << 50


@dataclass(frozen=True)
class Parameters:
    """`total` 0: not known. `active` per token; 0: all of them. `experts` in each layer, `chosen` for each token.

    `embedding`: the input table alone, of which a step reads one row a token; 0: not known, or the output layer's too.
    `unquantised`: what a quantised checkpoint usually keeps in 16 bits (embeddings and the output layer).
    """

    total: int = 0
    active: int = 0
    experts: int = 0
    chosen: int = 0
    embedding: int = 0
    unquantised: int = 0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            whole_number(name, value, 0, _MOST)
        whole_number("active", self.active, 0, self.total)
        whole_number("chosen", self.chosen, 0, self.experts)

    @property
    def routed(self) -> int:
        """Parameters of all experts, from total = shared + routed and active = shared + routed x chosen / experts.

        >>> Parameters(total=30_532, active=3_345, experts=128, chosen=8).routed
        28999
        """
        if not self.active or not 0 < self.chosen < self.experts:
            return 0
        return min(self.total, (self.total - self.active) * self.experts // (self.experts - self.chosen))

    def read(self, tokens: int) -> int:
        """Parameters that a step of so many tokens reads, expected: each token chooses its experts independently.

        Source: an expert stays unread with probability (1 - chosen / experts) ** tokens.

        >>> moe = Parameters(total=1_100, active=300, experts=10, chosen=2)
        >>> moe.read(1), moe.read(1000)
        (300, 1100)
        """
        unread = (1 - self.chosen / self.experts) ** tokens if self.routed else 0.0
        return self.total - self.embedding - round(self.routed * unread)
