"""The generation loop: predict, choose, append, check whether to stop.

Yields one record a token. Of several reasons to stop that hold at once the first of this list counts: end token,
policy interruption, stop string, token limit, context full. Cancellation is checked before each step.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lm_core.decoding.filters import Context
from lm_core.decoding.strategies import Strategy
from lm_core.errors import InvalidInput, whole_number
from lm_core.generation.context_window import ContextPolicy, forgotten
from lm_core.generation.trace import FinishReason, Step, Trace
from lm_core.models import LanguageModel

if TYPE_CHECKING:
    from lm_core.models.kv_cache import KVCache

__all__ = ["ContextPolicy", "Limits", "check_room", "finish_reason", "generate", "run"]

LONGEST_TEXT = 200
"""Characters of a stop string or of a policy's word."""


@dataclass(frozen=True)
class Limits:
    """When generation ends, other than by the model's own end token."""

    max_new_tokens: int = 64
    """Counts generated tokens only, not the prompt."""
    stop_strings: tuple[str, ...] = ()
    """Text that ends generation wherever it appears in what was generated, also across tokens."""
    policy_words: tuple[str, ...] = ()
    """Text that a policy does not let out, in capitals or not, also inside a word; it interrupts generation."""
    end_ids: frozenset[int] | None = None
    """Tokens that end generation; None: the model's own."""
    policy: ContextPolicy = ContextPolicy.STOP
    keep: int = 0
    window: int | None = None
    """Most tokens the model is shown; None: as many as it can read."""

    def __post_init__(self) -> None:
        whole_number("max_new_tokens", self.max_new_tokens, 1)
        whole_number("keep", self.keep, 0)
        if self.window is not None:
            whole_number("window", self.window, 2)
        for name, texts in (("stop_strings", self.stop_strings), ("policy_words", self.policy_words)):
            if any(not text for text in texts):
                raise InvalidInput(name, "texts of at least one character", texts)
            for text in texts:
                if len(text) > LONGEST_TEXT:
                    raise InvalidInput(name, f"texts of at most {LONGEST_TEXT} characters", f"a text of {len(text):,}")

    def room(self, model: LanguageModel) -> int | None:
        """Most tokens that `model` is shown under these limits; None if there is no bound."""
        bounds = [bound for bound in (model.context_length, self.window) if bound is not None]
        return min(bounds, default=None)


def generate(
    model: LanguageModel,
    prompt_ids: Sequence[int],
    strategy: Strategy,
    limits: Limits | None = None,
    use_cache: bool = True,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[Step]:
    """Yields one Step a token; the last one names why it ended, unless generation was cancelled.

    With the cache each step reads one token, without it the whole context; the numbers are the same.
    """
    limits = limits or Limits()
    check_room(model, prompt_ids, limits)
    generator = strategy.generator()
    window = _Window(model, list(prompt_ids), limits, use_cache)
    generated: list[int] = []
    while not cancelled():
        start = time.perf_counter()
        logits = window.predict()
        context = Context([*prompt_ids, *generated], len(prompt_ids))
        decision = strategy.decide(logits, context, generator)
        generated.append(decision.id)
        finish = finish_reason(model, len(prompt_ids), generated, limits)
        yield Step.of(decision, len(prompt_ids) + len(generated) - 1, time.perf_counter() - start, finish)
        if finish:
            return
        window.append(decision.id)


def run(
    model: LanguageModel,
    prompt_ids: Sequence[int],
    strategy: Strategy,
    limits: Limits | None = None,
    use_cache: bool = True,
    cancelled: Callable[[], bool] = lambda: False,
) -> Trace:
    """`generate` from beginning to end, as one Trace."""
    steps = tuple(generate(model, prompt_ids, strategy, limits, use_cache, cancelled))
    finish = (steps[-1].finish if steps else None) or FinishReason.CANCELLED
    text = delivered(model.tokenizer.decode([step.id for step in steps]), limits or Limits())
    return Trace(tuple(prompt_ids), steps, finish, text)


def cut_at_stop(text: str, stop_strings: Sequence[str]) -> tuple[str, bool]:
    """The text before the first stop string in it, and whether there is one.

    >>> cut_at_stop("Hello\\n\\nUser: hi", ["User:", "\\n\\n"])
    ('Hello', True)
    """
    found = [at for at in (text.find(stop) for stop in stop_strings) if at >= 0]
    return (text[: min(found)], True) if found else (text, False)


def cut_at_policy(text: str, words: Sequence[str]) -> tuple[str, bool]:
    """The text before the first of a policy's words, and whether there is one; capitals make no difference.

    >>> cut_at_policy("A Refund is due", ["refund"])
    ('A ', True)
    """
    found = re.search("|".join(map(re.escape, words)), text, flags=re.IGNORECASE) if words else None
    return (text[: found.start()], True) if found else (text, False)


def delivered(text: str, limits: Limits) -> str:
    """What a reader gets of a generated text: what stands before a stop string and before a policy's word."""
    return cut_at_policy(cut_at_stop(text, limits.stop_strings)[0], limits.policy_words)[0]


def check_room(model: LanguageModel, prompt_ids: Sequence[int], limits: Limits) -> None:
    """Refuses a prompt that is empty, or that has no room where the policy wants it."""
    if not prompt_ids:
        raise InvalidInput("prompt_ids", "at least one token id", prompt_ids)
    room = limits.room(model)
    if room is None:
        return
    whole_number("tokens in the prompt", len(prompt_ids), 1, room)
    if limits.policy is ContextPolicy.REJECT and len(prompt_ids) + limits.max_new_tokens > room:
        wanted = f"{len(prompt_ids)} + {limits.max_new_tokens}"
        raise InvalidInput("prompt and max_new_tokens", f"at most {room} tokens together", wanted)
    if limits.policy is ContextPolicy.KEEP_PREFIX:
        whole_number("keep", limits.keep, 0, room - 2)


def visible(model: LanguageModel, prompt_ids: Sequence[int], generated: Sequence[int], limits: Limits) -> list[int]:
    """The ids that the model is shown when it predicts what follows."""
    ids = [*prompt_ids, *generated]
    gone = forgotten(len(prompt_ids), len(generated), limits.room(model), limits.policy, limits.keep)
    return [*ids[: gone.start], *ids[gone.stop :]]


def finish_reason(
    model: LanguageModel, prompt_length: int, generated: Sequence[int], limits: Limits
) -> FinishReason | None:
    """Why generation ends after the last of these tokens, if it does."""
    if generated[-1] in (model.end_ids if limits.end_ids is None else limits.end_ids):
        return FinishReason.END_TOKEN
    if limits.policy_words or limits.stop_strings:
        text = model.tokenizer.decode(generated)
        if cut_at_policy(text, limits.policy_words)[1]:
            return FinishReason.POLICY
        if cut_at_stop(text, limits.stop_strings)[1]:
            return FinishReason.STOP_STRING
    if len(generated) >= limits.max_new_tokens:
        return FinishReason.TOKEN_LIMIT
    room = limits.room(model)
    full = room is not None and prompt_length + len(generated) > room
    return FinishReason.CONTEXT_FULL if full and not limits.policy.forgets else None


@dataclass
class _Window:
    """What the model is shown: the ids still remembered, and how many of them the cache already holds."""

    model: LanguageModel
    prompt_ids: list[int]
    limits: Limits
    use_cache: bool
    generated: list[int] = field(default_factory=list)
    cache: KVCache | None = field(init=False)

    def __post_init__(self) -> None:
        self.cache = self.model.new_cache() if self.use_cache else None
        self.ids = list(self.prompt_ids)

    def predict(self) -> Sequence[float]:
        if self.cache is None:
            row: Sequence[float] = self.model.next_logits([self.ids])[0]
        else:
            row = self.model.next_logits([self.ids[self.cache.length :]], [self.cache])[0]
        return row

    def append(self, token_id: int) -> None:
        self.generated.append(token_id)
        ids = visible(self.model, self.prompt_ids, self.generated, self.limits)
        if len(ids) <= len(self.ids):  # something was forgotten; positions move, so nothing cached still holds
            self.cache = self.model.new_cache() if self.use_cache else None
        self.ids = ids
