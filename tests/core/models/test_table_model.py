"""The hand-written table: the article's greedy loop, sampling from it, and what it does not know."""

import math

import pytest

from lm_core import InvalidInput
from lm_core.decoding.strategies import Strategy, strategy
from lm_core.errors import PromptError
from lm_core.generation.loop import Limits, run
from lm_core.generation.trace import FinishReason
from lm_core.models.table_model import ORDER_SHIPPED, TableModel


@pytest.fixture
def table() -> TableModel:
    return TableModel(ORDER_SHIPPED)


def test_the_articles_greedy_loop(table: TableModel) -> None:
    """Two words, then the end token at the last allowed step: the end token counts first."""
    start = table.tokenizer.encode("Order shipped from the")
    trace = run(table, start, Strategy(), Limits(max_new_tokens=3))
    texts = [table.tokenizer.decode([*start, *trace.ids[: n + 1]]) for n in range(2)]
    assert texts == ["Order shipped from the warehouse", "Order shipped from the warehouse."]
    assert (trace.finish, len(trace.steps)) == (FinishReason.END_TOKEN, 3)
    assert math.exp(trace.log_probability) == pytest.approx(0.68, abs=1e-12)


def test_sampling_follows_the_row(table: TableModel) -> None:
    start = table.tokenizer.encode("Order shipped from the")
    words = [
        table.tokenizer.decode(run(table, start, strategy(seed=seed), Limits(max_new_tokens=1)).ids)
        for seed in range(400)
    ]
    assert set(words) == {"warehouse", "store", "hub"}
    assert 0.8 < words.count("warehouse") / 400 < 0.9


def test_rows_are_the_probabilities(table: TableModel) -> None:
    from lm_core import Distribution

    belief = Distribution(table.next_logits([table.tokenizer.encode("Order shipped from the")])[0])
    shown = {table.tokenizer.decode([row.id]): row.probability for row in belief.top(3)}
    assert shown == {"warehouse": pytest.approx(0.85), "store": pytest.approx(0.10), "hub": pytest.approx(0.05)}


def test_what_it_does_not_know(table: TableModel) -> None:
    with pytest.raises(InvalidInput, match="`context` must be one of the table's texts"):
        table.next_logits([table.tokenizer.encode("Order shipped")])
    with pytest.raises(InvalidInput, match="`ids` must be at least one sequence"):
        table.next_logits([])
    with pytest.raises(PromptError, match="'The' is none"):
        table.tokenizer.encode("The parcel")
    with pytest.raises(InvalidInput, match="`table` must be a row that sums to 1 for 'a'"):
        TableModel({"a": {"b": 0.5}})
    with pytest.raises(InvalidInput, match="`token_id` must be a whole number from 0 to"):
        table.tokenizer.decode([99])
