"""The tokenizer against two authorities, and labels that hide nothing."""

import argparse
import inspect
import itertools
import json
import random
import typing

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from lm_core import Transformer
from lm_core.errors import InvalidInput, PromptError
from lm_core.labels import character_parts, effect_on_character, label, spoken
from lm_core.text.byte_pair_encoding import ByteLevelBPE
from lm_core.text.tokenizers import WordTokenizer
from tests.authority import Authority, digest
from tests.reliability import cases

PIECES = ["·", " ", "  ", "    ", "\n", "\n\n", "\t", "\r\n", "\0", "\x07", "\x7f", "\u200b", "\u202e", "\ufeff"]
PIECES += [
    "a",
    "The",
    "the",
    "naïve",
    "'s",
    "don't",
    "...",
    "!?",
    "_",
    "#",
    "->",
    "==",
    "def f(x):",
    "http://x.y/z?q=1",
]
PIECES += [
    "0",
    "7",
    "42",
    "1,234.50",
    "2026-11-21",
    "½",
    "²",
    "٣",
    "Ⅷ",
    "日本語",
    "中文字符",
    "한국어",
    "हिन्दी",
    "עברית",
    "العربية",
]
PIECES += [
    "🙂",
    "👩‍👩‍👧",
    "🇫🇷",
    "e\u0301",
    "<|im_start|>",
    "<|im_end|>",
    "<|endoftext|>",
    "<repo_name>",
    "<|im_st",
    "|>",
]


@pytest.fixture(scope="module")
def lines(prose: str) -> list[str]:
    """Over 10,000 lines: English, code, and random mixtures of everything that trips tokenizers up."""
    source = "\n".join(inspect.getsource(module) for module in (argparse, typing, inspect))
    draw = random.Random(2026)
    mixed = ["".join(draw.choices(PIECES, k=draw.randint(1, 16))) for _ in range(4000)]
    found = list(dict.fromkeys([*PIECES, *mixed, *prose.split("\n")[:4000], *source.split("\n")[:3000]]))
    assert len(found) >= 5000
    return found


def by_definition(
    text: str, vocabulary: dict[str, int], ranks: dict[tuple[str, str], int], specials: list[str]
) -> list[int]:
    """Byte-level BPE straight from its definition: special tokens, digits, GPT-2's words, then merges by rank."""
    alphabet = {byte: character for character, byte in _alphabet().items()}
    words = regex.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")
    ids: list[int] = []
    for part in regex.split("(" + "|".join(map(regex.escape, specials)) + ")", text):
        if part in specials:
            ids.append(vocabulary[part])
            continue
        for piece in regex.split(r"(\p{N})", part):
            for word in words.findall(piece):
                symbols = [alphabet[byte] for byte in word.encode()]
                while len(symbols) > 1:
                    pairs = list(itertools.pairwise(symbols))
                    best = min(pairs, key=lambda pair: ranks.get(pair, 1 << 30))
                    if best not in ranks:
                        break
                    at = pairs.index(best)
                    symbols[at : at + 2] = ["".join(best)]
                ids += [vocabulary[symbol] for symbol in symbols]
    return ids


def _alphabet() -> dict[str, int]:
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    return {character: byte for byte, character in bytes_to_unicode().items()}


@pytest.mark.long("byte-pair encoding done by its definition")
def test_ids_equal_the_definition(model: Transformer, lines: list[str]) -> None:
    """The rules of the file's `smollm` pre-tokenizer as llama.cpp states them, written out again above."""
    tokenizer = model.tokenizer
    assert isinstance(tokenizer, ByteLevelBPE)
    stored = json.loads(tokenizer.to_json())["model"]
    ranks = {tuple(pair): rank for rank, pair in enumerate(stored["merges"])}
    specials = [tokenizer.decode([i]) for i in sorted(tokenizer.special_ids)]
    chosen = lines[:: cases(3, 1)]
    wrong = [line for line in chosen if tokenizer.encode(line) != by_definition(line, stored["vocab"], ranks, specials)]
    assert wrong == []


def test_ids_equal_transformers(model: Transformer, authority: Authority, lines: list[str]) -> None:
    """Out of the box transformers 5.23 leaves out the file's digit rule (`tokenizer.ggml.pre` = smollm), so it
    splits "  1" as it never was in training; it must agree wherever no digit stands, and everywhere once
    that rule is given back to it."""
    no_digits = [line for line in lines if not regex.search(r"\p{N}", line)]
    assert len(no_digits) >= 5000
    for asked, digits in ((no_digits, False), (lines, True)):
        assert digest([model.tokenizer.encode(line) for line in asked]) == authority.encoding(asked, digits)


def test_decoding_gives_the_text_back(model: Transformer, lines: list[str]) -> None:
    tokenizer = model.tokenizer
    assert [line for line in lines if tokenizer.decode(tokenizer.encode(line)) != line] == []


@given(text=st.text())
def test_any_text_comes_back_or_is_refused(model: Transformer, text: str) -> None:
    """Nothing is dropped in silence: what has no token raises, and a character is to blame."""
    tokenizer = model.tokenizer
    if tokenizer.encodable(text):
        assert tokenizer.decode(tokenizer.encode(text)) == text
    else:
        assert not all(map(tokenizer.encodable, text))
        with pytest.raises(PromptError, match="`text` must be made of characters with tokens"):
            tokenizer.encode(text)


def test_all_characters_but_a_few_control_ones_have_tokens(model: Transformer) -> None:
    refused = [code for code in range(0x40000) if not model.tokenizer.encodable(chr(code))]
    assert refused == [0x04, 0x06, 0x13, 0x14, 0x16, 0x1D, *range(0xD800, 0xE000)]


def test_by_hand() -> None:
    bpe = ByteLevelBPE.build(["a", "b", "ab", "abab"], merges=["a b", "ab ab"], special_ids=[])
    assert bpe.encode("ababab") == [3, 2]
    assert bpe.token_bytes(3) == b"abab"


def test_a_tokenizer_survives_its_json(model: Transformer) -> None:
    assert isinstance(model.tokenizer, ByteLevelBPE)
    again = ByteLevelBPE(model.tokenizer.to_json())
    assert again.encode("In 2026 <|im_end|>") == model.tokenizer.encode("In 2026 <|im_end|>")
    assert again.special_ids == model.tokenizer.special_ids == frozenset(range(17))


def test_lone_surrogates_and_unknown_ids_are_refused(model: Transformer) -> None:
    with pytest.raises(PromptError, match=r"U\+D800 at 1 has none"):
        model.tokenizer.encode("a\ud800b")
    for wrong in (-1, 49_152, 1.5):
        with pytest.raises(InvalidInput, match="`token_id` must be a whole number from 0 to 49151"):
            model.tokenizer.decode([wrong])  # type: ignore[list-item]
    with pytest.raises(InvalidInput, match="`serialised` must be a tokenizer in JSON"):
        ByteLevelBPE("{")


@pytest.mark.parametrize("word", ["don'", "two words", "<eos>", "", " hub", "a.b"])
def test_a_word_that_no_text_can_hold_is_refused(word: str) -> None:
    with pytest.raises(InvalidInput, match="`words` must be words that `encode` finds as one piece"):
        WordTokenizer(["the", word])


@given(st.lists(st.text(), unique=True))
def test_every_word_of_a_vocabulary_is_encoded_as_itself(words: list[str]) -> None:
    try:
        made = WordTokenizer(words, special=["<bos>"])
    except InvalidInput:
        return
    assert [made.encode(word) for word in words] == [[number] for number in range(1, len(words) + 1)]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Příliš", ["part 1 of 2 of ř", "part 2 of 2 of ř"]),
        ("a 😀", ["part 1 of 2 of 😀", "part 2 of 2 of 😀"]),
        ("🇫🇷", [f"part {n} of 6 of 🇫🇷" for n in range(1, 7)]),
        ("👨‍👩", [f"part {n} of 8 of 👨‍👩" for n in range(1, 9)]),
        ("plain 中文", []),
    ],
)
def test_tokens_say_which_character_they_are_part_of(model: Transformer, text: str, parts: list[str]) -> None:
    tokens = [model.tokenizer.token_bytes(i) for i in model.tokenizer.encode(text)]
    assert [str(part) for part in character_parts(tokens) if part] == parts


def test_a_text_that_ends_inside_a_character_says_so(model: Transformer) -> None:
    tokens = [model.tokenizer.token_bytes(i) for i in model.tokenizer.encode("a 😀")]
    assert str(character_parts(tokens[:-1])[-1]) == "part 1 of a character"
    assert effect_on_character(b"".join(tokens[:-1]), tokens[-1]) == "makes 😀"
    assert effect_on_character(b"".join(tokens[:-1]), b" the") == "leaves a character unfinished"


@given(st.text(), st.data())
def test_parts_are_those_of_the_characters_however_a_text_is_cut(text: str, data: st.DataObject) -> None:
    """Every token of a character is counted once, and what is shown of it hides nothing."""
    raw = text.encode(errors="replace")
    cuts = sorted(data.draw(st.sets(st.integers(0, len(raw)), max_size=8)))
    tokens = [raw[a:b] for a, b in itertools.pairwise([0, *cuts, len(raw)])]
    found = character_parts(tokens)
    assert len(found) == len(tokens)
    for part in found:
        assert part is None or 1 <= part.number <= part.of
        assert part is None or all(c == "\u200d" or c.isprintable() for c in part.character)
    for token in tokens:
        assert effect_on_character(b"", token) in ("", "begins a character")


def test_no_two_tokens_look_alike(model: Transformer) -> None:
    labels = {label(model.tokenizer.token_bytes(i)) for i in range(model.vocab_size)}
    assert len(labels) == model.vocab_size


@given(st.binary(max_size=8), st.binary(max_size=8))
def test_labels_differ_where_bytes_differ(a: bytes, b: bytes) -> None:
    assert (label(a) == label(b)) == (a == b)


def test_a_label_hides_nothing() -> None:
    for unseen in (" ", "\n", "\t", "\0", "\x1b", "\u00a0", "\u200b", "\u202e", "\u2066", "\ufeff", "\U000e0041"):
        shown = label(f"a{unseen}b".encode())
        assert shown.isprintable()
        assert " " not in shown
        assert len(shown) > 2


def test_spoken() -> None:
    assert spoken(b" \n") == "space line break"
    assert spoken("·".encode()) == "⟨U+00B7⟩"
