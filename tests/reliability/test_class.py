"""A small class on the real server: everybody gets their own answers, the model is loaded once, nothing fails."""

import asyncio
import json

import pytest

from tests.browser.server import Server
from tests.reliability import cases
from tests.reliability.visitors import Visitor, p95, run, run_class


@pytest.mark.long("thirty visitors type")
def test_a_class_types_at_once(server: Server) -> None:
    number = cases(8, 30)
    found = run(run_class(server.url, number, words=1))
    assert found.failures == []
    assert len(found.opened) == len(found.burst) == number
    assert len(found.steady) > 3 * number
    assert json.loads(server.get("/ready")[1])["loads"] == 1
    assert "Traceback" not in server.log.read_text()


def test_everybody_gets_the_answer_to_their_own_text(server: Server) -> None:
    """Capitals asked for in one instant: each visitor sees theirs as likeliest, not a neighbour's."""
    capitals = {"France": " Paris", "Italy": " Rome", "Germany": " Berlin", "Japan": " Tokyo", "Cuba": " Havana"}

    async def visit() -> list[str]:
        group = [Visitor(server.url, number) for number in range(len(capitals))]
        await asyncio.gather(*(visitor.open() for visitor in group))
        await asyncio.gather(*(v.type(f"The capital of {land} is") for v, land in zip(group, capitals)))
        found = [json.loads(visitor.texts["next_token_bars"])["rows"][0]["label"] for visitor in group]
        for visitor in group:
            await visitor.close()
        return found

    assert [label.replace("·", " ") for label in run(visit())] == list(capitals.values())


def test_p95_is_the_value_that_19_of_20_do_not_exceed() -> None:
    assert p95([float(i) for i in range(1, 21)]) == 19.0
