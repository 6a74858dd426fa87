"""Text to learn from: built in, generated or uploaded, as lines; lines become token ids, and a part is held out.

A tokenizer is made for each corpus; its first two tokens are <bos> and <eos>.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from lm_core.errors import InvalidInput, LmCoreError, real_number, whole_number
from lm_core.text.grammar import TRACKING, Grammar
from lm_core.text.tokenizers import CharacterTokenizer, Tokenizer, WordTokenizer

BOS, EOS = 0, 1
SPECIAL = ("<bos>", "<eos>")
MAX_UPLOAD = 16 * 1024 * 1024
"""Bytes that `from_bytes` accepts."""


class UnreadableText(LmCoreError):
    """A file that is no text, or not in an encoding we read; the message says where and what to do."""


@dataclass(frozen=True)
class Corpus:
    """Lines of text; each is one message or sentence.

    >>> six = SIX_MESSAGES
    >>> words = six.tokenizer("word")
    >>> words.vocab_size, six.encode(words)[0]
    (9, [2, 3, 4])
    """

    name: str
    lines: tuple[str, ...]
    source: str
    """Where the text comes from, in a sentence."""
    grammar: Grammar | None = None
    """What the lines were drawn from, where that is known."""

    def __post_init__(self) -> None:
        if not any(line.strip() for line in self.lines):
            raise UnreadableText(f"{self.name} holds no text. To fix this: give at least one line with a word in it.")

    def tokenizer(self, by: Literal["word", "character"], extra: Sequence[str] = ()) -> WordTokenizer:
        """One that knows every word or character of this corpus; `extra` adds special tokens, such as <mask>."""
        kinds: dict[str, type[WordTokenizer]] = {"word": WordTokenizer, "character": CharacterTokenizer}
        if by not in kinds:
            raise InvalidInput("by", '"word" or "character"', by)
        return kinds[by].of(self.lines, (*SPECIAL, *extra))

    def encode(self, tokenizer: Tokenizer) -> list[list[int]]:
        """Token ids of each line, without <bos> and <eos>; lines without a token are left out."""
        return [ids for ids in map(tokenizer.encode, self.lines) if ids]

    def split(self, held_out: float = 0.1, seed: int = 0) -> tuple[Corpus, Corpus]:
        """(to learn from, to test on): each line goes, shuffled by seed, to one of them; both get at least one."""
        real_number("held_out", held_out, "a number above 0 and below 1", lambda share: 0 < share < 1)
        if len(self.lines) < 2:
            raise InvalidInput("lines", "at least 2, to hold one out", len(self.lines))
        order = np.random.Generator(np.random.PCG64(whole_number("seed", seed, 0))).permutation(len(self.lines))
        cut = min(len(order) - 1, max(1, math.floor(held_out * len(order))))
        tested, learned = sorted(order[:cut].tolist()), sorted(order[cut:].tolist())
        return self._part("to learn from", learned), self._part("held out", tested)

    def _part(self, name: str, numbers: list[int]) -> Corpus:
        return Corpus(f"{self.name}, {name}", tuple(self.lines[i] for i in numbers), self.source, self.grammar)


SIX_MESSAGES = Corpus(
    "Six messages",
    ("package left warehouse",) * 2
    + ("parcel left hub", "parcel left warehouse", "order left hub", "order left carrier"),
    "The article's example for counting pairs.",
)
HUNDRED_PAIRS = Corpus(
    "A hundred pairs",
    ("left warehouse",) * 85 + ("left hub",) * 10 + ("left carrier",) * 5,
    "The article's row of 85, 10 and 5, spelled out as messages.",
)
REGIONAL_LOCAL = Corpus(
    "Regional or local",
    tuple(f"{thing} left {way}" for way in ("regional hub", "local warehouse") for thing in
          ("package", "parcel", "order")),
    "The article's example for training a neural n-gram.",
)  # fmt: skip


def tracking(messages: int = 4000, seed: int = 0) -> Corpus:
    """Messages drawn from the tracking grammar, whose true distribution is known.

    >>> tracking(3).lines[0]
    'the package reached Oslo on Friday, and Oslo will ship it tomorrow.'
    """
    generator = np.random.Generator(np.random.PCG64(whole_number("seed", seed, 0)))
    drawn = [TRACKING.sample(generator) for _ in range(whole_number("messages", messages, 1, 1_000_000))]
    words = WordTokenizer(TRACKING.words)
    lines = tuple(words.decode(words.encode(" ".join(message))) for message in drawn)
    return Corpus(f"{messages:,} tracking messages", lines, "Generated here from a random grammar.", TRACKING)


def python_topics() -> Corpus:
    """Real prose: the reference topics that ship with Python."""
    from pydoc_data.topics import topics

    return from_text("Python's reference topics", "\n".join(topics[name] for name in sorted(topics)))


def from_text(name: str, text: str, source: str = "") -> Corpus:
    """Lines of a text, whatever ends them; blank ones are dropped, spaces around a line too."""
    lines = tuple(line for line in map(str.strip, text.splitlines()) if line)
    return Corpus(name, lines, source or f"{name}.")


def from_bytes(name: str, data: bytes) -> Corpus:
    """An uploaded file. Raises UnreadableText saying what is wrong with it and at which byte.

    >>> from_bytes("n.txt", b"caf\\xe9")
    Traceback (most recent call last):
    ...
    lm_core.text.corpus.UnreadableText: n.txt is not UTF-8 text: byte 0xE9 at offset 3. To fix this: save it as UTF-8.
    """
    if len(data) > MAX_UPLOAD:
        size = f"{len(data) / 2**20:.1f} MiB"
        raise UnreadableText(f"{name} is {size}; {MAX_UPLOAD >> 20} MiB fit. To fix this: take a part of it.")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnreadableText(f"{name} is UTF-16 text. To fix this: save it as UTF-8.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # Offsets count from the file's first byte, also where a byte order mark stands before the text.
        start = error.start + (3 if data.startswith(b"\xef\xbb\xbf") else 0)
        where = f"byte 0x{data[start]:02X} at offset {start:,}"
        raise UnreadableText(f"{name} is not UTF-8 text: {where}. To fix this: save it as UTF-8.") from None
    if "\0" in text:
        where = f"a null byte at offset {data.index(0):,}"
        raise UnreadableText(f"{name} is not text: {where}. To fix this: choose a text file.")
    return from_text(name, text, f"Uploaded: {name}.")
