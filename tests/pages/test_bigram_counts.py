"""Counted pairs without a browser: texts of one's own, and files that are none."""

import pytest

from tests.pages.opening import components, open_page, said

FILES = {
    "binary": (b"\x89PNG\r\n\x1a\n\x00\x01", "is not UTF-8 text: byte 0x89 at offset 0"),
    "null bytes": (b"one two\x00three", "is not text: a null byte at offset 7"),
    "utf-16": ("left hub".encode("utf-16"), "is UTF-16 text. To fix this: save it as UTF-8."),
    "a bad byte": (b"package left caf\xe9", "is not UTF-8 text: byte 0xE9 at offset 16"),
    "empty": (b"", "holds no text. To fix this: give at least one line with a word in it."),
    "blank": (b"\n \r\n\n", "holds no text. To fix this: give at least one line with a word in it."),
}


@pytest.mark.parametrize("kind", FILES)
def test_files_that_are_no_text_get_a_sentence(kind: str) -> None:
    content, sentence = FILES[kind]
    app = open_page("bigram_counts", corpus="own")
    app.get("file_uploader")[0].set_value(("notes.txt", content, "text/plain")).run()
    assert f"notes.txt {sentence}" in said(app)
    assert "the package left the hub" in app.text_area[0].value


@pytest.mark.usefixtures("_folds_open")
@pytest.mark.parametrize(
    ("content", "find", "pair"),
    [
        (b"one", "", ("<bos>", "one")),
        (b"a b\r\na c\r\n", "", ("a", "b")),
        (b"a b\na c", "", ("a", "c")),
        (" ".join(f"w{i}" for i in range(500)).encode(), "w0", ("w0", "w1")),
    ],
    ids=["one word", "CRLF", "no final newline", "all unique"],
)
def test_odd_texts_are_counted(content: bytes, find: str, pair: tuple[str, str]) -> None:
    app = open_page("bigram_counts", corpus="own", **({"find": find} if find else {}))
    app.get("file_uploader")[0].set_value(("odd.txt", content, "text/plain")).run()
    assert not app.exception
    assert "A file or a long text is not part of a link" in said(app)
    assert "The text gets smoother because it copies." in said(app)
    grid = components(app)["counts"]
    names = [token["label"] for token in grid["tokens"]]
    row = next(row for row in grid["rows"] if row["label"] == pair[0])
    assert row["counts"][names.index(pair[1])] == 1
