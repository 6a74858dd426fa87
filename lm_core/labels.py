"""Labels of tokens: what is shown, and what a screen reader says. Nothing is hidden; no two tokens look alike."""

from __future__ import annotations

import unicodedata

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


SPOKEN = {"·": "space", "⏎": "line break", "⇥": "tab", "␍": "carriage return", "␀": "null"}


def spoken(token: bytes) -> str:
    """A token as a screen reader should say it.

    >>> spoken(b" the"), spoken(b"\\n\\n"), spoken(b"the")
    ('space the', 'line break line break', 'the')
    """
    return " ".join("".join(f"\0{SPOKEN[c]}\0" if c in SPOKEN else c for c in label(token)).replace("\0", " ").split())
