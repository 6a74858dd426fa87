"""One token after another: predict, choose, append, check whether to stop.

`loop` runs it and records a `trace`; `trace_file` stores one. `context_window` forgets what no longer fits.
`branch_tree` keeps every text that was tried; `beam_search` looks for the likeliest one; `many_samples` draws one for
each of many users. `repetition` finds a text that goes in circles; `cache_benchmark` times generation with and without
a KV cache.
"""

from lm_core.generation.loop import Limits, generate, run

__all__ = ["Limits", "generate", "run"]
