"""What one shared server allows: each limit with its name, default, unit and reason, so that a page can say them all.

An operator sets another value in the environment before the start: `NEXT_TOKEN_EXPLORER_QUEUE=16 make run`. A value
that is no whole number in its range is not taken: `REFUSED` then says so, and the server does not start.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from lm_core import pretrained
from lm_core.pretrained import local
from lm_core.remote import settings

PREFIX = "NEXT_TOKEN_EXPLORER_"
MIB = 2**20


@dataclass(frozen=True)
class Limit:
    """One of them, as it is shown."""

    key: str
    """Its setting is `PREFIX` + key."""
    name: str
    value: int
    default: int
    unit: str
    reason: str

    @property
    def setting(self) -> str:
        return PREFIX + self.key


def read(
    environment: Mapping[str, str], key: str, name: str, default: int, unit: str, reason: str,
    least: int = 1, most: int = 2**40,
) -> tuple[Limit, str]:  # fmt: skip
    """A limit as the environment sets it, and the sentence that refuses it, or "".

    >>> read({"NEXT_TOKEN_EXPLORER_QUEUE": "16"}, "QUEUE", "Line", 64, "visitors", "")[0].value
    16
    >>> read({"NEXT_TOKEN_EXPLORER_QUEUE": "many"}, "QUEUE", "Line", 64, "visitors", "")[1]
    'NEXT_TOKEN_EXPLORER_QUEUE must be a whole number from 1 to 1,099,511,627,776 (visitors), but is "many".'
    """
    text = environment.get(PREFIX + key, str(default)).strip().replace("_", "")
    sound = text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= most
    refused = f'{PREFIX}{key} must be a whole number from {least:,} to {most:,} ({unit}), but is "{text[:40]}".'
    limit = Limit(key, name, int(text) if sound else default, default, unit, reason)
    return limit, "" if sound else refused


REFUSED: list[str] = []
"""What the environment asks for and cannot have, a sentence each."""
_FOUND: list[Limit] = []


def _limit(key: str, name: str, default: int, unit: str, reason: str, least: int = 1, most: int = 2**40) -> int:
    limit, refused = read(os.environ, key, name, default, unit, reason, least, most)
    _FOUND.append(limit)
    REFUSED.extend([refused] if refused else [])
    return limit.value


PROMPT_TOKENS = _limit("PROMPT_TOKENS", "Prompt", 1_024, "tokens", "Reading them takes about two seconds.", most=8_192)
SCORED_TOKENS = _limit("SCORED_TOKENS", "Scored text", 5_000, "tokens", "About fifteen seconds of the model's time.")
INSPECTED_TOKENS = _limit(
    "INSPECTED_TOKENS", "Inspected text", 200, "tokens", "43 MB of attention weights for the default model.", most=1_024
)
QUEUE = _limit("QUEUE", "Line for the model", 64, "visitors", "Whoever comes then is told to try again.")
BATCH = _limit("BATCH", "Prompts in one pass", 32, "prompts", "Beyond it a pass takes as long as two.", most=1_024)
CHUNK = _limit(
    "CHUNK", "Tokens read in one pass", 128, "tokens", "About a quarter of a second; then others have their turn.", 8
)
KV_CACHE_BYTES = _limit(
    "KV_CACHE_BYTES",
    "Kept keys and values of a model",
    256 * MIB,
    "bytes",
    "Of prompts that share a beginning: 5,800 tokens.",
)
RESULT_BYTES = _limit(
    "RESULT_BYTES",
    "Kept answers of a model",
    64 * MIB,
    "bytes",
    "Some 340 prompts: a vocabulary of 49,152 takes 192 KiB.",
)
SESSIONS = _limit("SESSIONS", "Visitors at a time", 60, "visitors", "Twice the class this was measured with.")
TRAINING_RUNS = _limit(
    "TRAINING_RUNS", "Runs trained at a time", max(1, (os.cpu_count() or 2) // 2), "runs", "One for each two cores.",
    most=256,
)  # fmt: skip
TRAINING_DISK = _limit(
    "TRAINING_DISK", "Runs on disk", 2**30, "bytes", "Those unused for longest are removed first.", MIB
)
TRAINING_MEMORY = _limit(
    "TRAINING_MEMORY", "Memory of a trainer", 4 * 2**30, "bytes", "A run that wants more fails alone.", 2**28
)
UPLOADED = _limit(
    "UPLOADED", "Uploads of one visitor", 64 * MIB, "bytes", "Four files of the largest size, 16 MiB.", MIB
)
ALL_UPLOADS = _limit("ALL_UPLOADS", "Uploads of all visitors", 512 * MIB, "bytes", "They lie in memory.", MIB)
MEMORY = _limit(
    "MEMORY", "Memory of the server", 2_560 * MIB, "bytes", "Above it new uploads and runs are refused.", 256 * MIB
)

ENGINE_SECONDS = _limit(
    "ENGINE_SECONDS", "An engine's answer", 10, "seconds", "Then this server answers instead, where it can.", most=600
)
ENGINE_POSITIONS = _limit(
    "ENGINE_POSITIONS", "Positions of a text asked of an engine", 64, "tokens", "Each is an answer of megabytes.",
    most=8_192,
)  # fmt: skip

LIMITS = tuple(_FOUND)
REFUSED.extend(settings.refused())
REFUSED.extend(local.allowed(os.environ.get(local.SETTING, ""), [pretrained.DEFAULT])[1])
