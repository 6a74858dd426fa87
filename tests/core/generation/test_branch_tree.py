"""The branch tree: the loop's own numbers, nothing asked twice, the right account of every branch."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lm_core import InvalidInput, Transformer
from lm_core.decoding.strategies import Strategy, strategy, uniforms
from lm_core.generation.branch_tree import MOST_TOKENS, BranchTree
from lm_core.generation.loop import ContextPolicy, Limits, run
from lm_core.generation.trace import FinishReason, Trace
from lm_core.models.table_model import ORDER_SHIPPED, TableModel
from lm_core.scoring.perplexity import score_continuation
from lm_core.serving import ServedModel
from tests.core.serving.test_served_model import Counting

Make = Callable[..., Transformer]
PROMPT = [3, 1, 4, 1, 5]
WARM = strategy(seed=5, temperature=1.4, top_k=20)


def generate(tree: BranchTree, plan: Strategy, steps: int) -> tuple[int, ...]:
    list(tree.run(plan, steps))
    return tree.here


def test_by_hand_on_the_articles_table() -> None:
    table = TableModel(ORDER_SHIPPED)
    tree = BranchTree(table, table.tokenizer.encode("Order shipped from the"))
    texts = [table.tokenizer.decode([*tree.prompt_ids, *tree.here]) for _ in tree.run(Strategy())]
    assert texts[:2] == ["Order shipped from the warehouse", "Order shipped from the warehouse."]
    assert tree.finish is FinishReason.END_TOKEN
    assert math.exp(tree.branches()[0].log_probability) == pytest.approx(0.85 * 0.80 * 1.0)
    with pytest.raises(InvalidInput, match="`step` must be taken before the text ends, but is 'end token'"):
        tree.step(Strategy())
    tree.move(1)
    with pytest.raises(InvalidInput, match="`token` must be possible in this place, but is 'hub'"):
        tree.take(table.tokenizer.encode("hub")[0], Strategy())


@pytest.mark.parametrize("plan", [Strategy(), WARM, strategy("llama.cpp", 9, temperature=0.7, repetition_penalty=1.3)])
def test_stepping_is_the_loop_one_turn_at_a_time(make_tiny: Make, plan: Strategy) -> None:
    tiny = make_tiny()
    whole = run(tiny, PROMPT, plan, Limits(20))
    tree = BranchTree(tiny, PROMPT, Limits(20))
    assert generate(tree, plan, 99) == whole.ids
    trace = tree.trace()
    assert (trace.finish, trace.text) == (whole.finish, whole.text)
    for mine, theirs in zip(trace.steps, whole.steps):
        assert (mine.u, mine.finish, mine.stages[0].possible) == (theirs.u, theirs.finish, theirs.stages[0].possible)
        assert mine.log_probability == pytest.approx(theirs.log_probability, abs=1e-5)


def test_step_n_draws_the_nth_number_however_one_got_there(make_tiny: Make) -> None:
    tree = BranchTree(make_tiny(), PROMPT)
    first = generate(tree, WARM, 8)
    tree.move(2)
    other = next(i for i in tree.look(WARM).shown if i != first[2])
    tree.take(other, WARM)
    generate(tree, WARM, 3)
    assert [step.u for step in tree.steps] == uniforms(5, 6)
    tree.move(2)
    assert generate(tree, WARM, 6) == first


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(["step", "back", "take", "again", "other seed"]), max_size=25))
def test_every_branch_keeps_the_chain_rule(make_tiny: Make, acts: list[str]) -> None:
    tiny = make_tiny()
    tree, plan = BranchTree(tiny, PROMPT, Limits(12)), WARM
    for number, act in enumerate(acts):
        if act == "back":
            tree.move(max(0, tree.at - 2))
        elif act == "again":
            tree.follow((), plan)
        elif act == "other seed":
            plan = strategy(seed=number, temperature=2.0)
        elif not tree.finish:
            tree.step(plan) if act == "step" else tree.take(tree.look(plan).shown[number % 5], plan)
    branches = tree.branches()
    assert len({branch.ids for branch in branches}) == len(branches)
    for branch in branches:
        scored = score_continuation(tiny, PROMPT, branch.ids)
        assert branch.log_probability == pytest.approx(scored.log_probability, abs=1e-4)
        assert 0 <= branch.by_hand <= len(branch.ids)


def test_branches_equal_scoring_on_the_pretrained_model(model: Transformer) -> None:
    ids = model.tokenizer.encode("The package left the")
    tree = BranchTree(ServedModel(model), ids)
    plan = strategy(seed=2, temperature=0.8, top_p=0.9)
    generate(tree, plan, 10)
    tree.move(4)
    tree.take(tree.look(plan).shown[3], plan)
    generate(tree, plan, 5)
    assert len(tree.branches()) == 2
    for branch in tree.branches():
        scored = score_continuation(model, ids, branch.ids)
        assert branch.log_probability == pytest.approx(scored.log_probability, abs=1e-4)


def test_nothing_is_read_twice(make_tiny: Make) -> None:
    """Back, forth and aside: each new place costs one token, each known one none."""
    counting = Counting(make_tiny())
    served = ServedModel(counting)  # type: ignore[arg-type]
    tree = BranchTree(served, PROMPT, recalls=served.recalls)
    generate(tree, WARM, 10)
    assert counting.read == [5, *[1] * 9]
    tree.look(WARM)
    assert counting.read[10:] == [1]
    tree.move(4)
    tree.look(WARM)
    tree.step(WARM)
    assert counting.read[11:] == []
    tree.move(4)
    tree.take(next(i for i in tree.look(WARM).shown if i != tree.path[4]), WARM)
    tree.look(WARM)
    assert counting.read[11:] == [1]


def test_a_followed_branch_has_the_figures_of_a_walked_one(make_tiny: Make) -> None:
    tiny = make_tiny()
    stepped, followed = BranchTree(tiny, PROMPT), BranchTree(tiny, PROMPT)
    generate(stepped, WARM, 9)
    followed.follow(stepped.path, WARM)
    assert (followed.path, followed.at) == (stepped.path, 9)
    for one, other in zip(stepped.steps, followed.steps):
        assert (one.id, one.proposed, one.u, other.by_hand) == (other.id, other.proposed, other.u, False)
        assert one.log_probability == pytest.approx(other.log_probability, abs=1e-5)


@pytest.mark.parametrize("policy", [ContextPolicy.TRUNCATE_LEFT, ContextPolicy.KEEP_PREFIX])
def test_in_a_small_window_walking_following_and_running_agree(make_tiny: Make, policy: ContextPolicy) -> None:
    tiny, limits = make_tiny(), Limits(40, policy=policy, keep=2, window=12)
    tree, followed = BranchTree(tiny, PROMPT, limits), BranchTree(tiny, PROMPT, limits)
    generate(tree, Strategy(), 99)
    assert tree.here == run(tiny, PROMPT, Strategy(), limits).ids
    assert len(tree.here) == 40
    assert len(tree.prompt_ids) + tree.at - len(tree.forgotten) <= 12
    followed.follow(tree.path, Strategy())
    for one, other in zip(tree.steps, followed.steps):
        assert one.log_probability == pytest.approx(other.log_probability, abs=1e-5)


def test_limits_move_and_windows_do_not(make_tiny: Make) -> None:
    tree = BranchTree(make_tiny(), PROMPT, Limits(3))
    generate(tree, Strategy(), 9)
    assert tree.finish is FinishReason.TOKEN_LIMIT
    tree.limit(Limits(5))
    assert tree.finish is None
    with pytest.raises(InvalidInput, match="`limits` must be of the same window and context policy"):
        tree.limit(Limits(5, window=16))
    with pytest.raises(InvalidInput, match="must be at most 64 tokens together"):
        tree.limit(Limits(60, policy=ContextPolicy.REJECT))


def test_what_was_taken_by_hand_is_told_apart(make_tiny: Make) -> None:
    tree = BranchTree(make_tiny(), PROMPT)
    narrow = strategy(seed=1, top_k=2)
    turn = tree.look(narrow)
    cut = next(i for i, logit in zip(turn.shown, turn.stages[-1].logits) if logit == -math.inf)
    step = tree.take(cut, narrow)
    assert step.by_hand
    assert step.drawn_log_probability == -math.inf
    assert math.isfinite(step.log_probability)
    assert tree.branches()[0].by_hand == 1
    assert Trace.from_json(tree.trace().to_json()) == tree.trace()


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ((99,), "`token id` must be a whole number from 0 to 30, but is 99"),
        ((1,) * (MOST_TOKENS + 1), "`tokens of a branch` must be a whole number from 0 to 512"),
        ((7, 1), "`branch` must be without tokens after its end"),
    ],
)
def test_refused_branches_leave_the_generation_as_it_was(make_tiny: Make, ids: tuple[int, ...], message: str) -> None:
    tree = BranchTree(make_tiny(), PROMPT, Limits(end_ids=frozenset({7})))
    before = generate(tree, WARM, 2)
    with pytest.raises(InvalidInput, match=message):
        tree.follow(ids, WARM)
    assert (tree.here, len(tree.branches())) == (before, 1)
