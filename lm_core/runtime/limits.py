"""What one shared server allows, each limit with its unit and reason."""

PROMPT_TOKENS = 1_024
"""Most tokens of a prompt that are used: reading them takes about two seconds on two cores."""

SCORED_TOKENS = 5_000
"""Most tokens of a text that are scored: about half a minute of one core."""

INSPECTED_TOKENS = 200
"""Most tokens whose attention is shown: 43 MB of weights for the default model."""

KV_CACHE_BYTES = 256 * 2**20
"""Bytes of keys and values kept for prompts that share a beginning: about 5,800 tokens of the default model."""

KEPT_RESULTS = 128
"""Next-token logits kept per model: 192 KiB each for 49,152 tokens."""
