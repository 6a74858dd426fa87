"""Byte-pair encoding, run by the `tokenizers` library: byte-level as in GPT-2, or with byte fallback as in Llama 2."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from lm_core.errors import InvalidInput, PromptError, whole_number


def _byte_alphabet() -> dict[str, int]:
    """GPT-2's printable stand-in for each byte value (openai/gpt-2, encoder.py): "Ġ" is the space, 0x20."""
    kept = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    moved = [byte for byte in range(256) if byte not in kept]
    return {chr(byte): byte for byte in kept} | {chr(256 + n): byte for n, byte in enumerate(moved)}


_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_CUTS = {"qwen2": _WORDS % "", "llama-3": _WORDS % "{1,3}"}
"""Where those models cut a text, as their tokenizer.json say it."""


class ByteLevelBPE:
    """Byte-level byte-pair encoding (Sennrich 2016; bytes as in GPT-2), run by the `tokenizers` library.

    >>> vocabulary = ["<end>", "a", "b", "Ġ", "ab"]
    >>> bpe = ByteLevelBPE.build(vocabulary, merges=["a b"], special_ids=[0])
    >>> bpe.encode("ab a"), bpe.decode([4, 3, 1, 0])
    ([4, 3, 1], 'ab a<end>')
    """

    def __init__(self, serialised: str, size: int | None = None) -> None:
        """From the JSON that `to_json` gives, or any `tokenizer.json` of this kind.

        `size` is the model's vocabulary where that is larger: the ids beyond stand for nothing and are special.
        """
        from tokenizers import Tokenizer as Engine

        try:
            self._engine = Engine.from_str(serialised)
        except Exception as error:  # the library raises plain Exception
            raise InvalidInput("serialised", f"a tokenizer in JSON ({error})", serialised) from None
        self._engine.no_truncation()  # as some files ask for: nothing may be cut or filled up in silence
        self._engine.no_padding()
        added = self._engine.get_added_tokens_decoder()
        known = max([self._engine.get_vocab_size(), *(i + 1 for i in added)])
        self.vocab_size = known if size is None else whole_number("size", size, known)
        unused = range(known, self.vocab_size)
        self.special_ids = frozenset([*(i for i, token in added.items() if token.special), *unused])
        spelled = [self._engine.id_to_token(i) for i in range(known)]
        try:
            self._bytes = [
                f"<unused {i}>".encode()
                if text is None
                else self._bytes_of_added(text, added[i].special)
                if i in added
                else self._bytes_of(text)
                for i, text in enumerate([*spelled, *([None] * len(unused))])
            ]
        except KeyError:
            raise InvalidInput("tokenizer", "byte-level BPE, or BPE with byte fallback", "another kind") from None
        single = {token[0] for token in self._bytes if len(token) == 1}
        self._bytes_without_token = bytes(byte for byte in range(256) if byte not in single)
        # What the tokenizer itself sets before a text, such as <bos>.
        whole, plain = (self._engine.encode("a", add_special_tokens=special).ids for special in (True, False))
        before = next((n for n in range(len(whole)) if whole[n : n + len(plain)] == plain), 0)
        self.begin_ids = tuple(whole[:before])

    _alphabet = _byte_alphabet()

    def _bytes_of_added(self, spelling: str, special: bool) -> bytes:
        """The bytes of a token that was added to the vocabulary: it is spelled as it stands in a text."""
        return spelling.encode()

    def _bytes_of(self, spelling: str) -> bytes:
        """The bytes of a token of the vocabulary, from its spelling there."""
        return bytes(self._alphabet[character] for character in spelling)

    @classmethod
    def build(
        cls, vocabulary: Sequence[str], merges: Sequence[str], special_ids: Iterable[int], cut: str = "gpt-2",
        begin: int | None = None, whole_ids: Iterable[int] = (),
    ) -> ByteLevelBPE:  # fmt: skip
        """From a vocabulary in byte-alphabet spelling and merges ("a b") in order of rank.

        `cut` says where a text is cut before anything is merged: as gpt-2 was trained, smollm (before and after each
        digit too), qwen2 or llama-3. `begin` is set before each text; `whole_ids` are never cut, though not special.
        """
        from tokenizers import AddedToken, Regex, decoders, models, pre_tokenizers, processors
        from tokenizers import Tokenizer as Engine

        pairs = [(left, right) for left, right in (merge.split(" ") for merge in merges)]
        ids = {token: i for i, token in enumerate(vocabulary)}
        engine = Engine(models.BPE(ids, pairs, ignore_merges=cut == "llama-3"))
        engine.add_tokens([AddedToken(vocabulary[i], special=False, normalized=False) for i in whole_ids])
        first: list[Any] = [pre_tokenizers.Digits(individual_digits=True)] if cut == "smollm" else []
        if cut in _CUTS:
            first = [pre_tokenizers.Split(Regex(_CUTS[cut]), "isolated")]
        split_words = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=cut not in _CUTS)
        engine.pre_tokenizer = pre_tokenizers.Sequence([*first, split_words])
        engine.decoder = decoders.ByteLevel()
        engine.add_special_tokens([AddedToken(vocabulary[i], special=True, normalized=False) for i in special_ids])
        if begin is not None:
            engine.post_processor = processors.TemplateProcessing(
                single=f"{vocabulary[begin]} $A", special_tokens=[(vocabulary[begin], begin)]
            )
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

    def without_unknown(self, text: str) -> tuple[str, tuple[str, ...]]:
        """The text without characters that have no token, and those."""
        return "".join(filter(self.encodable, text)), tuple(each for each in text if not self.encodable(each))

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


class ByteFallbackBPE(ByteLevelBPE):
    """BPE over characters, with single bytes for those it lacks, as Llama 2 and Mistral have it (SentencePiece).

    "▁" is the space, <0x0A> a byte. Most of these set a space before each text, and `decode` gives it back: a text that
    goes on is then the text before and what it goes on with, whatever stands between.
    """

    def _bytes_of_added(self, spelling: str, special: bool) -> bytes:
        return spelling.encode() if special else self._bytes_of(spelling)

    def _bytes_of(self, spelling: str) -> bytes:
        if re.fullmatch("<0x[0-9A-F]{2}>", spelling):
            return bytes([int(spelling[3:5], 16)])
        return spelling.replace("▁", " ").encode()

    def encodable(self, text: str) -> bool:
        """False for lone surrogates alone."""
        return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def from_hugging_face(serialised: str, size: int | None = None) -> ByteLevelBPE:
    """The tokenizer of a `tokenizer.json`, for a model of this vocabulary size.

    Raises InvalidInput where it is neither byte-level BPE nor BPE with byte fallback.
    """
    try:
        model = json.loads(serialised)["model"]
        fallback, kind = bool(model.get("byte_fallback")), model.get("type", "BPE")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInput("tokenizer", f"a tokenizer.json ({type(error).__name__})", serialised) from None
    if kind != "BPE":
        raise InvalidInput("tokenizer", "byte-level BPE, or BPE with byte fallback", kind)
    return (ByteFallbackBPE if fallback else ByteLevelBPE)(serialised, size)
