"""Turns text into token ids and back, and a token into a label that hides nothing.

A tokenizer knows no model and no probabilities. Ids are positions in its vocabulary.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Protocol

from lm_core.errors import InvalidInput, PromptError, whole_number


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
        """Whether `encode` accepts the text; if not, some single character is to blame."""
        ...

    def encode(self, text: str) -> list[int]: ...

    def decode(self, ids: Iterable[int]) -> str: ...

    def token_bytes(self, token_id: int) -> bytes:
        """The UTF-8 bytes one token stands for; a multi-byte character may be cut."""
        ...


def _byte_alphabet() -> dict[str, int]:
    """GPT-2's printable stand-in for each byte value (openai/gpt-2, encoder.py): "Ġ" is the space, 0x20."""
    kept = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    moved = [byte for byte in range(256) if byte not in kept]
    return {chr(byte): byte for byte in kept} | {chr(256 + n): byte for n, byte in enumerate(moved)}


class ByteLevelBPE:
    """Byte-level byte-pair encoding (Sennrich 2016; bytes as in GPT-2), run by the `tokenizers` library.

    >>> vocabulary = ["<end>", "a", "b", "Ġ", "ab"]
    >>> bpe = ByteLevelBPE.build(vocabulary, merges=["a b"], special_ids=[0])
    >>> bpe.encode("ab a"), bpe.decode([4, 3, 1, 0])
    ([4, 3, 1], 'ab a<end>')
    """

    def __init__(self, serialised: str) -> None:
        """From the JSON that `to_json` gives, or any `tokenizer.json` of this kind."""
        from tokenizers import Tokenizer as Engine

        try:
            self._engine = Engine.from_str(serialised)
        except Exception as error:  # the library raises plain Exception
            raise InvalidInput("serialised", f"a tokenizer in JSON ({error})", serialised) from None
        self.vocab_size: int = self._engine.get_vocab_size()
        self.special_ids = frozenset(i for i, t in self._engine.get_added_tokens_decoder().items() if t.special)
        alphabet = _byte_alphabet()
        self._bytes = [
            text.encode() if i in self.special_ids else bytes(alphabet[c] for c in text)
            for i, text in enumerate(self._engine.id_to_token(i) or "" for i in range(self.vocab_size))
        ]

        single = {token[0] for token in self._bytes if len(token) == 1}
        self._bytes_without_token = bytes(byte for byte in range(256) if byte not in single)

    @classmethod
    def build(
        cls, vocabulary: Sequence[str], merges: Sequence[str], special_ids: Iterable[int], split_digits: bool = False
    ) -> ByteLevelBPE:
        """From a vocabulary in byte-alphabet spelling and merges ("a b") in order of rank.

        `split_digits` cuts before and after each digit first, as the SmolLM models were trained.
        """
        from tokenizers import AddedToken, decoders, models, pre_tokenizers
        from tokenizers import Tokenizer as Engine

        pairs = [(left, right) for left, right in (merge.split(" ") for merge in merges)]
        engine = Engine(models.BPE({token: i for i, token in enumerate(vocabulary)}, pairs))
        split_words = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
        first_digits = [pre_tokenizers.Digits(individual_digits=True)] if split_digits else []
        engine.pre_tokenizer = pre_tokenizers.Sequence([*first_digits, split_words])
        engine.decoder = decoders.ByteLevel()
        engine.add_special_tokens([AddedToken(vocabulary[i], special=True, normalized=False) for i in special_ids])
        return cls(engine.to_str())

    def to_json(self) -> str:
        return str(self._engine.to_str())

    def encodable(self, text: str) -> bool:
        """False for lone surrogates, which no UTF-8 text can hold, and for bytes that the vocabulary lacks.

        SmolLM2's, for one, has no token for U+0004: its training text held none.
        """
        try:
            raw = text.encode()
        except UnicodeEncodeError:
            return False
        return len(raw.translate(None, delete=self._bytes_without_token)) == len(raw)

    def encode(self, text: str) -> list[int]:
        """Ids of the text; the spelling of a special token becomes that one token.

        Raises PromptError for a text that is not `encodable`; the library alone would drop parts of it in silence.
        """
        if not self.encodable(text):
            at = next(i for i, character in enumerate(text) if not self.encodable(character))
            raise PromptError("text", f"made of characters with tokens (U+{ord(text[at]):04X} at {at} has none)", text)
        return list(self._engine.encode(text, add_special_tokens=False).ids)

    def decode(self, ids: Iterable[int]) -> str:
        """Text of the ids, special tokens spelled out; bytes cut from a character show as U+FFFD."""
        return b"".join(map(self.token_bytes, ids)).decode(errors="replace")

    def token_bytes(self, token_id: int) -> bytes:
        return self._bytes[whole_number("token_id", token_id, 0, self.vocab_size - 1)]


class WordTokenizer:
    """Words and full stops of a closed vocabulary; for corpora small enough to read.

    Texts come back with single spaces, and none before a full stop.

    >>> words = WordTokenizer(["The", "bot", "answered", "."], special=["</s>"])
    >>> words.encode("The bot  answered."), words.decode([1, 2, 3, 4, 0])
    ([1, 2, 3, 4], 'The bot answered.</s>')
    """

    def __init__(self, words: Sequence[str], special: Sequence[str] = ()) -> None:
        self._words = (*special, *words)
        self._ids = {word: i for i, word in enumerate(self._words)}
        if len(self._ids) < len(self._words):
            raise InvalidInput("words", "all different", self._words)
        self.vocab_size = len(self._words)
        self.special_ids = frozenset(range(len(special)))

    def _split(self, text: str) -> list[str]:
        return text.replace(".", " . ").split()

    def encodable(self, text: str) -> bool:
        return all(word in self._ids for word in self._split(text))

    def encode(self, text: str) -> list[int]:
        """Ids of the words. Raises PromptError naming the first word that is not in the vocabulary."""
        words = self._split(text)
        for word in words:
            if word not in self._ids:
                raise PromptError("text", f"made of the {self.vocab_size} known words ({word!r} is none)", text)
        return [self._ids[word] for word in words]

    def decode(self, ids: Iterable[int]) -> str:
        pieces: list[str] = []
        for i in ids:
            word = self.token_bytes(i).decode()
            pieces.append(word if not pieces or word == "." or i in self.special_ids else f" {word}")
        return "".join(pieces)

    def token_bytes(self, token_id: int) -> bytes:
        return self._words[whole_number("token_id", token_id, 0, self.vocab_size - 1)].encode()


_SIGNS = {" ": "·", "\n": "⏎", "\t": "⇥", "\r": "␍", "\0": "␀"}
_TAKEN = frozenset(_SIGNS.values()) | {"⟨", "⟩"}
_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})


def label(token: bytes) -> str:
    """A token as it should be shown: white space and control characters visible, no two tokens alike.

    A space is `·` and a line break `⏎`; a byte that is no whole character, an invisible character, a
    leading combining mark, and the characters that serve as signs here appear by number.

    >>> label(b" the"), label(b"the"), label(b"\\n\\t"), label(b"\\xe2\\x82"), label("\\u202e·".encode())
    ('·the', 'the', '⏎⇥', '⟨0xE2⟩⟨0x82⟩', '⟨U+202E⟩⟨U+00B7⟩')
    """
    shown = []
    for position, character in enumerate(token.decode(errors="surrogateescape")):
        code, category = ord(character), unicodedata.category(character)
        if character in _SIGNS:
            shown.append(_SIGNS[character])
        elif 0xDC80 <= code <= 0xDCFF:  # surrogateescape keeps an undecodable byte as 0xDC00 + byte
            shown.append(f"⟨0x{code - 0xDC00:02X}⟩")
        elif character in _TAKEN or category in _UNSEEN or (position == 0 and category.startswith("M")):
            shown.append(f"⟨U+{code:04X}⟩")
        else:
            shown.append(character)
    return "".join(shown)


_SPOKEN = {"·": "space", "⏎": "line break", "⇥": "tab", "␍": "carriage return", "␀": "null"}


def spoken(token: bytes) -> str:
    """A token as a screen reader should say it.

    >>> spoken(b" the"), spoken(b"\\n\\n"), spoken(b"the")
    ('space the', 'line break line break', 'the')
    """
    return " ".join(
        "".join(f"\0{_SPOKEN[c]}\0" if c in _SPOKEN else c for c in label(token)).replace("\0", " ").split()
    )
