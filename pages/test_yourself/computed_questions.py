"""Questions of the test with computed answers: numbers to work out, things to order, bars to predict."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from lm_core import Distribution, kv_sizing, softmax
from lm_core.logits import omitted
from lm_core.models import LanguageModel
from lm_core.scoring.perplexity import Score, score_continuation
from lm_core.scoring.quiz import Question, Shown, shuffled
from pages.shared import markup
from pages.shared.controls.logit_source import ARTICLE, BOT

Draw = np.random.Generator


def _number(key: str, text: str, unit: str, answer: float, because: str, page: str) -> Question:
    return Question(key, Shown("number", text, unit=unit), answer, because, page)


def _pick(draw: Draw, values: Sequence[float]) -> float:
    return values[int(draw.integers(len(values)))]


def _softmax(draw: Draw) -> Question:
    gap = float(_pick(draw, (1.0, 1.5, 2.0, 3.0)))
    p = float(softmax([gap, 0.0])[0])
    return _number(
        "softmax", f"Two tokens have the logits {gap:g} and 0. What is the probability of the first, at T = 1?", "%",
        100 * p, f"e^{gap:g} / (e^{gap:g} + e^0) = {math.exp(gap):.4f} / {math.exp(gap) + 1:.4f} = {100 * p:.2f} %.",
        f"temperature?from=pasted&logits=a {gap:g}%0Ab 0",
    )  # fmt: skip


def _heated(draw: Draw) -> Question:
    gap, t = float(_pick(draw, (2.0, 3.0, 4.0))), float(_pick(draw, (0.5, 2.0)))
    return _number(
        "heated", f"One token leads another by {gap:g} logits. By how many at T = {t:g}, after dividing?", "logits",
        gap / t, f"{gap:g} / {t:g} = {gap / t:g}. So its lead becomes e^{gap / t:g} to 1 in place of e^{gap:g} to 1.",
        f"temperature?from=pasted&logits=a {gap:g}%0Ab 0&t={t:g}",
    )  # fmt: skip


def _perplexity(draw: Draw) -> Question:
    p = [float(_pick(draw, (0.5, 0.25, 0.125))) for _ in range(4)]
    score = Score.of_probabilities(p)
    shown = ", ".join(f"{each:g}" for each in p)
    return _number(
        "perplexity", f"Four tokens came; the model had given them {shown}. What is the perplexity?", "",
        score.perplexity,
        f"Mean loss {score.bits_per_token:g} bits a token, and 2^{score.bits_per_token:g} = {score.perplexity:.4f}.",
        f"loss?look=four&p={','.join(f'{each:g}' for each in p)}",
    )  # fmt: skip


def _loss(draw: Draw) -> Question:
    p = float(_pick(draw, (0.5, 0.1, 0.01, 0.001)))
    return _number(
        "loss", f"The token that came had probability {p:g}. What is its loss, in nats?", "nats", -math.log(p),
        f"−ln {p:g} = {-math.log(p):.4f}.", f"loss?look=four&p={p:g},1,1,1",
    )  # fmt: skip


def _row(draw: Draw) -> Question:
    a, b, c = (int(n) for n in draw.integers(1, 9, size=3))
    p = a / (a + b + c)
    return _number(
        "row", f"After “left” a text has warehouse {a} times, hub {b} times, carrier {c} times, and nothing else. "
        "P(warehouse | left), without smoothing?", "%", 100 * p,
        f"Count over row total: {a} / {a + b + c} = {100 * p:.1f} %.", "bigram_counts?corpus=six&row=3&next=4",
    )  # fmt: skip


def _smoothed(draw: Draw) -> Question:
    count, total, size = int(draw.integers(0, 4)), int(draw.integers(5, 12)), int(draw.integers(8, 12))
    p = (count + 1) / (total + size)
    return _number(
        "smoothed", f"A pair was seen {count} times in a row of {total} events; {size} tokens can follow. Its "
        "probability with 1 added to every count?", "%", 100 * p,
        f"({count} + 1) / ({total} + {size}) = {100 * p:.2f} %.", "bigram_counts?corpus=six&row=3&next=4&k=1",
    )  # fmt: skip


def _cache(draw: Draw) -> Question:
    batch, tokens = int(_pick(draw, (1, 2, 4, 8))), int(_pick(draw, (2048, 8192, 32768)))
    shape = kv_sizing.Geometry.by_hand(32, 32, 8, 128)
    gib = kv_sizing.size(shape, tokens, batch, "bf16").total / 2**30
    return _number(
        "cache", f"32 layers, 8 KV heads of width 128, 2 bytes a value, {batch} sequences of {tokens:,} tokens. How "
        "large is the KV cache, in GiB?", "GiB", gib,
        f"2 × {batch} × 32 × {tokens:,} × 8 × 128 × 2 bytes = {gib:g} GiB.",
        f"kv_cache_calculator?n={tokens}&batch={batch}",
    )  # fmt: skip


def _examples(draw: Draw) -> Question:
    words = int(draw.integers(4, 12))
    return _number(
        "examples", f"A message of {words} tokens is put between <bos> and <eos>. How many labelled predictions does "
        "it give for training?", "", words + 1,
        f"{words + 2} tokens in all, and every one but the first is a target: {words + 1}.",
        "inside_the_transformer?look=pass",
    )  # fmt: skip


def _read_with(draw: Draw) -> Question:
    prompt, new = int(_pick(draw, (64, 100, 256))), int(_pick(draw, (8, 16, 32)))
    return _number(
        "read-with", f"A prompt of {prompt} tokens, {new} new ones, with a KV cache. How many tokens are read in all "
        "passes together?", "tokens", prompt + new - 1,
        f"{prompt} in prefill, then one a decode step; the last new token is never read: {prompt} + {new} − 1.",
        f"kv_cache?length={prompt if prompt != 100 else 64}&new={new}",
    )  # fmt: skip


def _omitted(draw: Draw) -> Question:
    listed = [0.5, float(_pick(draw, (0.2, 0.25, 0.3))), float(_pick(draw, (0.05, 0.1)))]
    rest = omitted(listed)
    shown = ", ".join(f"{100 * p:g} %" for p in listed)
    return _number(
        "omitted-mass", f"A list shows three tokens with {shown}. How much is left for all others?", "%", 100 * rest,
        f"100 % less what is listed: {100 * rest:g} %.", "next_token",
    )  # fmt: skip


def _product(draw: Draw) -> Question:
    p = [float(_pick(draw, (0.5, 0.8, 0.4))) for _ in range(3)]
    whole = Score.of_probabilities(p)
    shown = " × ".join(f"{each:g}" for each in p)
    return _number(
        "product", f"Three tokens have the probabilities {', '.join(f'{each:g}' for each in p)}, each after those "
        "before it. What is the probability of all three in this order?", "%", 100 * math.prod(p),
        f"{shown} = {100 * math.prod(p):.3g} %; ln P = {markup.nats(whole.log_probability)} nats.", "loss",
    )  # fmt: skip


def _gigabytes(draw: Draw) -> Question:
    gib = int(_pick(draw, (1, 8, 16)))
    return _number(
        "gigabytes", f"How many GB are {gib} GiB?", "GB", gib * 2**30 / 1e9,
        f"1 GiB = 2^30 bytes = 1.0737 GB; {gib} of them are {gib * 2**30 / 1e9:.2f} GB.", "kv_cache_calculator",
    )  # fmt: skip


NUMBERS: tuple[Callable[[Draw], Question], ...] = (
    _softmax, _heated, _perplexity, _loss, _row, _smoothed, _cache, _examples, _read_with, _omitted, _product,
    _gigabytes,
)  # fmt: skip


def _mixed(right: tuple[str, ...], draw: Draw) -> tuple[str, ...]:
    """In an order that is not the right one."""
    mixed = shuffled(right, draw)
    return mixed if mixed != right else _mixed(right, draw)


def _order(key: str, text: str, right: tuple[str, ...], because: str, page: str) -> Callable[[Draw], Question]:
    return lambda draw: Question(key, Shown("order", text, _mixed(right, draw)), right, because, page)


def _by_perplexity(draw: Draw) -> Question:
    """Three lists of probabilities, ordered by a figure that is worked out here."""
    lists = [tuple(float(_pick(draw, (0.9, 0.5, 0.25, 0.125, 0.01))) for _ in range(3)) for _ in range(3)]
    scored = {", ".join(f"{p:g}" for p in each): Score.of_probabilities(each).perplexity for each in lists}
    if len({round(value, 6) for value in scored.values()}) < 3:
        return _by_perplexity(draw)  # equal ones have no order
    right = tuple(sorted(scored, key=scored.__getitem__))
    shown = "; ".join(f"{name}: {scored[name]:.3f}" for name in right)
    text = "The model gave the tokens that came these probabilities. Order by perplexity, lowest first."
    return Question("by-perplexity", Shown("order", text, _mixed(right, draw)), right, f"{shown}.", "loss?look=four")


ORDERS: tuple[Callable[[Draw], Question], ...] = (
    _order(
        "loop", "Put one turn of the generation loop into order.",
        ("read the context", "compute logits", "softmax", "choose a token", "append it", "check whether to stop"),
        "Predict, choose, append, and again: every token needs the one before.", "generation",
    ),
    _order(
        "ladder", "Order by how much of the past each model can use, least first.",
        ("unigram", "bigram", "neural 4-gram", "Transformer"),
        "No token, one token, three tokens, everything in its window. The objective is the same for all.", "training",
    ),
    _order(
        "pipeline", "How does a neural n-gram get from a context to probabilities?",
        ("token ids", "embeddings", "one joined vector", "MLP with GELU", "logits", "softmax"),
        "Each id selects a vector; they are joined, mixed by the MLP, and scored against every token.",
        "training?net=ngram",
    ),
    _by_perplexity,
)  # fmt: skip


def _bar(key: str, prompt: str, word: str, model: Callable[[], LanguageModel], page: str, whose: str) -> Callable[
    [Draw], Question
]:  # fmt: skip
    def make(_draw: Draw) -> Question:
        served = model()
        encode = served.tokenizer.encode
        scored = score_continuation(served, encode(prompt), encode(f" {word}"))
        best = Distribution(served.next_logits([encode(prompt)])[0]).top(1).rows[0]
        text = f"After “{prompt}”, how probable does {whose} find “{word}” as what comes next?"
        likeliest = served.tokenizer.token_bytes(best.id).decode(errors="replace").strip()
        because = (
            f"It is {markup.percent(scored.probability)}. The likeliest is “{likeliest}” with "
            f"{markup.percent(best.probability)}."
        )
        return Question(key, Shown("bar", text, unit="%"), scored.probability, because, page)

    return make


def bars(pretrained: Callable[[], LanguageModel], small: Callable[[str], LanguageModel]) -> tuple[
    Callable[[Draw], Question], ...
]:  # fmt: skip
    """The bars to predict: from models that are asked when the question is drawn."""
    big, little = "the pretrained model", "the small Transformer of the Generation page"
    return (
        _bar(
            "bar-rome", "The capital of Italy is", "Rome", pretrained, "next_token?prompt=The capital of Italy is", big
        ),
        _bar("bar-time", "Once upon a", "time", pretrained, "next_token?prompt=Once upon a", big),
        _bar(
            "bar-coupon", "The package left the", "coupon", pretrained, "next_token?prompt=The package left the", big
        ),
        _bar(
            "bar-delivered", "The carrier scan says the parcel was", "delivered", pretrained,
            "next_token?prompt=The carrier scan says the parcel was", big,
        ),
        _bar(
            "bar-checkout", "the customer left the", "checkout", lambda: small("transformer"),
            "generation?with=transformer&line=the customer left the", little,
        ),
        _bar(
            "bar-bigram", "the customer left the", "checkout", lambda: small("bigram"),
            "generation?with=bigram&line=the customer left the", "the bigram of the Generation page",
        ),
        _support_bot,
    )  # fmt: skip


def _support_bot(draw: Draw) -> Question:
    t = float(_pick(draw, (0.5, 2.0)))
    example = ARTICLE[BOT]
    p = float(softmax(list(example.logits), t)[0])
    logits = ", ".join(f"{name} {value:g}" for name, value in zip(example.names, example.logits))
    return Question(
        "bar-bot", Shown("bar", f"Logits: {logits}. How probable is “{example.names[0]}” at T = {t:g}?", unit="%"), p,
        f"Divided by {t:g} and through softmax: {markup.percent(p)}. At T = 1 it is "
        f"{markup.percent(float(softmax(list(example.logits))[0]))}.",
        f"temperature?from=bot&t={t:g}",
    )  # fmt: skip
