"""The contract of tokenizers, and two that are made for a corpus: by word and by character."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Protocol

from lm_core.errors import InvalidInput, PromptError, whole_number
from lm_core.text.byte_pair_encoding import ByteLevelBPE


class Tokenizer(Protocol):
    """What every tokenizer offers; `decode(encode(text)) == text` for any text it accepts."""

    @property
    def vocab_size(self) -> int: ...

    def __hash__(self) -> int:
        """Tokenizers never change, so what is worked out about one may be kept."""
        ...

    @property
    def special_ids(self) -> frozenset[int]:
        """Ids of control tokens, such as the end of text or of a chat turn."""
        ...

    def encodable(self, text: str) -> bool:
        """Whether `encode` accepts the text as it is."""
        ...

    def without_unknown(self, text: str) -> tuple[str, tuple[str, ...]]:
        """(the part of the text that `encode` accepts, the pieces that were left out)."""
        ...

    def encode(self, text: str) -> list[int]: ...

    def decode(self, ids: Iterable[int]) -> str: ...

    def token_bytes(self, token_id: int) -> bytes:
        """The UTF-8 bytes one token stands for; a multi-byte character may be cut."""
        ...

    def to_json(self) -> str:
        """Everything `from_json` needs to build it again."""
        ...


class WordTokenizer:
    """Words and punctuation marks of a closed vocabulary; for corpora small enough to read.

    Texts come back with single spaces, and none before a closing mark. Special tokens have no spelling in text:
    whatever a text holds is data. Raises InvalidInput for a word that no text can hold as one piece, such as "don'".

    >>> words = WordTokenizer(["The", "bot", "answered", "."], special=["</s>"])
    >>> words.encode("The bot  answered."), words.decode([1, 2, 3, 4, 0])
    ([1, 2, 3, 4], 'The bot answered.</s>')
    """

    kind = "words"
    _joint = " "
    _pieces = re.compile(r"\w+(?:['’-]\w+)*|[^\w\s]")

    def __init__(self, words: Sequence[str], special: Sequence[str] = ()) -> None:
        self.special = tuple(special)
        self.words = tuple(words)
        self._spelling = (*self.special, *self.words)
        self._ids = {word: i for i, word in enumerate(self.words, start=len(self.special))}
        if len(self._ids) < len(self.words):
            raise InvalidInput("words", "all different", self.words)
        for word in self.words:
            if self._pieces.findall(word) != [word]:  # no text could ever hold it
                raise InvalidInput("words", f"{self.kind} that `encode` finds as one piece", word)
        self.vocab_size = len(self._spelling)
        self.special_ids = frozenset(range(len(self.special)))

    @classmethod
    def of(cls, lines: Iterable[str], special: Sequence[str] = ()) -> WordTokenizer:
        """One whose vocabulary is everything in the lines, in order of first appearance."""
        return cls(tuple(dict.fromkeys(piece for line in lines for piece in cls._pieces.findall(line))), special)

    def to_json(self) -> str:
        return json.dumps({"kind": self.kind, "words": self.words, "special": self.special}, ensure_ascii=False)

    def encodable(self, text: str) -> bool:
        return all(piece in self._ids for piece in self._pieces.findall(text))

    def without_unknown(self, text: str) -> tuple[str, tuple[str, ...]]:
        """The known pieces as one text, and the others.

        >>> WordTokenizer(["the", "hub"]).without_unknown("the zebra hub")
        ('the hub', ('zebra',))
        """
        pieces = self._pieces.findall(text)
        return self._joint.join(p for p in pieces if p in self._ids), tuple(p for p in pieces if p not in self._ids)

    def encode(self, text: str) -> list[int]:
        """Ids of the pieces. Raises PromptError naming the first that is not in the vocabulary."""
        pieces = self._pieces.findall(text)
        try:
            return [self._ids[piece] for piece in pieces]
        except KeyError as error:
            known = f"made of the {len(self.words):,} known {self.kind} ({error.args[0]!r} is none)"
            raise PromptError("text", known, text) from None

    def decode(self, ids: Iterable[int]) -> str:
        pieces: list[str] = []
        for i in ids:
            piece = self.token_bytes(i).decode()
            closes = piece[0] in ".,;:!?)]}%" or i in self.special_ids
            pieces.append(piece if not pieces or closes else f" {piece}")
        return "".join(pieces)

    def token_bytes(self, token_id: int) -> bytes:
        return self._spelling[whole_number("token_id", token_id, 0, self.vocab_size - 1)].encode()


class CharacterTokenizer(WordTokenizer):
    """One token for each character of a closed alphabet; every text made of them comes back as it was.

    >>> letters = CharacterTokenizer.of(["hub"], special=["<eos>"])
    >>> letters.encode("bu"), letters.decode([1, 2, 3, 0])
    ([3, 2], 'hub<eos>')
    """

    kind = "characters"
    _joint = ""
    _pieces = re.compile(r"(?s:.)")

    def decode(self, ids: Iterable[int]) -> str:
        return "".join(self.token_bytes(i).decode() for i in ids)


def from_json(serialised: str) -> WordTokenizer | ByteLevelBPE:
    """The tokenizer whose `to_json` this is. Raises InvalidInput for anything else.

    >>> from_json(CharacterTokenizer("hub").to_json()).encode("bu")
    [2, 1]
    """
    try:
        data = json.loads(serialised)
        kinds = {kind.kind: kind for kind in (WordTokenizer, CharacterTokenizer)}
        return kinds[data["kind"]](data["words"], data["special"]) if "kind" in data else ByteLevelBPE(serialised)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInput("tokenizer", f"JSON written by to_json ({type(error).__name__})", serialised) from None
