"""The grammar: by hand, against brute force over all its messages, and the exact floor that it promises."""

import math
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_core import InvalidInput
from lm_core.models.grammar_model import GrammarModel
from lm_core.scoring.perplexity import score_sentences
from lm_core.text.grammar import END, TRACKING, Grammar
from lm_core.text.tokenizers import WordTokenizer

RULES = {
    "MESSAGE": [(2, "the THING WAS late"), (1, "the THING left"), (1, "no THING")],
    "THING": [(1, "box"), (3, "big box")],
    "WAS": [(1, ""), (1, "was")],
}
SMALL = Grammar(RULES)


def messages(symbols: tuple[str, ...] = ("MESSAGE",)) -> Iterator[tuple[tuple[str, ...], float]]:
    """Every message and its probability, by expanding every rule."""
    at = next((i for i, symbol in enumerate(symbols) if symbol in RULES), None)
    if at is None:
        yield symbols, 1.0
        return
    total = sum(weight for weight, _ in RULES[symbols[at]])
    for weight, text in RULES[symbols[at]]:
        for message, probability in messages((*symbols[:at], *text.split(), *symbols[at + 1 :])):
            yield message, weight / total * probability


def test_by_hand() -> None:
    assert SMALL.next_words([]) == {"the": 0.75, "no": 0.25}
    assert SMALL.next_words(["no", "big"]) == {"box": 1.0}
    assert SMALL.next_words(["the", "box"]) == pytest.approx({"late": 1 / 3, "was": 1 / 3, "left": 1 / 3})
    assert SMALL.next_words(["no", "box"]) == {END: 1.0}
    assert SMALL.next_words(["late"]) == {}


def test_everything_equals_brute_force() -> None:
    every = dict(messages())
    assert math.fsum(every.values()) == pytest.approx(1, rel=1e-14)
    assert SMALL.entropy == pytest.approx(-sum(p * math.log(p) for p in every.values()), rel=1e-14)
    assert SMALL.mean_length == pytest.approx(sum(p * (len(message) + 1) for message, p in every.items()), rel=1e-14)
    for message, probability in every.items():
        assert SMALL.probability(message) == pytest.approx(probability, rel=1e-14)
        for length in range(len(message)):
            begun = {m: p for m, p in every.items() if m[:length] == message[:length]}
            expected: Counter[str] = Counter()
            for other, p in begun.items():
                expected[other[length] if length < len(other) else END] += p / sum(begun.values())  # type: ignore[assignment]
            assert SMALL.next_words(message[:length]) == pytest.approx(dict(expected), rel=1e-12)


@given(st.integers(0, 10_000))
def test_a_drawn_message_parses_and_the_chain_rule_gives_its_probability(seed: int) -> None:
    """Also that no message can be derived in two ways, without which the entropy would be too high."""
    generator = np.random.Generator(np.random.PCG64(seed))
    message = TRACKING.sample(generator)
    product = math.prod(TRACKING.next_words(message[:i])[word] for i, word in enumerate([*message, END]))
    assert 0 < TRACKING.probability(message) == pytest.approx(product, rel=1e-9)
    assert len(TRACKING._after(message)) == 1
    assert not TRACKING.parses(message[:-1])


def test_the_floor_is_the_mean_loss_of_the_source_itself() -> None:
    """20,000 messages: within five standard errors of the exact entropy."""
    generator = np.random.Generator(np.random.PCG64(5))
    drawn = [TRACKING.sample(generator) for _ in range(20_000)]
    surprise = np.array([-math.log(TRACKING.probability(message)) for message in drawn])
    assert abs(surprise.mean() - TRACKING.entropy) < 5 * surprise.std() / math.sqrt(len(drawn))
    assert TRACKING.cross_entropy == TRACKING.entropy / TRACKING.mean_length == pytest.approx(0.5897889181155098)


def test_as_a_model_it_meets_the_contract() -> None:
    words = WordTokenizer(TRACKING.words, special=["<bos>", "<eos>"])
    model = GrammarModel(TRACKING, words)
    message = words.encode("the package left the regional hub.")
    assert math.exp(score_sentences(model, [message], 0, 1).log_probability) == pytest.approx(
        TRACKING.probability(["the", "package", "left", "the", "regional", "hub", "."]), rel=1e-12
    )
    assert model.logits([0, *message]).shape == (8, words.vocab_size)
    with pytest.raises(InvalidInput, match="`context` must be the beginning of a message of the grammar"):
        model.next_logits([words.encode("hub the")])
    with pytest.raises(InvalidInput, match="`tokenizer` must be one that knows all words of the grammar"):
        GrammarModel(TRACKING, WordTokenizer(["the"]))


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"A": [(1, "a")]}, "`start` must be a symbol with a rule, but is 'MESSAGE'"),
        ({"MESSAGE": [(1, "a MESSAGE")]}, "`rules` must be free of recursion, but is 'MESSAGE > MESSAGE'"),
        ({"MESSAGE": [(0, "a")]}, "`rules` must be finite weights above 0 for 'MESSAGE'"),
        ({"MESSAGE": []}, "`rules` must be finite weights above 0 for 'MESSAGE'"),
    ],
)
def test_refused_rules(rules: dict[str, list[tuple[float, str]]], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        Grammar(rules)
