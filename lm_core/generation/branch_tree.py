"""A tree of the continuations tried from one prompt: one branch in view, and a position on it.

Each step is the loop's own step, taken one at a time, by the strategy or by hand. Step n of a branch always uses the
n-th number of the seed, so that going back and on again gives the same tokens, on any machine. Distributions already
computed are not computed again.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lm_core.decoding.filters import Context
from lm_core.decoding.strategies import Decision, Strategy
from lm_core.errors import InvalidInput, whole_number
from lm_core.generation.context_window import forgotten
from lm_core.generation.loop import Limits, check_room, delivered, finish_reason, visible
from lm_core.generation.trace import FinishReason, Step, Trace
from lm_core.models import LanguageModel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Ids = tuple[int, ...]
MOST_TOKENS = 512
"""Of one branch: a page shows each of them."""


@dataclass(frozen=True)
class Branch:
    """One continuation from the prompt to a token that nothing follows."""

    ids: Ids
    log_probability: float
    """ln P(ids | prompt), nats, by the chain rule."""
    shared: int
    """How many of its tokens it has in common with branches that were tried before it."""
    by_hand: int
    """How many of its tokens a person took against the strategy."""
    strategies: tuple[Strategy, ...]
    """Those that made its steps, in the order of their first step."""
    name: str = ""
    """What the search that found it is called, if one did."""

    @property
    def perplexity(self) -> float:
        """exp(-ln P / tokens)."""
        return math.exp(min(709.0, -self.log_probability / len(self.ids)))


class BranchTree:
    """Steps forth, back and aside through what a model may say after a prompt.

    >>> from lm_core.models.table_model import ORDER_SHIPPED, TableModel
    >>> model = TableModel(ORDER_SHIPPED)
    >>> tree = BranchTree(model, model.tokenizer.encode("Order shipped from the"))
    >>> [str(step.finish) for step in tree.run(Strategy())]
    ['None', 'None', 'end token']
    >>> tree.move(1)
    >>> _ = tree.take(model.tokenizer.encode("and")[0], Strategy())
    >>> [(model.tokenizer.decode(b.ids), round(b.log_probability, 3), b.by_hand) for b in tree.branches()]
    [('warehouse.</s>', -0.386, 0), ('warehouse and', -1.772, 1)]
    """

    def __init__(
        self,
        model: LanguageModel,
        prompt_ids: Sequence[int],
        limits: Limits | None = None,
        recalls: Callable[[Sequence[int]], bool] = lambda ids: False,
    ) -> None:
        """`recalls` says whether the model has an answer ready, whose time would say nothing about the model.

        Raises InvalidInput for a prompt that is empty or leaves no room.
        """
        self.model = model
        self.prompt_ids: Ids = tuple(prompt_ids)
        self.path: Ids = ()
        """The generated tokens of the branch in view."""
        self.at = 0
        """How many of them stand before the reader; the others lie ahead."""
        self._recalls = recalls
        self._steps: dict[Ids, Step] = {}
        self._made_by: dict[Ids, Strategy] = {}
        self._ways: dict[Ids, tuple[tuple[Strategy, ...], int]] = {}
        """How each place was last come to: by which strategies, and how many tokens were taken by hand."""
        self._named: dict[Ids, str] = {}
        self._latest: tuple[Ids, Strategy, Decision, float | None] | None = None
        self.limits = limits or Limits()
        check_room(model, self.prompt_ids, self.limits)

    def limit(self, limits: Limits) -> None:
        """Sets other limits. What the model sees must stay the same: another window needs another exploration."""
        if self._sight_of(limits) != self._sight_of(self.limits):
            raise InvalidInput("limits", "of the same window and context policy", limits)
        check_room(self.model, self.prompt_ids, limits)
        self.limits = limits

    def _sight_of(self, limits: Limits) -> object:
        return limits.room(self.model), (limits.policy, limits.keep) if limits.policy.forgets else None

    @property
    def sight(self) -> object:
        """What decides which tokens the model is shown; explorations of one prompt that differ in it are different."""
        return self._sight_of(self.limits)

    @property
    def here(self) -> Ids:
        """The generated tokens before the reader."""
        return self.path[: self.at]

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of the branch in view, those ahead included."""
        return tuple(self._steps[self.path[: i + 1]] for i in range(len(self.path)))

    @property
    def finish(self) -> FinishReason | None:
        """Why nothing follows the place of the reader, if so."""
        return finish_reason(self.model, len(self.prompt_ids), self.here, self.limits) if self.at else None

    @property
    def forgotten(self) -> range:
        """Positions that the model no longer sees when it predicts what follows the reader's place."""
        room = self.limits.room(self.model)
        return forgotten(len(self.prompt_ids), self.at, room, self.limits.policy, self.limits.keep)

    def look(self, strategy: Strategy) -> Step:
        """The turn that comes next, not yet taken: all distributions, and what the strategy would choose.

        A turn that was taken before with the same strategy comes from the record, with what was taken then.
        """
        ahead = self.path[: self.at + 1]
        if len(ahead) > self.at and self._made_by[ahead] == strategy:
            return self._steps[ahead]
        decision, seconds = self._decide(strategy)
        return Step.of(decision, self._position, seconds)

    def step(self, strategy: Strategy) -> Step:
        """Takes what the strategy chooses. Raises InvalidInput where the text has ended."""
        self._check_going_on()
        decision, seconds = self._decide(strategy)
        return self._append(Step.of(decision, self._position, seconds), strategy)

    def take(self, token_id: int, strategy: Strategy) -> Step:
        """Takes a token by hand. Raises InvalidInput for one that the model rules out."""
        self._check_going_on()
        whole_number("token id", token_id, 0, self.model.vocab_size - 1)
        decision, seconds = self._decide(strategy)
        if decision.raw.logits[token_id] == -math.inf:
            raise InvalidInput("token", "possible in this place", self.model.tokenizer.decode([token_id]))
        return self._append(Step.of(decision, self._position, seconds, taken=token_id), strategy)

    def move(self, at: int) -> None:
        """Goes to another place of the branch in view; what lies ahead stays."""
        self.at = whole_number("place", at, 0, len(self.path))

    def run(self, strategy: Strategy, most: int = MOST_TOKENS) -> Iterator[Step]:
        """Steps until the text ends, at most so many times; stopped in the middle, what was taken stays."""
        for _ in range(most):
            if self.finish:
                return
            step = self.step(strategy)
            yield replace(step, finish=self.finish)

    def follow(self, ids: Sequence[int], strategy: Strategy, name: str = "") -> None:
        """Puts this continuation in view, its end before the reader; what is new of it is read in one pass.

        `name` says which search found it, if one did.
        """
        path = tuple(ids)
        whole_number("tokens of a branch", len(path), 0, MOST_TOKENS)
        for token_id in path:
            whole_number("token id", token_id, 0, self.model.vocab_size - 1)
        for at in range(1, len(path)):
            if self._ends(path[:at]):
                raise InvalidInput("branch", "without tokens after its end", self.model.tokenizer.decode(path))
        known = next((at for at in range(len(path)) if path[: at + 1] not in self._steps), len(path))
        for at, row in zip(range(known, len(path)), self._rows(path, known)):
            decision = self._apply(row, path[:at], strategy)
            step = Step.of(decision, len(self.prompt_ids) + at, None, taken=path[at])
            if step.log_probability == -math.inf:
                raise InvalidInput("branch", "of tokens that are possible", self.model.tokenizer.decode(path))
            self._keep(path[: at + 1], step, strategy)
        self.path, self.at = path, len(path)
        if name:
            self._named[path] = name

    def branches(self) -> tuple[Branch, ...]:
        """Every continuation tried, in the order of their last steps' first visit."""
        inner = {ids[:-1] for ids in self._steps}
        found: list[Branch] = []
        for ids in (ids for ids in self._steps if ids not in inner):
            shared = max((_common(ids, other.ids) for other in found), default=0)
            found.append(self.branch(ids, shared))
        return tuple(found)

    def branch(self, ids: Ids, shared: int = 0) -> Branch:
        """The accounts of a continuation that was tried, also of the beginning of a longer one."""
        steps = [self._steps[ids[: i + 1]] for i in range(len(ids))]
        strategies, by_hand = self._ways[ids]
        joint = math.fsum(step.log_probability for step in steps)
        return Branch(ids, joint, shared, by_hand, strategies, self._named.get(ids, ""))

    def trace(self) -> Trace:
        """What stands before the reader, as a record of its own."""
        steps = list(self.steps[: self.at])
        finish = self.finish
        if steps:
            steps[-1] = replace(steps[-1], finish=finish)
        text = delivered(self.model.tokenizer.decode(self.here), self.limits)
        return Trace(self.prompt_ids, tuple(steps), finish or FinishReason.CANCELLED, text)

    @property
    def _position(self) -> int:
        return len(self.prompt_ids) + self.at

    def _ends(self, ids: Ids) -> bool:
        """Whether the model itself ended the text here; other limits may be moved later."""
        ends = self.model.end_ids if self.limits.end_ids is None else self.limits.end_ids
        return ids[-1] in ends

    def _check_going_on(self) -> None:
        if self.finish:
            raise InvalidInput("step", "taken before the text ends", str(self.finish))
        whole_number("tokens of a branch", self.at + 1, 1, MOST_TOKENS)

    def _append(self, step: Step, strategy: Strategy) -> Step:
        taken = (*self.here, step.id)
        self._keep(taken, step, strategy)
        self.path = self.path if self.path[: len(taken)] == taken else taken
        self.at = len(taken)
        return self._steps[taken]

    def _keep(self, taken: Ids, step: Step, strategy: Strategy) -> None:
        """Puts a step on record; the one that was last taken there counts."""
        if self._made_by.get(taken) != strategy:
            self._steps[taken], self._made_by[taken] = step, strategy
        strategies, by_hand = self._ways.get(taken[:-1], ((), 0))
        strategies = strategies if strategy in strategies else (*strategies, strategy)
        self._ways[taken] = strategies, by_hand + step.by_hand

    def _decide(self, strategy: Strategy) -> tuple[Decision, float | None]:
        """The decision at the reader's place, and how long it took."""
        if self._latest is None or self._latest[:2] != (self.here, strategy):
            ids = visible(self.model, self.prompt_ids, self.here, self.limits)
            known = self._recalls(ids)
            start = time.perf_counter()
            decision = self._apply(self.model.next_logits([ids])[0], self.here, strategy)
            self._latest = self.here, strategy, decision, None if known else time.perf_counter() - start
        return self._latest[2], self._latest[3]

    def _apply(self, logits: NDArray[np.floating], here: Ids, strategy: Strategy) -> Decision:
        context = Context([*self.prompt_ids, *here], len(self.prompt_ids))
        return strategy.decide(logits, context, strategy.generator(skip=len(here)))

    def _rows(self, path: Ids, first: int) -> Iterator[NDArray[np.floating]]:
        """Logits before each token of `path` from `first` on; as long as nothing is forgotten, one pass reads them."""
        at = first
        while at < len(path):
            sights = [visible(self.model, self.prompt_ids, path[:i], self.limits) for i in range(at, len(path))]
            grows = [len(sight) == len(sights[0]) + i for i, sight in enumerate(sights)]
            end = at + (grows.index(False) if False in grows else len(grows))
            cache = self.model.new_cache()
            if cache is None:
                yield from self.model.next_logits(sights[: end - at])
            else:
                yield self.model.next_logits([sights[0]], [cache])[0]
                if end > at + 1:
                    yield from self.model.logits(path[at : end - 1], cache)
            at = end


def _common(a: Ids, b: Ids) -> int:
    return next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
