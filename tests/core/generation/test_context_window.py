"""What is still seen: by hand, the article's 8,001 tokens, against the loop itself, and a property."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_core import InvalidInput, Transformer
from lm_core.decoding.strategies import Strategy
from lm_core.generation.context_window import ContextPolicy, Outcome, apply_policy, forgotten
from lm_core.generation.loop import Limits, run
from lm_core.generation.trace import FinishReason

Make = Callable[..., Transformer]


def test_by_hand() -> None:
    left, keep = ContextPolicy.TRUNCATE_LEFT, ContextPolicy.KEEP_PREFIX
    assert forgotten(4, 4, 8, left) == range(0)  # eight fit
    assert forgotten(4, 5, 8, left) == range(4)  # half of them goes before the ninth comes
    assert forgotten(4, 9, 8, left) == range(8)
    assert forgotten(4, 5, 8, keep, keep=2) == range(2, 5)
    assert forgotten(4, 99, None, left) == range(0)


def test_the_articles_8001_tokens() -> None:
    """7,001 and 1,000 generated make 8,001; the next token would be predicted from all of them."""
    ends = {policy: apply_policy(7_001, 1_001, 8_000, policy, keep=100) for policy in ContextPolicy}
    assert ends[ContextPolicy.REJECT] == Outcome(0, 0, 0)
    assert ends[ContextPolicy.STOP] == Outcome(1_000, 0, 8_000)
    assert ends[ContextPolicy.TRUNCATE_LEFT] == Outcome(1_001, 4_000, 4_001)
    assert ends[ContextPolicy.KEEP_PREFIX] == Outcome(1_001, 3_950, 4_051)


def test_token_1000_reads_the_prompt_and_999(make_tiny: Make) -> None:
    assert apply_policy(200, 1_000, 8_000, ContextPolicy.STOP) == Outcome(1_000, 0, 200 + 999)


@pytest.mark.parametrize("policy", list(ContextPolicy))
@pytest.mark.parametrize("wanted", [3, 12, 13, 14, 40])
def test_as_the_loop_does_it(make_tiny: Make, policy: ContextPolicy, wanted: int) -> None:
    tiny, prompt = make_tiny(), [3, 1, 4, 1]
    limits = Limits(wanted, policy=policy, keep=2, window=16, end_ids=frozenset())
    end = apply_policy(4, wanted, 16, policy, keep=2)
    if not end.generated:
        with pytest.raises(InvalidInput, match="at most 16 tokens together"):
            run(tiny, prompt, Strategy(), limits)
        return
    trace = run(tiny, prompt, Strategy(), limits)
    assert len(trace.ids) == end.generated
    assert trace.finish is (FinishReason.CONTEXT_FULL if end.generated < wanted else FinishReason.TOKEN_LIMIT)


@given(st.integers(2, 40), st.integers(1, 40), st.integers(0, 200), st.integers(0, 38), st.booleans())
def test_what_is_seen_always_fits(room: int, prompt: int, generated: int, keep: int, prefix: bool) -> None:
    prompt, keep = min(prompt, room), min(keep, room - 2)
    policy = ContextPolicy.KEEP_PREFIX if prefix else ContextPolicy.TRUNCATE_LEFT
    gone = forgotten(prompt, generated, room, policy, keep)
    assert 0 < prompt + generated - len(gone) <= room
    assert gone.stop < prompt + generated or not gone
    assert gone.start == (keep if prefix else 0)
