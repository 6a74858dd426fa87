"""A weighted grammar that generates messages whose true next-word distribution is known.

A rule lists alternatives as (weight, symbols). A symbol with a rule of its own is replaced by one of its alternatives,
independently of everything else; any other symbol is a word. Rules must not be recursive: the language is finite.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache, cached_property, lru_cache

import numpy as np

from lm_core.errors import InvalidInput

Rules = Mapping[str, Sequence[tuple[float, str]]]
Stack = tuple[str, ...]
END = ""
"""Stands for the end of the message among the next words."""


class Grammar:
    """A probabilistic context-free grammar (Booth and Thompson 1973) without recursion.

    >>> coin = Grammar({"MESSAGE": [(1, "heads up"), (3, "tails SIDE")], "SIDE": [(1, "up"), (1, "down")]})
    >>> coin.next_words(["tails"])
    {'up': 0.5, 'down': 0.5}
    >>> round(coin.entropy / math.log(2), 3), coin.mean_length
    (1.561, 3.0)
    """

    def __init__(self, rules: Rules, start: str = "MESSAGE") -> None:
        if start not in rules:
            raise InvalidInput("start", "a symbol with a rule", start)
        self.start = start
        self._rules: dict[str, list[tuple[float, Stack]]] = {}
        for symbol, alternatives in rules.items():
            weights = [weight for weight, _ in alternatives]
            if not weights or any(not (0 < weight < math.inf) for weight in weights):
                raise InvalidInput("rules", f"finite weights above 0 for {symbol!r}", weights)
            total = math.fsum(weights)
            self._rules[symbol] = [(weight / total, tuple(text.split())) for weight, text in alternatives]
        self._refuse_recursion()
        self._steps = lru_cache(maxsize=100_000)(self._expand)

    def _refuse_recursion(self) -> None:
        done: set[str] = set()

        def visit(symbol: str, above: Stack) -> None:
            if symbol in above:
                raise InvalidInput("rules", "free of recursion", " > ".join((*above, symbol)))
            if symbol in done or symbol not in self._rules:
                return
            for _, symbols in self._rules[symbol]:
                for part in symbols:
                    visit(part, (*above, symbol))
            done.add(symbol)

        for symbol in self._rules:
            visit(symbol, ())

    @cached_property
    def words(self) -> tuple[str, ...]:
        """All words, in the order of the rules."""
        found = (s for alternatives in self._rules.values() for _, symbols in alternatives for s in symbols)
        return tuple(dict.fromkeys(s for s in found if s not in self._rules))

    def sample(self, generator: np.random.Generator) -> list[str]:
        """Words of one message; one uniform number for each rule that is applied."""
        message: list[str] = []
        stack = [self.start]
        while stack:
            symbol = stack.pop()
            if symbol not in self._rules:
                message.append(symbol)
                continue
            alternatives = self._rules[symbol]
            chosen, u = 0, generator.random() - alternatives[0][0]
            while u >= 0 and chosen < len(alternatives) - 1:  # the last also takes what rounding left over
                chosen += 1
                u -= alternatives[chosen][0]
            stack.extend(reversed(alternatives[chosen][1]))
        return message

    def next_words(self, prefix: Sequence[str]) -> dict[str, float]:
        """True probabilities of every word that can follow, `END` among them; empty for a prefix of no message."""
        following: dict[str, float] = {}
        states = self._after(prefix)
        total = math.fsum(states.values())
        for stack, weight in states.items():
            for probability, word, _ in self._steps(stack):
                following[word] = following.get(word, 0.0) + weight / total * probability
        return following

    def probability(self, message: Sequence[str]) -> float:
        """Of a whole message, summed over all ways to derive it; 0 if there is none."""
        return math.fsum(
            weight * probability
            for stack, weight in self._after(message).items()
            for probability, word, _ in self._steps(stack)
            if word == END
        )

    def parses(self, message: Sequence[str]) -> bool:
        """Whether the grammar can say it."""
        return self.probability(message) > 0

    def _after(self, prefix: Sequence[str]) -> dict[Stack, float]:
        """What may still have to be said after the prefix: stacks of symbols and P(prefix, stack)."""
        states: dict[Stack, float] = {(self.start,): 1.0}
        for said in prefix:
            following: dict[Stack, float] = {}
            for stack, weight in states.items():
                for probability, word, rest in self._steps(stack):
                    if word == said and word != END:
                        following[rest] = following.get(rest, 0.0) + weight * probability
            states = following
        return states

    def _expand(self, stack: Stack) -> tuple[tuple[float, str, Stack], ...]:
        """(probability, first word, what is left to say) for every way to begin; `END` for an empty stack."""
        if not stack:
            return ((1.0, END, ()),)
        first, rest = stack[0], stack[1:]
        if first not in self._rules:
            return ((1.0, first, rest),)
        return tuple(
            (chosen * probability, word, left)
            for chosen, symbols in self._rules[first]
            for probability, word, left in self._steps((*symbols, *rest))
        )

    @cached_property
    def entropy(self) -> float:
        """Of a message, nats, exact if no message can be derived in two ways: the sum of all choices made."""
        return self._sum(lambda probability: -math.log(probability), lambda word: 0.0)

    @cached_property
    def mean_length(self) -> float:
        """Expected number of predictions in a message: its words and the end."""
        return self._sum(lambda probability: 0.0, lambda word: 1.0) + 1

    @property
    def cross_entropy(self) -> float:
        """The floor: the least mean loss any model can have on messages of this grammar, nats per token."""
        return self.entropy / self.mean_length

    def _sum(self, of_choice, of_word) -> float:  # type: ignore[no-untyped-def]
        """Expected sum, over one derivation, of a value for each choice and each word."""

        @cache
        def expected(symbol: str) -> float:
            if symbol not in self._rules:
                return float(of_word(symbol))
            return math.fsum(p * (of_choice(p) + math.fsum(map(expected, s))) for p, s in self._rules[symbol])

        return expected(self.start)


_CITIES = ("Lyon", "Oslo", "Porto", "Turin")

_CITIES = ("Lyon", "Oslo", "Porto", "Turin")

TRACKING = Grammar(
    {
        "MESSAGE": [(4, "LEFT"), (2, "VISIT"), (3, "ONE"), (3, "MANY"), (4, "HANDOVER"), (2, "ASK"), (2, "POLICY")],
        # Who left decides where from, two words later: a bigram cannot know.
        "LEFT": [(3, "the THING left the DEPOT ."), (1, "the THING left the DEPOT for CITY .")],
        "DEPOT": [(4, "regional hub"), (3, "local warehouse"), (2, "carrier depot"), (1, "sorting center")],
        "VISIT": [(2, "the customer left the PAGE page ."), (1, "the customer left the PAGE page before payment .")],
        "PAGE": [(5, "checkout"), (3, "order"), (2, "help")],
        "THING": [(4, "package"), (3, "parcel"), (2, "order"), (1, "letter")],
        "THINGS": [(4, "packages"), (3, "parcels"), (2, "orders"), (1, "letters")],
        # Singular or plural is remembered across words that do not say it.
        "ONE": [(1, "the THING ASIDE was FATE .")],
        "MANY": [(1, "the THINGS ASIDE were FATE .")],
        "ASIDE": [(5, "for CITY"), (3, "that we packed on DAY"), (2, "from CITY")],
        "FATE": [(5, "delivered on DAY"), (3, "delayed by WEATHER"), (2, "returned to CITY")],
        "WEATHER": [(3, "snow"), (2, "rain"), (1, "fog")],
        "DAY": [(1, day) for day in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")],
        "CITY": [(1, city) for city in _CITIES],
        # A city named once is named again.
        "HANDOVER": [(1, f"{city.upper()}") for city in _CITIES],
        **{
            city.upper(): [
                (2, f"the THING reached {city} on DAY , and {city} will ship it tomorrow ."),
                (1, f"the THING reached {city} on DAY , but {city} has no driver ."),
            ]
            for city in _CITIES
        },
        "ASK": [(3, "where is my THING ?"), (2, "when will my THINGS arrive ?"), (1, "can I change my address ?")],
        "POLICY": [(2, "refunds take NUMBER days ."), (1, "please send the receipt within NUMBER days .")],
        "NUMBER": [(4, "five"), (3, "ten"), (1, "thirty")],
    }
)
"""Tracking and support messages; made up, weights and all, for the lessons of this project."""
