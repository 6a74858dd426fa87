"""What one shared server allows: each limit with its unit and reason, so that a page can say them all."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """One of them, as it is shown."""

    name: str
    value: int
    unit: str
    reason: str


PROMPT_TOKENS = 1_024
SCORED_TOKENS = 5_000
INSPECTED_TOKENS = 200
KV_CACHE_BYTES = 256 * 2**20
KEPT_RESULTS = 128

LIMITS = (
    Limit("Prompt", PROMPT_TOKENS, "tokens", "Reading them takes about two seconds on two cores."),
    Limit("Scored text", SCORED_TOKENS, "tokens", "About half a minute of one core."),
    Limit("Inspected text", INSPECTED_TOKENS, "tokens", "43 MB of attention weights for the default model."),
    Limit("Kept keys and values", KV_CACHE_BYTES, "bytes", "Of prompts that share a beginning: some 5,800 tokens."),
    Limit("Kept answers", KEPT_RESULTS, "per model", "192 KiB each for 49,152 tokens."),
)
