"""A counted corpus as a table: a grid of counts, a row as a distribution, and the lines behind each count.

Contexts are tuples of token ids, the oldest first.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lm_core.errors import real_number, whole_number
from lm_core.models.ngrams.counts import NgramCounts
from lm_core.models.ngrams.model import AddK, NgramModel, Smoothing
from lm_core.text.corpus import BOS, EOS, SPECIAL, Corpus
from lm_core.text.tokenizers import Tokenizer, WordTokenizer

Ids = tuple[int, ...]
HIGHEST_ORDER = 5
BARE = AddK(0)
"""Counts as they are."""
HELD_OUT = 0.1
"""Share of the sentences kept for testing."""


class CountedCorpus:
    """A corpus as token ids, and its counts of every order, each made when it is first asked for.

    >>> from lm_core.text.corpus import SIX_MESSAGES
    >>> six = CountedCorpus(SIX_MESSAGES, SIX_MESSAGES.tokenizer("word"))
    >>> left = six.tokenizer.encode("left")
    >>> six.counts(2).total(left), six.with_words("package left depot").tokenizer.vocab_size
    (6, 10)
    """

    def __init__(
        self, corpus: Corpus, tokenizer: Tokenizer, bos: int = BOS, eos: int = EOS, seen: CountedCorpus | None = None
    ) -> None:
        """`seen` has the same sentences, counted with a tokenizer that knows fewer words."""
        self.corpus = corpus
        self.tokenizer = tokenizer
        self.bos, self.eos = bos, eos
        self.sentences: list[list[int]] = seen.sentences if seen else corpus.encode(tokenizer)
        self._seen = seen
        self._counts: dict[tuple[int, bool], NgramCounts] = {}
        self._wider: tuple[tuple[str, ...], CountedCorpus] | None = None

    @property
    def highest_order(self) -> int:
        """The longest n-gram that can be packed into a number with this vocabulary, at most 5."""
        return min(HIGHEST_ORDER, int(63 / math.log2(self.tokenizer.vocab_size)))

    @cached_property
    def parts(self) -> tuple[list[list[int]], list[list[int]]]:
        """(to learn from, held out): a tenth is held out, always the same; a single sentence is learned from alone."""
        order = np.random.Generator(np.random.PCG64(0)).permutation(len(self.sentences))
        cut = max(1, math.floor(HELD_OUT * len(order))) if len(order) > 1 else 0
        tested = set(order[:cut].tolist())
        numbered = list(enumerate(self.sentences))
        return [ids for i, ids in numbered if i not in tested], [ids for i, ids in numbered if i in tested]

    def counts(self, order: int, learned: bool = False) -> NgramCounts:
        """Counts of one order, over all sentences or over those to learn from."""
        key = (whole_number("order", order, 1, self.highest_order), learned)
        if key not in self._counts:
            if self._seen:
                self._counts[key] = self._seen.counts(order, learned).widened(self.tokenizer.vocab_size)
            else:
                counts = NgramCounts(order, self.tokenizer.vocab_size, self.bos, self.eos)
                counts.add(self.parts[0] if learned else self.sentences)
                self._counts[key] = counts
        return self._counts[key]

    def model(self, order: int, smoothing: Smoothing = BARE, learned: bool = False) -> NgramModel:
        """A language model over these counts."""
        return NgramModel([self.counts(n, learned) for n in range(1, order + 1)], self.tokenizer, smoothing)

    def taught(self, sentence: Sequence[int]) -> CountedCorpus:
        """The same corpus with one more sentence behind the others."""
        more = CountedCorpus(self.corpus, self.tokenizer, self.bos, self.eos, self)
        more.sentences = [*self.sentences, list(sentence)]
        more._seen = None
        return more

    def with_words(self, text: str) -> CountedCorpus:
        """The same counts, with the words of `text` in the vocabulary, none of them seen if they are new."""
        if not isinstance(self.tokenizer, WordTokenizer) or self.tokenizer.encodable(text):
            return self
        _, unknown = self.tokenizer.without_unknown(text)
        added = tuple(dict.fromkeys(unknown))
        if self._wider is None or self._wider[0] != added:  # the last ones are kept: a page asks again and again
            wider = type(self.tokenizer)((*self.tokenizer.words, *added), SPECIAL)
            self._wider = added, CountedCorpus(self.corpus, wider, self.bos, self.eos, self)
        return self._wider[1]


@dataclass(frozen=True)
class Grid:
    """The most frequent contexts and the tokens that follow them most."""

    contexts: tuple[Ids, ...]
    tokens: Ids
    counts: tuple[tuple[int, ...], ...]
    """One row a context, one column a token."""
    totals: Ids
    """Of each row, all tokens of the vocabulary included."""
    all_contexts: int
    """Contexts seen at all, or found by the search."""

    @property
    def rest(self) -> Ids:
        """Of each row, the count of tokens that have no column here."""
        return tuple(total - sum(row) for total, row in zip(self.totals, self.counts))


def unpacked(packed: int, vocab_size: int, length: int) -> Ids:
    """The token ids of a context that `NgramCounts` packs into one number."""
    digits = []
    for _ in range(length):
        packed, digit = divmod(packed, vocab_size)
        digits.append(digit)
    return tuple(reversed(digits))


def grid(
    counts: NgramCounts, rows: int, columns: int, having: frozenset[int] | None = None, with_row: Ids = ()
) -> Grid:
    """The most frequent contexts, or of those the ones that hold a token of `having`; `with_row` is always among them.

    >>> from lm_core.text.corpus import SIX_MESSAGES
    >>> words = SIX_MESSAGES.tokenizer("word")
    >>> counts = NgramCounts(2, words.vocab_size, 0, 1)
    >>> counts.add(SIX_MESSAGES.encode(words))
    >>> best = grid(counts, rows=1, columns=2, having=frozenset(words.encode("left")))
    >>> best.counts, best.totals, best.rest
    (((3, 2),), (6,), (1,))
    """
    whole_number("rows", rows, 1)
    whole_number("columns", columns, 1)
    keys, found = counts.packed
    size, length = counts.vocab_size, counts.order - 1
    prefixes, first = np.unique(keys // size, return_index=True)
    totals = np.add.reduceat(found, first) if len(found) else found
    kept = np.arange(len(prefixes))
    if having is not None:
        wanted = np.array(sorted(having), np.int64)
        digits, holds = prefixes.copy(), np.zeros(len(prefixes), bool)
        for _ in range(length):
            holds |= np.isin(digits % size, wanted)
            digits //= size
        kept = np.flatnonzero(holds)
    order = kept[np.argsort(-totals[kept], kind="stable")][:rows]
    contexts = [unpacked(int(prefixes[i]), size, length) for i in order]
    if with_row and with_row not in contexts:
        contexts = [*contexts[: rows - 1], with_row]
    dense = np.stack([counts.row(context) for context in contexts]) if contexts else np.zeros((0, size), np.int64)
    sums = dense.sum(axis=0)
    tokens = np.argsort(-sums, kind="stable")[:columns]
    tokens = tokens[sums[tokens] > 0]
    cells = tuple(tuple(row) for row in dense[:, tokens].tolist())
    return Grid(tuple(contexts), tuple(tokens.tolist()), cells, tuple(dense.sum(axis=1).tolist()), len(kept))


@dataclass(frozen=True)
class Entry:
    """One n-gram that was seen."""

    context: Ids
    id: int
    count: int
    total: int
    """Of its context."""

    @property
    def share(self) -> float:
        """count / total."""
        return self.count / self.total


def entries(counts: NgramCounts, most: int | None = None, having: frozenset[int] | None = None) -> Iterator[Entry]:
    """Every n-gram seen, the most frequent first; only those that hold a token of `having`, if that is given."""
    keys, found = counts.packed
    if having is not None:
        digits, holds, wanted = keys.copy(), np.zeros(len(keys), bool), np.array(sorted(having), np.int64)
        for _ in range(counts.order):
            holds |= np.isin(digits % counts.vocab_size, wanted)
            digits //= counts.vocab_size
        keys, found = keys[holds], found[holds]
    order = np.argsort(-found, kind="stable")[:most]
    totals = counts.contexts_of(keys[order])[0].tolist()
    size = counts.vocab_size
    for key, count, total in zip(keys[order].tolist(), found[order].tolist(), totals):
        yield Entry(unpacked(key // size, size, counts.order - 1), key % size, count, total)


@dataclass(frozen=True)
class Source:
    """One sentence in which an n-gram stands, and where: `ids[i]` is the counted token for each i of `places`."""

    number: int
    ids: Ids
    """With one <eos> at the end."""
    places: tuple[int, ...]


def sources(sentences: Sequence[Sequence[int]], context: Ids, token: int, bos: int, eos: int) -> Iterator[Source]:
    """Every sentence that made this count; over all of them there are as many places as the count says.

    >>> [source.places for source in sources([[2, 3], [2, 4], [2, 3, 2, 3]], (2,), 3, bos=0, eos=1)]
    [(1,), (1, 3)]
    """
    wanted = (*context, token)
    pad = [bos] * len(context)
    for number, sentence in enumerate(sentences):
        if token != eos and token not in sentence:
            continue
        padded = (*pad, *sentence, eos)
        ends = range(len(padded) - len(context))
        places = tuple(i for i in ends if padded[i + len(context)] == token and padded[i : i + len(wanted)] == wanted)
        if places:
            yield Source(number, padded[len(pad) :], places)


@dataclass(frozen=True)
class Spread:
    """How thinly an order's contexts are covered by a corpus."""

    order: int
    possible: int
    """vocab_size to the power order - 1: any tokens in a row."""
    seen: int
    seen_once: int
    """Contexts met a single time: what follows them is an anecdote."""


def spread(counts: NgramCounts) -> Spread:
    """Contexts possible, seen, and seen once."""
    keys, found = counts.packed
    _, first = np.unique(keys // counts.vocab_size, return_index=True)
    totals = np.add.reduceat(found, first) if len(found) else found
    possible = counts.vocab_size ** (counts.order - 1)
    return Spread(counts.order, possible, len(first), int((totals == 1).sum()))


@dataclass(frozen=True)
class Follower:
    """A token, or several taken together, after one context."""

    ids: Ids
    """The token; empty for all that are not named."""
    types: int
    count: int
    probability: float
    """(count + k x types) / (total + k x vocabulary); their sum for several."""


@dataclass(frozen=True)
class Followers:
    """One row of the table as a distribution: the most frequent tokens, and the rest."""

    total: int
    divisor: float
    """total + k x vocabulary."""
    named: tuple[Follower, ...]
    rest: Follower | None


def followers(counts: NgramCounts, context: Ids, k: float, n: int) -> Followers | None:
    """What follows a context, with k added to each count; None where bare counts have nothing to say.

    >>> counts = NgramCounts(order=2, vocab_size=5, bos=0, eos=1)
    >>> counts.add([[2, 3], [2, 4], [2, 3]])
    >>> found = followers(counts, (2,), k=0, n=1)
    >>> found.named, found.rest
    ((Follower(ids=(3,), types=1, count=2, probability=0.6666666666666666),), Follower(ids=(), types=4, count=1, \
probability=0.3333333333333333))
    """
    real_number("k", k, "a finite number >= 0", lambda value: 0 <= value < math.inf)
    row = counts.row(context)
    total, size = int(row.sum()), len(row)
    below = total + k * size
    if not below:
        return None
    best = [int(i) for i in np.argsort(-row, kind="stable")[: whole_number("n", n, 1)] if row[i] or k]
    named = tuple(Follower((i,), 1, int(row[i]), float((row[i] + k) / below)) for i in best)
    types, left = size - len(best), total - sum(each.count for each in named)
    return Followers(
        total, below, named, Follower((), types, left, float((left + k * types) / below)) if types else None
    )
