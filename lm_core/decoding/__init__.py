"""From logits to one token: filters in order, then a choice.

`filters` lower or mask logits (temperature, top-k, top-p, min-p, repetition penalty); `strategies` string them together
and choose, greedily or with a seeded draw; `temperature_sweep` shows a distribution over many temperatures.

>>> from lm_core.decoding import strategy
>>> strategy(temperature=0).decide([1.0, 3.0, 2.0]).id
1
"""

from lm_core.decoding.strategies import Strategy, strategy

__all__ = ["Strategy", "strategy"]
