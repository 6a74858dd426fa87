"""Which engines the operator of this server has set up; visitors can choose among them and name no others.

    NEXT_TOKEN_EXPLORER_ENGINES="fast=vllm+http://127.0.0.1:8000 as smollm2-135m"
    NEXT_TOKEN_EXPLORER_ENGINE_KEY=...          of all engines, or of one alone:
    NEXT_TOKEN_EXPLORER_ENGINE_KEY_FAST=...

Each has a name, a dialect, an address, and behind `as` the model of this server that it serves too: its tokenizer
writes the ids, its numbers test the engine, and it answers where the engine does not. A model that does not fit here is
written `as tokenizer:/path`, a folder with its config.json and tokenizer.json. Opens no connection.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

SETTING = "NEXT_TOKEN_EXPLORER_ENGINES"
KEY = "NEXT_TOKEN_EXPLORER_ENGINE_KEY"
_WORDS = "tokenizer:"
DIALECTS = {"vllm": "vLLM", "llamacpp": "llama.cpp"}


@dataclass(frozen=True)
class EngineEntry:
    """One engine."""

    name: str
    dialect: str
    url: str = field(repr=False)
    """Without a path behind the port; never shown to visitors."""
    local_name: str
    """The model of this server that it serves too; "" where it alone holds the model."""
    words: Path | None = None
    """Then the folder of its tokenizer."""

    @property
    def title(self) -> str:
        return self.name

    @property
    def about(self) -> str:
        """One line for whoever chooses it."""
        by = f"computed by {DIALECTS[self.dialect]} on another server"
        return f"{self.local_name}, {by}." if self.local_name else f"A model {by}; only its tokenizer is here."

    @property
    def key(self) -> str:
        """What it is sent to be let in: its own, or the one of all engines. Never shown to visitors."""
        return os.environ.get(f"{KEY}_{_folded(self.name)}", os.environ.get(KEY, ""))

    @property
    def ready(self) -> bool:
        """Whether what it needs here is here; whether it answers is found out by asking."""
        return self.words is None or os.path.isdir(self.words)  # False also where it may not be looked at


def parse(setting: str, models: Collection[str]) -> tuple[tuple[EngineEntry, ...], tuple[str, ...]]:
    """The engines that the setting names, and a sentence for each part of it that says nothing sound.

    >>> found, refused = parse("fast=vllm+http://10.0.0.2:8000 as smollm2-135m; odd", ["smollm2-135m"])
    >>> found[0].name, found[0].dialect, found[0].url, found[0].local_name
    ('fast', 'vllm', 'http://10.0.0.2:8000', 'smollm2-135m')
    >>> parse("big=vllm+http://10.0.0.2:8000 as tokenizer:/models/big", [])[0][0].words.name
    'big'
    >>> refused[0].startswith('NEXT_TOKEN_EXPLORER_ENGINES must be "name=dialect+url as model"')
    True
    """
    found: dict[str, EngineEntry] = {}
    refused = []
    for part in filter(None, (part.strip() for part in setting.split(";"))):
        match = re.fullmatch(r"([\w.-]{1,40})\s*=\s*(\w+)\+(https?://\S+?)/?\s+as\s+(\S.*)", part)
        if not match or match[2] not in DIALECTS or not _is_address(match[3]):
            shape = f'"name=dialect+url as model", with the dialect {" or ".join(DIALECTS)}'
            refused.append(f'{SETTING} must be {shape}, but a part of it is "{part[:80]}".')
        elif _folded(match[1]) in map(_folded, found) or match[1] in models or match[1] == "own":
            refused.append(f'{SETTING} names "{match[1]}", which is taken: choose another name.')
        elif match[4].startswith(_WORDS) and match[4] != _WORDS:
            words = Path(os.path.expanduser(match[4].removeprefix(_WORDS).strip()))
            found[match[1]] = EngineEntry(match[1], match[2], match[3], "", words)
        elif match[4] not in models:
            refused.append(f'{SETTING} says "as {match[4]}", but the models here are {", ".join(models)}.')
        else:
            found[match[1]] = EngineEntry(match[1], match[2], match[3], match[4])
    return tuple(found.values()), tuple(refused)


def _folded(name: str) -> str:
    """As a part of a setting's name; no two engines may share one, since each may have a key of its own."""
    return re.sub("[^0-9A-Za-z]", "_", name).upper()


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


@cache
def engines() -> tuple[EngineEntry, ...]:
    """Those of this process's environment."""
    return parse(os.environ.get(SETTING, ""), _models())[0]


def refused() -> tuple[str, ...]:
    """What the environment asks for and cannot have, a sentence each."""
    return parse(os.environ.get(SETTING, ""), _models())[1]


def _models() -> list[str]:
    from lm_core import pretrained

    return [entry.name for entry in pretrained.catalogue()]
