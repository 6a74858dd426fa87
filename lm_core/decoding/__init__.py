"""From logits to one token: filters in order, then a choice.

`filters` lower or mask logits (temperature, top-k, top-p, min-p, repetition penalty); `strategies` string them together
and choose, greedily or with a seeded draw; `temperature_sweep` shows a distribution over many temperatures.

>>> from lm_core.decoding import strategy
>>> import numpy as np
>>> strategy(temperature=0).choose(np.array([1.0, 3.0, 2.0]), ()).token_id
1
"""

from lm_core.decoding.strategies import Strategy, strategy

__all__ = ["Strategy", "strategy"]
