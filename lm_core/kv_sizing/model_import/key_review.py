"""Which of a file's unread keys may have a bearing on the cache.

A key does where a word of its name does (window, share, state, ...), or its value: a list with an entry for each layer,
a text or an object that speaks of such things. The reviewed names of `known_keys.toml` do not.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from lm_core.kv_sizing.dtypes import CACHE_KEYS


@cache
def _known() -> dict[str, frozenset[str]]:
    """The reviewed words and names, from the file beside this one."""
    found = tomllib.loads(Path(__file__).with_name("known_keys.toml").read_text(encoding="utf-8"))
    return {name: frozenset(text.split()) for name, text in found.items()}


def reviewed(name: str) -> bool:
    """Whether a key of a config.json is known to have no bearing on the cache, whatever its value.

    >>> reviewed("use_cache"), reviewed("kv_share_every")
    (True, False)
    """
    last = name.rsplit(".", 1)[-1]
    return last in _known()["harmless"]


def words(name: str) -> list[str]:
    """The words of a key's last part.

    >>> words("text_config.slidingWindow_size")
    ['sliding', 'window', 'size']
    """
    last = name.rsplit(".", 1)[-1]
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", last)]


def review(leftover: Iterable[tuple[str, Any]], layers: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Keys without a bearing on the cache, and those that may have one; a key of a part with its path.

    >>> review([("rope_theta", 1e4), ("kv_share_every", 2), ("tie_word_embeddings", True)], layers=32)
    (('rope_theta', 'tie_word_embeddings'), ('kv_share_every',))
    """
    harmless, doubtful = [], []
    for name, value in leftover:
        found = list(_doubtful(name, value, layers))
        doubtful += found
        if not found:
            harmless.append(name[:80])
    return tuple(harmless[:500]), tuple(name[:120] for name in doubtful[:100])


def review_gguf(leftover: Iterable[tuple[str, Any]], layers: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The same for a GGUF file's keys, every part of whose names counts.

    >>> review_gguf([("rope.freq_base", 1e4), ("attention.window.stride", 2)], layers=32)
    (('rope.freq_base',), ('attention.window.stride',))
    """
    harmless: list[str] = []
    doubtful: list[str] = []
    for name, value in leftover:
        known = name in _known()["harmless_gguf"] or _idle(name, value)
        doubt = not known and (_by_name(name.replace(".", "_")) or _by_value(value, layers))
        (doubtful if doubt else harmless).append(name[:120])
    return tuple(harmless[:500]), tuple(doubtful[:100])


def _doubtful(name: str, value: Any, layers: int) -> Iterable[str]:
    last = name.rsplit(".", 1)[-1]
    if reviewed(name) or _idle(last, value):
        return
    if isinstance(value, Mapping):
        if _is_another_part(last):
            yield from (f"{name}.{key}" for key in value if _of_the_cache(str(key)))
            return
        inner = [each for key, inside in value.items() for each in _doubtful(f"{name}.{key}", inside, layers)]
        yield from inner or ([name] if _by_name(last) else [])
    elif _by_name(last) or _by_value(value, layers):
        yield name


def _is_another_part(name: str) -> bool:
    (pattern,) = _known()["harmless_parts"]
    return re.match(pattern, name) is not None


def _of_the_cache(key: str) -> bool:
    """In the part on how weights are stored, and in those of other modalities: a word on the cache all the same."""
    return key not in CACHE_KEYS and key.startswith(("kv_", "cache_"))


def _idle(name: str, value: Any) -> bool:
    """Switched off, empty, or none of something that is counted."""
    if value is False and {"window", "swa", "mla", "causal"} & set(words(name)):
        return False  # to switch one of these off changes the cache
    nothing = value is None or value is False or value in ("", [], {})
    return nothing or (value == 0 and type(value) is int and name.startswith(("num_", "n_")))


def _by_name(name: str) -> bool:
    found = set(words(name))
    of_layers = bool(found & {"layer", "layers"} and found & {"type", "types", "kind", "kinds"})
    if of_layers or _known()["doubtful_words"] & found:
        return True
    return bool(_known()["broad_words"] & found) and not _known()["harmless_words"] & found


def _by_value(value: Any, layers: int) -> bool:
    if isinstance(value, list):
        return (len(value) == layers > 1) or any(_by_value(each, 0) for each in value if isinstance(each, str))
    return isinstance(value, str) and bool(_known()["doubtful_values"] & set(words(value.replace(".", "_"))))
