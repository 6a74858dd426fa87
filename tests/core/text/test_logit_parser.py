"""Pasted logits: what people paste, and one sentence for what cannot be read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_core import InvalidInput
from lm_core.text.logit_parser import MOST, parse_logits


@pytest.mark.parametrize(
    ("text", "names", "logits"),
    [
        ("3 1.5 -1", ("0", "1", "2"), (3, 1.5, -1)),
        ("[3.0, 1.5,\n -1e0]", ("0", "1", "2"), (3, 1.5, -1)),
        ("hub: 1.7\r\ndepot= -2", ("hub", "depot"), (1.7, -2)),
        ("regional hub 1.7\n<b>,  2", ("regional hub", "<b>"), (1.7, 2)),
        ("7 1.5\nseven 2", ("7", "seven"), (1.5, 2)),
        ("\n\n  a 1  \n\n b 2 ", ("a", "b"), (1, 2)),
        ("1; 2; 3", ("0", "1", "2"), (1, 2, 3)),
    ],
)
def test_by_hand(text: str, names: tuple[str, ...], logits: tuple[float, ...]) -> None:
    found = parse_logits(text)
    assert (found.names, found.logits) == (names, logits)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=50), st.sampled_from([" ", ", ", "\n", ";\n"]))
def test_numbers_come_back(values: list[float], between: str) -> None:
    assert parse_logits(between.join(map(repr, values))).logits == tuple(values)


@pytest.mark.parametrize(
    ("text", "came"),
    [
        ("", "0 of them"), ("5", "1 of them"), ("1 2 inf", "inf"), ("a nan\nb 1", "nan"), ("hub\ndepot", "hub"),
        ("a 1\nb two", "two"), ("1 " * (MOST + 1), "10,001 of them"), ("1 " * 10**6, "2,000,000 characters"),
    ],
)  # fmt: skip
def test_refusals(text: str, came: str) -> None:
    with pytest.raises(InvalidInput, match=f"`logits` must be .*, but is '.*{came}"):
        parse_logits(text)
