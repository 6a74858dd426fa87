"""Labels of tokens: what is shown, and what a screen reader says. Nothing is hidden; no two tokens look alike."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_SIGNS = {" ": "·", "\n": "⏎", "\t": "⇥", "\r": "␍", "\0": "␀"}
_TAKEN = frozenset(_SIGNS.values()) | {"⟨", "⟩"}
_JOINER = "\u200d"
_LONGEST = 16
"""Code points that are taken for one character at most: anybody may write a thousand marks over one letter."""
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


SPOKEN = {"·": "space", "⏎": "line break", "⇥": "tab", "␍": "carriage return", "␀": "null"}


def spoken(token: bytes) -> str:
    """A token as a screen reader should say it.

    >>> spoken(b" the"), spoken(b"\\n\\n"), spoken(b"the")
    ('space the', 'line break line break', 'the')
    """
    return " ".join("".join(f"\0{SPOKEN[c]}\0" if c in SPOKEN else c for c in label(token)).replace("\0", " ").split())


@dataclass(frozen=True)
class CharacterPart:
    """What a token holds of a character that takes several tokens."""

    character: str
    """As it is seen: a flag or a family is one. Empty where the text ends before it is whole."""
    number: int
    """Which of its tokens this is, from 1."""
    of: int
    """How many tokens it takes; 0 where the text ends before it is whole."""

    def __str__(self) -> str:
        return (
            f"part {self.number} of {self.of} of {self.character}" if self.of else f"part {self.number} of a character"
        )


def character_parts(tokens: Sequence[bytes]) -> list[CharacterPart | None]:
    """For each token of a text its part of the first character that it shares with another token; None for the others.

    >>> euro = "€".encode()
    >>> [str(part) for part in character_parts([b"1 ", euro[:2], euro[2:]])]
    ['None', 'part 1 of 2 of €', 'part 2 of 2 of €']
    >>> str(character_parts([euro[:1]])[0])
    'part 1 of a character'
    """
    found: list[CharacterPart | None] = [None] * len(tokens)
    cut = [number for number, token in enumerate(tokens) if not _is_whole(token)]
    for first, last in _stretches(cut):
        first = max(0, first - 1)  # a mark belongs to the letter before it
        owner = [number for number in range(first, last + 1) for _ in tokens[number]]  # of each byte
        for begin, end, character in _characters(b"".join(tokens[first : last + 1])):
            across = list(dict.fromkeys(owner[begin:end]))
            if len(across) < 2 and character:
                continue
            for number, token in enumerate(across, start=1):
                found[token] = found[token] or CharacterPart(character, number, len(across) if character else 0)
    return found


def _is_whole(token: bytes) -> bool:
    """Whether the bytes are characters as they are."""
    try:
        token.decode()
    except UnicodeDecodeError:
        return False
    return True


def _stretches(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The first and the last of each stretch of numbers that follow each other.

    >>> list(_stretches([2, 3, 4, 7]))
    [(2, 4), (7, 7)]
    """
    for at, number in enumerate(numbers):
        if at == 0 or numbers[at - 1] != number - 1:
            first = number
        if at + 1 == len(numbers) or numbers[at + 1] != number + 1:
            yield first, number


def effect_on_character(before: bytes, token: bytes) -> str:
    """What a token would do to the character in which the text before it ends; "" where no character is cut.

    >>> euro = "€".encode()
    >>> effect_on_character(b"1 ", euro[:1]), effect_on_character(euro[:1], euro[1:2])
    ('begins a character', 'goes on with a character')
    >>> effect_on_character(euro[:2], euro[2:]), effect_on_character(euro[:2], b"2"), effect_on_character(b"1 ", b"2")
    ('makes €', 'leaves a character unfinished', '')
    """
    tail = before[len(before) - len(_unfinished(before)) :]
    if not tail:
        return "begins a character" if _unfinished(token) else ""
    whole = (tail + token).decode(errors="replace")
    if whole[0] != "\N{REPLACEMENT CHARACTER}":
        return f"makes {_seen(whole[0])}"
    return "goes on with a character" if _unfinished(tail + token) == tail + token else "leaves a character unfinished"


def _unfinished(data: bytes) -> bytes:
    """The bytes at the end that begin a character and do not end it."""
    for length in range(1, min(3, len(data)) + 1):
        lead = data[-length]
        if lead & 0b1100_0000 == 0b1000_0000:
            continue  # a byte inside a character
        needed = 2 if 0xC2 <= lead <= 0xDF else 3 if 0xE0 <= lead <= 0xEF else 4 if 0xF0 <= lead <= 0xF4 else 1
        return data[-length:] if needed > length else b""
    return b""


def _characters(data: bytes) -> Iterator[tuple[int, int, str]]:
    """(begin, end, character as it is seen) in bytes; characters that are drawn as one are one."""
    tail = len(_unfinished(data))
    text = data[: len(data) - tail].decode(errors="surrogateescape")
    at = 0
    group, begin = "", 0
    for character in text:
        size = 1 if 0xDC80 <= ord(character) <= 0xDCFF else len(character.encode())
        if group and not _joins(group, character):
            yield begin, at, _seen(group)
            group, begin = "", at
        group, at = group + character, at + size
    if group:
        yield begin, at, _seen(group)
    if tail:
        yield at, at + tail, ""


def _seen(group: str) -> str:
    """A character as it may be shown: one that is invisible, or turns what follows round, by its number."""
    plain = all(c == _JOINER or unicodedata.category(c) not in _UNSEEN for c in group)
    sound = plain and group[0] != _JOINER and not unicodedata.category(group[0]).startswith("M")
    return group if sound else label(group.encode(errors="surrogateescape"))


def _joins(group: str, character: str) -> bool:
    """Whether a character is drawn together with those before it: marks, skin tones, joined emoji, two letters of a
    flag."""
    flag = range(0x1F1E6, 0x1F200)
    return len(group) < _LONGEST and (
        unicodedata.category(character) in ("Mn", "Me", "Mc")
        or (character == _JOINER and ord(group[-1]) > 0x2000)
        or group[-1] == _JOINER
        or 0x1F3FB <= ord(character) <= 0x1F3FF
        or (ord(character) in flag and len(group) == 1 and ord(group) in flag)
    )
