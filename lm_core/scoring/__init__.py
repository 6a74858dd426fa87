"""How probable a model finds a text that is already there.

`perplexity` gives log probability and cross-entropy too; `chain_rule` the same token by token; `candidates`
compares whole answers; `held_out` judges the smoothing of n-grams. `shannon_game` scores a guess as a model is scored,
and `quiz` draws questions and checks answers.
"""

from lm_core.scoring.perplexity import Score, score

__all__ = ["Score", "score"]
