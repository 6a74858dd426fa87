"""Many users: against generation run for each of them, counts, and probabilities by the chain rule."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from lm_core import InvalidInput, Transformer
from lm_core.decoding.filters import Context
from lm_core.decoding.strategies import Strategy, strategy
from lm_core.generation import many_samples
from lm_core.models.table_model import ORDER_SHIPPED, TableModel
from lm_core.scoring.perplexity import score_continuation

Make = Callable[..., Transformer]
PROMPT = [3, 1, 4]


def last(*arguments: object, **named: object) -> tuple[many_samples.SampledText, ...]:
    *_, answers = many_samples.sample_texts(*arguments, **named)  # type: ignore[arg-type]
    return answers


def test_equals_one_user_at_a_time_without_shared_passes(make_tiny: Make) -> None:
    tiny = make_tiny()
    plan = strategy(seed=5, temperature=0.8, top_k=3)
    expected: Counter[tuple[int, ...]] = Counter()
    for user in range(12):
        generator, text = np.random.Generator(np.random.PCG64([5, user])), list(PROMPT)
        for _ in range(4):
            context = Context(text, len(PROMPT))
            text.append(plan.decide(tiny.next_logits([text])[0], context, generator).id)
        expected[tuple(text[len(PROMPT) :])] += 1
    answers = last(tiny, PROMPT, plan, users=12, tokens=4)
    assert Counter({answer.ids: answer.users for answer in answers}) == expected
    assert [answer.users for answer in answers] == sorted((answer.users for answer in answers), reverse=True)
    for answer in answers:
        scored = score_continuation(tiny, PROMPT, answer.ids).log_probability
        assert answer.log_probability == pytest.approx(scored, abs=1e-4)


def test_at_temperature_zero_all_get_the_same(make_tiny: Make) -> None:
    (only,) = last(make_tiny(), PROMPT, strategy(seed=1, temperature=0.0), users=30, tokens=5)
    assert (only.users, len(only.ids)) == (30, 5)


def test_every_step_is_reported_and_ended_texts_stay() -> None:
    model = TableModel(ORDER_SHIPPED)
    steps = list(
        many_samples.sample_texts(
            model, model.tokenizer.encode("Order shipped from the"), Strategy(), users=3, tokens=9
        )
    )
    assert [model.tokenizer.decode(step[0].ids) for step in steps] == ["warehouse", "warehouse.", "warehouse.</s>"]


def test_refusals(make_tiny: Make) -> None:
    with pytest.raises(InvalidInput, match="`users` must be a whole number from 1 to 100, but is 0"):
        last(make_tiny(), PROMPT, Strategy(), users=0, tokens=1)
    with pytest.raises(InvalidInput, match="`tokens` must be a whole number from 1 to 64, but is 65"):
        last(make_tiny(), PROMPT, Strategy(), users=1, tokens=65)
    with pytest.raises(InvalidInput, match="`prompt_ids` must be at least one token id"):
        last(make_tiny(), [], Strategy(), users=1, tokens=1)
