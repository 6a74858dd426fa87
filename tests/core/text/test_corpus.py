"""Corpora: built in, generated and uploaded; what is refused says where and what to do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_core import InvalidInput
from lm_core.text.corpus import (
    MAX_UPLOAD,
    SIX_MESSAGES,
    Corpus,
    UnreadableText,
    from_bytes,
    from_text,
    python_topics,
    tracking,
)
from lm_core.text.grammar import TRACKING


def test_lines_become_ids_after_bos_and_eos() -> None:
    words = SIX_MESSAGES.tokenizer("word")
    assert [words.decode([i]) for i in range(4)] == ["<bos>", "<eos>", "package", "left"]
    assert SIX_MESSAGES.encode(words)[3] == words.encode("parcel left warehouse")
    letters = SIX_MESSAGES.tokenizer("character", extra=["<mask>"])
    assert letters.decode(SIX_MESSAGES.encode(letters)[2]) == "parcel left hub"
    assert letters.special == ("<bos>", "<eos>", "<mask>")


def test_generated_messages_are_the_grammars_and_seeded() -> None:
    corpus = tracking(200, seed=3)
    assert corpus == tracking(200, seed=3)
    assert corpus.lines != tracking(200, seed=4).lines
    words = corpus.tokenizer("word")
    for ids in corpus.encode(words):
        assert TRACKING.parses([words.decode([i]) for i in ids])
    assert words.vocab_size <= len(TRACKING.words) + 2
    assert "where is my package?" in corpus.lines


def test_pythons_topics_are_real_prose() -> None:
    topics = python_topics()
    assert len(topics.lines) > 5000
    assert "statement" in " ".join(topics.lines[:2000])


@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=60), st.floats(0.01, 0.99), st.integers(0, 99))
def test_a_split_parts_the_lines_and_loses_none(numbers: list[int], share: float, seed: int) -> None:
    corpus = Corpus("numbers", tuple(map(str, numbers)), "")
    learn, held_out = corpus.split(share, seed)
    assert sorted(learn.lines + held_out.lines) == sorted(corpus.lines)
    assert learn.lines
    assert held_out.lines
    assert abs(len(held_out.lines) - share * len(numbers)) <= 1
    assert corpus.split(share, seed) == (learn, held_out)


def test_line_ends_of_every_system_and_no_final_newline() -> None:
    assert from_text("t", "a\r\n\r\n  b \rc\nd").lines == ("a", "b", "c", "d")
    assert from_bytes("t", b"\xef\xbb\xbfa b").lines == ("a b",)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"ab\xff", r"f\.txt is not UTF-8 text: byte 0xFF at offset 2\. To fix this: save it as UTF-8\."),
        (b"\xef\xbb\xbfab\xff", "byte 0xFF at offset 5"),
        ("zwölf".encode("utf-16"), r"f\.txt is UTF-16 text\. To fix this: save it as UTF-8\."),
        (b"ab\0cd", r"f\.txt is not text: a null byte at offset 2\. To fix this: choose a text file\."),
        (b"", r"f\.txt holds no text\. To fix this: give at least one line with a word in it\."),
        (b" \n\t\n", "holds no text"),
        (b"a" * (MAX_UPLOAD + 1), r"f\.txt is 16\.0 MiB; 16 MiB fit\. To fix this: take a part of it\."),
    ],
)
def test_unreadable_files(data: bytes, message: str) -> None:
    with pytest.raises(UnreadableText, match=message):
        from_bytes("f.txt", data)


def test_refusals() -> None:
    with pytest.raises(InvalidInput, match='`by` must be "word" or "character", but is \'syllable\''):
        SIX_MESSAGES.tokenizer("syllable")  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="`held_out` must be a number above 0 and below 1, but is 1"):
        SIX_MESSAGES.split(1.0)
    with pytest.raises(InvalidInput, match="`lines` must be at least 2, to hold one out, but is 1"):
        from_text("t", "one line").split()
    with pytest.raises(InvalidInput, match="`messages` must be a whole number from 1 to 1000000, but is 0"):
        tracking(0)
    with pytest.raises(InvalidInput, match="`seed` must be a whole number >= 0"):
        tracking(1, seed=-1)
