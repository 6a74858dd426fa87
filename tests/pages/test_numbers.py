"""How probabilities are written: never rounded to 0 or to 100."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.shared.markup import percent


@pytest.mark.parametrize(
    ("p", "shown"),
    [
        (0.7725, "77.2 %"),
        (0.0645, "6.45 %"),
        (1e-4, "0.01 %"),
        (9e-5, "< 0.01 %"),
        (0.99999, "> 99.99 %"),
        (1.0, "100 %"),
    ],
)
def test_by_hand(p: float, shown: str) -> None:
    assert percent(p) == shown


@given(st.floats(0, 1, exclude_min=True, exclude_max=True), st.integers(2, 6))
def test_small_is_never_zero_and_large_never_all(p: float, digits: int) -> None:
    shown = percent(p, digits)
    number = float(shown.removeprefix("< ").removeprefix("> ").removesuffix(" %"))
    assert number > 0
    assert number < 100 or shown.startswith(">")
