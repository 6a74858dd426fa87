"""CSV tables: by hand, against Python's own reader, and no cell that any spreadsheet takes for a formula."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from lm_core.csv_table import csv_table

SIGNS = "=+-@＝＋－＠\t\r\n"


def cells(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def test_by_hand() -> None:
    made = csv_table(["token", "p"], [["=1+1", -0.25], ["＝SUM(A1)", 1e-300], ["\t=1", 2], ["a,b", 0.1]])
    assert cells(made) == [
        ["token", "p"], ["'=1+1", "-0.25"], ["'＝SUM(A1)", "1e-300"], ["'\t=1", "2"], ["a,b", "0.1"],
    ]  # fmt: skip


@given(st.lists(st.tuples(st.text(), st.floats(allow_nan=False)), max_size=5))
def test_text_comes_back_behind_at_most_an_apostrophe_and_numbers_to_the_bit(rows: list[tuple[str, float]]) -> None:
    read = cells(csv_table(["a", "b"], rows))[1:]
    assert [float(number) for _, number in read] == [number for _, number in rows]
    for (name, _), (text, _) in zip(read, rows):
        assert name.removeprefix("'") == text.removeprefix("'")
        assert not name.startswith(tuple(SIGNS))
