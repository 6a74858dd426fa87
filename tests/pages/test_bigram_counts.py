"""Counted pairs without a browser: real prose, smoothing, texts of one's own, and files that are none."""

import csv
import io
import re
from collections.abc import Callable

import pandas as pd
import pytest

from lm_core.models.ngrams.count_table import CountedCorpus
from lm_core.text.corpus import python_topics
from tests.pages.opening import components, open_page, said, send
from tests.pages.touching import choose

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


@pytest.mark.usefixtures("_folds_open")
def test_real_prose_is_searched_counted_and_exported(downloads: dict[str, Callable[[], bytes]]) -> None:
    app = open_page("bigram_counts", corpus="python", find="lambda")
    rows = components(app)["counts"]["rows"]
    assert "lambda" in rows[0]["label"]
    topics = python_topics()
    counted = CountedCorpus(topics, topics.tokenizer("word"))
    counts = counted.counts(2)
    assert rows[0]["total"] == counts.total(counted.tokenizer.encode(rows[0]["label"]))
    assert f"the exports below hold all {counts.distinct:,}." in said(app)
    table = list(csv.DictReader(io.StringIO(downloads["CSV, all"]().decode("utf-8-sig"))))
    assert (len(table), sum(int(row["count"]) for row in table)) == (counts.distinct, counts.events)
    assert len(pd.read_parquet(io.BytesIO(downloads["Parquet, all"]()))) == counts.distinct


@pytest.mark.usefixtures("_folds_open")
def test_smoothing_orders_and_blindness() -> None:
    app = open_page("bigram_counts", corpus="log")
    text = said(app)
    assert "The best k tried is" in text
    assert app.get("plotly_chart")
    for words in ("the same row", "different rows"):
        assert words in text
    taught = re.search(r"package → vanished 0 of (\d+) 1 of \d+ parcel → vanished 0 of (\d+) 0 of (\d+)", text)
    assert taught
    assert taught.group(2) == taught.group(3)


@pytest.mark.long("counts 16 MB")
def test_sixteen_megabytes_and_one_long_line() -> None:
    prose = "\n".join(python_topics().lines)
    app = open_page("bigram_counts", corpus="own")
    app.get("file_uploader")[0].set_value(("big.txt", (prose * 40).encode()[:16_000_000], "text/plain")).run()
    assert not app.exception
    grid = components(app)["counts"]
    assert re.search("of 4,[34][0-9]{2} contexts", grid["caption"])
    send(app, "counts", pick={"row": grid["rows"][3]["key"], "next": None})
    assert components(app)["counts"]["row"] == grid["rows"][3]["key"]
    long = (prose.replace("\n", " ") * 12).encode()[:5_000_000]
    app.get("file_uploader")[0].set_value(("long.txt", long, "text/plain")).run()
    assert components(app)["counts"]["caption"].startswith("Counts of pairs: the 12 most frequent")


@pytest.mark.usefixtures("_folds_open")
def test_of_one_sentence_nothing_can_be_held_out() -> None:
    app = open_page("bigram_counts", corpus="own", text="one sentence alone")
    assert "One sentence alone: nothing can be held out." in said(app)


def test_the_link_keeps_k_to_its_last_digit() -> None:
    app = open_page("bigram_counts", corpus="log", k="0.12345")
    assert app.query_params["k"] == "0.12345"
    assert components(open_page("bigram_counts", **app.query_params))["counts"] == components(app)["counts"]


def test_a_text_of_ones_own_is_counted_anew_by_other_tokens() -> None:
    app = open_page("bigram_counts", corpus="own", text="ab ba")
    assert {row["label"] for row in components(app)["counts"]["rows"]} == {"<bos>", "ab", "ba"}
    choose(app, "Characters")
    assert {row["label"] for row in components(app)["counts"]["rows"]} >= {"a", "b"}
