"""What stands beside a figure gives that figure: each part's product is multiplied out, for every preset and engine."""

import re

import pytest

from lm_core.errors import InvalidInput
from lm_core.kv_sizing import ENGINES, Scenario, Sizing, engine, mistakes, names, preset, size
from lm_core.kv_sizing.report import html_page

UNITS = r"(block tables?|blocks?|layers|tokens|cells|slots|rows|KV heads|B)\b"


def product(formula: str) -> float:
    """The value of "2 x 32 layers x 8,192 tokens x (512 + 64) x 2 B"; what follows a semicolon explains a factor."""
    plain = re.sub(UNITS, "", formula.split(";")[0]).replace(",", "").replace(" x ", " * ")
    plain = plain.replace(" x ", " * ").rstrip(" x")
    assert re.fullmatch(r"[\d\s+*/().x]+", plain), formula
    return float(eval(plain.replace("x", "*")))  # nothing but digits and signs, as the line before says


def sized(name: str, kind: str, dtype: str) -> Sizing | None:
    """None where the engine says in a sentence that it cannot hold this."""
    try:
        return size(preset(name), 5000, 3, dtype, engine=kind)
    except InvalidInput:
        return None


@pytest.mark.parametrize("kind", ENGINES)
def test_every_part_shows_the_product_that_gives_its_bytes(kind: str) -> None:
    tried = 0
    for name in names():
        for dtype in ENGINES[kind].dtypes:
            if sizing := sized(name, kind, dtype):
                for line in sizing.lines:
                    assert product(line.formula) == line.bytes, (name, dtype, line)
                tried += 1
    assert tried > len(names())


def test_a_product_by_hand() -> None:
    assert product("3 x 32 layers x 8,192 tokens x 2 x 8 KV heads x 128 x 2 B") == 3 * 32 * 8192 * 2 * 8 * 128 * 2
    assert product("2 layers x (1,024 x 4 B + 64 x 3 x 2 B); a layer keeps 9 x 9 B") == 2 * (4096 + 384)


@pytest.mark.parametrize("kind", ENGINES)
def test_every_preset_in_every_type_has_a_whole_answer(kind: str) -> None:
    """All that the page draws of a model, for each type that its engine stores: nothing of it ends in an error."""
    profile, tried = engine(kind), 0
    for name in names():
        for dtype in profile.dtypes:
            if sizing := sized(name, kind, dtype):
                tried += 1
                assert all(each.bytes > 0 for each in mistakes(sizing))
        assert "KV cache of" in html_page.html_report(Scenario(preset(name), 5000, engine=profile), "2026-01-01")
    assert tried >= len(names())
