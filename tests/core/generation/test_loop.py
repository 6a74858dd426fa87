"""The loop: against transformers' generate, with and without the cache, every reason to stop, every policy."""

import json
import math
from collections.abc import Callable
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lm_core import InvalidInput, Transformer
from lm_core.decoding.strategies import Strategy, strategy
from lm_core.generation.loop import ContextPolicy, Limits, cut_at_policy, cut_at_stop, generate, run
from lm_core.generation.trace import FinishReason, Trace
from tests.authority import Authority

Make = Callable[..., Transformer]
GREEDY = Strategy()
PROMPT = [3, 1, 4, 1, 5]


@pytest.mark.long("the readable model writes 200 tokens")
def test_greedy_equals_transformers_generate(model: Transformer, authority: Authority) -> None:
    for text in ("The capital of France is", "Once upon a time", "def add(a, b):\n"):
        ids = model.tokenizer.encode(text)
        trace = run(model, ids, GREEDY, Limits(max_new_tokens=24))
        assert list(trace.ids) == authority.generate(ids, 24)


def test_greedy_with_a_repetition_penalty_equals_transformers(model: Transformer, authority: Authority) -> None:
    ids = model.tokenizer.encode("Order shipped from the")
    trace = run(model, ids, strategy(repetition_penalty=1.3), Limits(max_new_tokens=24))
    assert list(trace.ids) == authority.generate(ids, 24, penalty=1.3)


def test_a_chat_turn_ends_with_the_models_own_end_token(model: Transformer) -> None:
    from lm_core.text.prompt import chat_turn

    trace = run(model, model.tokenizer.encode(chat_turn("What is the capital of France?")), GREEDY)
    assert trace.finish is FinishReason.END_TOKEN
    assert model.tokenizer.decode([trace.ids[-1]]) == "<|im_end|>"
    assert "Paris" in trace.text


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_with_and_without_the_cache(make_tiny: Make, seed: int) -> None:
    tiny = make_tiny()
    plan = strategy(seed=seed, temperature=1.3, top_k=12)
    cached, plain = (run(tiny, PROMPT, plan, Limits(30), use_cache=use) for use in (True, False))
    assert cached.ids == plain.ids
    for one, other in zip(cached.steps, plain.steps):
        assert one.u == other.u
        assert one.log_probability == pytest.approx(other.log_probability, abs=1e-5)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_same_seed_gives_the_same_trace(make_tiny: Make, seed: int) -> None:
    tiny = make_tiny()
    plan = strategy(seed=seed, temperature=1.5)
    assert run(tiny, PROMPT, plan, Limits(8)).ids == run(tiny, PROMPT, plan, Limits(8)).ids


def test_figures_of_a_step_are_the_models(make_tiny: Make) -> None:
    """Chain rule: the steps' log-probabilities are those of scoring the finished text."""
    from lm_core.scoring.perplexity import score_continuation

    tiny = make_tiny()
    trace = run(tiny, PROMPT, strategy(seed=5, temperature=2.0, top_k=9), Limits(12))
    scored = score_continuation(tiny, PROMPT, trace.ids)
    assert trace.log_probability == pytest.approx(scored.log_probability, abs=1e-4)
    for step, row in zip(trace.steps, scored.rows):
        assert step.id == row.id
        assert [stage.name for stage in step.stages] == ["logits", "Temperature", "TopK"]
        last = step.stages[-1]
        listed = sum(math.exp(ln_p) for ln_p in last.log_probabilities)
        assert listed + last.rest.probability == pytest.approx(1, abs=1e-9)
        assert step.drawn_log_probability == pytest.approx(last.log_probabilities[step.shown.index(step.id)])
        assert (last.possible, step.by_hand) == (9, False)
    assert [step.position for step in trace.steps] == list(range(5, 17))


def test_reasons_to_stop_in_their_order(make_tiny: Make) -> None:
    tiny = make_tiny()
    first, second = run(tiny, PROMPT, GREEDY, Limits(2)).ids
    letter = tiny.tokenizer.decode([first])
    end, both = frozenset({first}), tiny.tokenizer.decode([first, second])

    def finish(**limits: object) -> FinishReason:
        return run(tiny, PROMPT, GREEDY, Limits(**{"max_new_tokens": 1, **limits})).finish  # type: ignore[arg-type]

    assert finish(end_ids=end, stop_strings=(letter,)) is FinishReason.END_TOKEN
    assert finish(stop_strings=(letter,)) is FinishReason.STOP_STRING
    assert finish() is FinishReason.TOKEN_LIMIT
    over_the_seam = run(tiny, PROMPT, GREEDY, Limits(9, stop_strings=(both,)))
    assert (over_the_seam.finish, len(over_the_seam.ids), over_the_seam.text) == (FinishReason.STOP_STRING, 2, "")
    full = run(tiny, [1] * 60, GREEDY, Limits(50))
    assert (full.finish, len(full.ids)) == (FinishReason.CONTEXT_FULL, 5)
    assert run(tiny, [1] * 60, GREEDY, Limits(5)).finish is FinishReason.TOKEN_LIMIT
    assert finish(policy_words=(letter,), stop_strings=(letter,)) is FinishReason.POLICY
    assert finish(policy_words=(letter,), end_ids=end) is FinishReason.END_TOKEN
    narrow = run(tiny, PROMPT, GREEDY, Limits(50, window=8))
    assert (narrow.finish, len(narrow.ids)) == (FinishReason.CONTEXT_FULL, 4)


def test_a_policy_withholds_its_word_however_it_is_written(make_tiny: Make) -> None:
    tiny = make_tiny()
    first, second, third = run(tiny, PROMPT, GREEDY, Limits(3)).ids
    word = tiny.tokenizer.decode([second, third])
    trace = run(tiny, PROMPT, GREEDY, Limits(9, policy_words=("no such word", word)))
    assert (trace.finish, len(trace.ids), trace.text) == (FinishReason.POLICY, 3, tiny.tokenizer.decode([first]))
    assert cut_at_policy("A Refund.", ["refund"]) == ("A ", True)
    assert cut_at_policy("x.y", ["xzy", "x.y"]) == ("", True)


def test_cancelling_ends_before_the_next_step(make_tiny: Make) -> None:
    turn = count()
    trace = run(make_tiny(), PROMPT, GREEDY, Limits(50), cancelled=lambda: next(turn) >= 3)
    assert (trace.finish, len(trace.ids)) == (FinishReason.CANCELLED, 3)
    assert run(make_tiny(), PROMPT, GREEDY, cancelled=lambda: True).ids == ()


@pytest.mark.parametrize("policy", [ContextPolicy.TRUNCATE_LEFT, ContextPolicy.KEEP_PREFIX])
@pytest.mark.parametrize("use_cache", [True, False])
def test_forgetting_goes_on_past_the_context(make_tiny: Make, policy: ContextPolicy, use_cache: bool) -> None:
    """What is seen after forgetting is what a fresh start on the remembered ids sees."""
    tiny = make_tiny(context_length=16)
    prompt = list(range(12))
    trace = run(tiny, prompt, GREEDY, Limits(30, policy=policy, keep=3), use_cache)
    assert (trace.finish, len(trace.ids)) == (FinishReason.TOKEN_LIMIT, 30)
    seen = [*prompt]
    for step in trace.steps:
        assert step.id == int(tiny.next_logits([seen])[0].argmax())
        if len(seen) == 16:
            keep = 3 if policy is ContextPolicy.KEEP_PREFIX else 0
            rest = seen[keep:]
            seen = [*seen[:keep], *rest[(len(rest) + 1) // 2 :]]
        seen.append(step.id)


@pytest.mark.long("the readable model writes 64 tokens")
def test_a_trace_survives_json_and_stays_small(model: Transformer) -> None:
    ids = model.tokenizer.encode("The package left the")
    limits = Limits(64, end_ids=frozenset())
    trace = run(model, ids, strategy(seed=1, temperature=1.2, top_k=200, top_p=0.95, min_p=0.001), limits)
    text = trace.to_json()
    assert Trace.from_json(text) == trace
    assert len(text.encode()) < 1_000_000
    assert len(trace.steps) == 64
    assert json.loads(text)["finish"] == "token limit"


def test_cut_at_stop_takes_the_earliest() -> None:
    assert cut_at_stop("a\nUser: b", ["User:", "\n"]) == ("a", True)
    assert cut_at_stop("plain", ["\n"]) == ("plain", False)


def test_each_step_is_yielded_before_the_next_is_computed(make_tiny: Make) -> None:
    steps = generate(make_tiny(), PROMPT, GREEDY, Limits(50))
    assert math.isfinite(next(steps).seconds)
    steps.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("prompt", "limits", "message"),
    [
        ([], {}, "`prompt_ids` must be at least one token id"),
        ([1] * 65, {}, "`tokens in the prompt` must be a whole number from 1 to 64, but is 65"),
        ([1] * 60, {"policy": ContextPolicy.REJECT, "max_new_tokens": 5}, "must be at most 64 tokens together"),
        ([1], {"policy": ContextPolicy.KEEP_PREFIX, "keep": 63}, "`keep` must be a whole number from 0 to 62"),
        ([1], {"max_new_tokens": 0}, "`max_new_tokens` must be a whole number >= 1"),
        ([1], {"stop_strings": ("",)}, "`stop_strings` must be texts of at least one character"),
        ([1], {"stop_strings": ("x" * 10_000,)}, "`stop_strings` must be texts of at most 200 characters"),
        ([1], {"policy_words": ("",)}, "`policy_words` must be texts of at least one character"),
        ([1], {"window": 1}, "`window` must be a whole number >= 2, but is 1"),
        ([1] * 9, {"window": 8}, "`tokens in the prompt` must be a whole number from 1 to 8, but is 9"),
        ([99], {}, "`token id` must be a whole number from 0 to 30"),
    ],
)
def test_refusals(make_tiny: Make, prompt: list[int], limits: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        run(make_tiny(), prompt, GREEDY, Limits(**limits))  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"steps":[{}],"prompt_ids":[],"finish":"x","text":""}'])
def test_broken_traces_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"`trace` must be JSON written by Trace\.to_json"):
        Trace.from_json(text)
