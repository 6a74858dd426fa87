"""Short texts in JSON, Python, SQL and Markdown, and places in them where the grammar says what may follow.

A token's first character decides whether it is allowed, so that models with different tokenizers can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lm_core.distribution import Distribution
from lm_core.errors import whole_number
from lm_core.text.corpus import Corpus
from lm_core.text.tokenizers import Tokenizer

_CITIES = ("Lyon", "Oslo", "Porto", "Turin")
_EVENTS = ("shipped", "returned", "delayed", "packed")
_NAMES = ("parcel", "order", "letter", "item")
_COLUMNS = ("city", "total", "event", "weight")


@dataclass(frozen=True)
class SyntaxCase:
    """A text that stops where only some characters may follow."""

    text: str
    allowed: str
    why: str


CASES = {
    "JSON": SyntaxCase(
        '{"event": "shipped"', ",} \n", "The value has ended: a comma or the closing brace must follow."
    ),
    "Python": SyntaxCase("def send(order):\n", " \t\n#", "After a colon the next line is indented."),
    "SQL": SyntaxCase("SELECT count(*", ") ", "A bracket was opened: it has to be closed."),
    "Markdown": SyntaxCase("| city | total |\n|", "-: ", "Under a table’s head stands a row of dashes."),
}


def _json(draw: np.random.Generator) -> str:
    pairs = [
        f'"event": "{draw.choice(_EVENTS)}"', f'"city": "{draw.choice(_CITIES)}"', f'"total": {draw.integers(1, 100)}',
        f'"{draw.choice(_NAMES)}": {draw.integers(100, 1000)}',
    ]  # fmt: skip
    shown = draw.permutation(4)[: draw.integers(1, 5)]
    return "{" + ", ".join(pairs[i] for i in sorted(shown.tolist())) + "}"


def _python(draw: np.random.Generator) -> str:
    name, verb = draw.choice(_NAMES), draw.choice(("send", "pack", "weigh"))
    body = f"return {name}.{draw.choice(_COLUMNS)}"
    if draw.random() < 0.5:
        body = f"if {name}.total > {draw.integers(1, 100)}:\n        {body}\n    return {draw.integers(0, 10)}"
    return f"def {verb}({name}):\n    {body}"


def _sql(draw: np.random.Generator) -> str:
    what = draw.choice(("count(*)", "city", "sum(total)", "event, total"))
    where = f" WHERE total > {draw.integers(1, 100)}" if draw.random() < 0.6 else ""
    order = f" ORDER BY {draw.choice(_COLUMNS)}" if draw.random() < 0.4 else ""
    return f"SELECT {what} FROM {draw.choice(_NAMES)}s{where}{order};"


def _markdown(draw: np.random.Generator) -> str:
    rows = "".join(f"\n| {draw.choice(_CITIES)} | {draw.integers(1, 100)} |" for _ in range(draw.integers(1, 4)))
    return f"| city | {draw.choice(('total', 'weight'))} |\n|---|---|{rows}"


_WRITERS = {"JSON": _json, "Python": _python, "SQL": _sql, "Markdown": _markdown}


def corpus(texts: int = 2000, seed: int = 0) -> Corpus:
    """As many texts, each in one of the four, drawn from a seed; some hold line breaks.

    >>> for text in corpus(3).lines[1:]:
    ...     print(text)
    {"event": "shipped", "total": 65, "item": 553}
    SELECT sum(total) FROM orders ORDER BY weight;
    """
    draw = np.random.Generator(np.random.PCG64(whole_number("seed", seed, 0)))
    kinds = list(_WRITERS)
    lines = (_WRITERS[kinds[draw.integers(len(kinds))]](draw) for _ in range(whole_number("texts", texts, 1, 100_000)))
    return Corpus(f"{texts:,} texts in four syntaxes", tuple(lines), "Generated here.")


def allowed_mass(belief: Distribution, tokenizer: Tokenizer, allowed: str) -> float:
    """The probability of all tokens that begin with one of the allowed characters.

    >>> from lm_core.text.tokenizers import CharacterTokenizer
    >>> letters = CharacterTokenizer("ab,")
    >>> allowed_mass(Distribution([0.0, 0.0, 0.0]), letters, ",}")
    0.3333333333333333
    """
    first = set(allowed.encode())
    special = tokenizer.special_ids
    ids = [i for i in range(tokenizer.vocab_size) if i not in special and tokenizer.token_bytes(i)[:1]]
    return float(belief.probabilities[[i for i in ids if tokenizer.token_bytes(i)[0] in first]].sum())
