"""Every number that the two articles print, through the public API: to the printed digits, and exactly where known.

The figures of KV cache sizes are tested with the calculator.
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from lm_core import softmax
from lm_core.decoding.filters import Temperature
from lm_core.decoding.strategies import Greedy, Sample, Strategy
from lm_core.distribution import Distribution
from lm_core.generation.loop import Limits, generate, run
from lm_core.generation.trace import FinishReason
from lm_core.logits import omitted
from lm_core.models.neural_ngram import NeuralNgram, NeuralNgramConfig
from lm_core.models.ngrams.model import AddK, KneserNey, NgramModel, Smoothing
from lm_core.models.table_model import ORDER_SHIPPED, TableModel
from lm_core.scoring.perplexity import Score, score_sentences
from lm_core.text.corpus import BOS, EOS, REGIONAL_LOCAL, SIX_MESSAGES
from lm_core.text.tokenizers import WordTokenizer
from lm_core.training import Examples, TrainingSettings, cross_entropy, evaluate, shift, token_losses, train

FIVE = [3.0, 1.5, -1.0, -2.0, -3.0]  # correctly, slowly, angrily, the, </s>


def digits(values: Sequence[float], places: int) -> list[float]:
    return [round(value, places) for value in values]


def test_next_token_table() -> None:
    assert omitted([0.85, 0.10, 0.03, 0.000001]) == pytest.approx(0.019999, abs=1e-15)


def test_softmax_5() -> None:
    belief = Distribution(FIVE)
    exact = [0.799576225743484, 0.17840957130102067, 0.014644749414734655, 0.0053875022307883925, 0.0019819513099723325]
    assert belief.probabilities.tolist() == pytest.approx(exact, rel=1e-15)
    assert digits(belief.probabilities, 3) == [0.8, 0.178, 0.015, 0.005, 0.002]
    assert belief.entropy("nats") == pytest.approx(0.5886959831091513, rel=1e-14)
    assert belief.top(1).rows[0].id == 0
    assert [row.logit - belief.row(0).logit for row in belief.top(5)] == [0, -1.5, -4, -5, -6]


def test_softmax_shift() -> None:
    for constant in (-1000, -3, 0, 7, 1000):
        assert softmax(np.array(FIVE) + constant) == pytest.approx(softmax(FIVE), rel=1e-12)


@pytest.mark.parametrize(
    ("temperature", "printed", "exact", "entropy"),
    [
        (0.5, [0.952, 0.047, 0, 0, 0],
         [0.9522230872712274, 0.04740839594743107, 0.00031943525920544885, 4.323086128033021e-05,
          5.8506608559362015e-06], 0.19423912273309074),
        (1.0, [0.8, 0.178, 0.015, 0.005, 0.002],
         [0.799576225743484, 0.17840957130102067, 0.014644749414734655, 0.0053875022307883925,
          0.0019819513099723325], 0.5886959831091513),
        (2.0, [0.575, 0.272, 0.078, 0.047, 0.029],
         [0.5748534157088905, 0.27154152630980605, 0.07779794983449696, 0.0471868418374078,
          0.028620266309398644], 1.1167201478097528),
    ],
)  # fmt: skip
def test_temperature(temperature: float, printed: list[float], exact: list[float], entropy: float) -> None:
    probabilities = softmax(FIVE, temperature)
    assert digits(probabilities, 3) == printed
    assert probabilities.tolist() == pytest.approx(exact, rel=1e-14)
    assert min(probabilities) > 0
    heated = Distribution(Temperature(temperature).apply(np.array(FIVE), None))
    assert heated.entropy("nats") == pytest.approx(entropy, rel=1e-14)


def test_temperature_zero() -> None:
    assert softmax(FIVE, 0).tolist() == [1, 0, 0, 0, 0]


def test_bigram_table() -> None:
    words = WordTokenizer(["left", "warehouse", "hub", "carrier"], special=["<bos>", "<eos>"])
    seen = [
        words.encode(f"left {word}") for word, n in (("warehouse", 85), ("hub", 10), ("carrier", 5)) for _ in range(n)
    ]
    row = NgramModel.fit(seen, 2, words).probabilities(words.encode("left"))
    assert row[3:].tolist() == [0.85, 0.10, 0.05]


def six(smoothing: Smoothing, extra: Sequence[str] = ()) -> tuple[NgramModel, WordTokenizer]:
    words = SIX_MESSAGES.tokenizer("word", extra)
    return NgramModel.fit(SIX_MESSAGES.encode(words), 2, words, smoothing), words


def test_bigram_six_messages() -> None:
    model, words = six(AddK(0))
    counts = model.counts[1]
    seen = {
        words.decode([before]): {words.decode([i]): int(n) for i, n in enumerate(counts.row([before])) if n}
        for before in range(words.vocab_size)
        if counts.total([before])
    }
    assert seen == {
        "<bos>": {"package": 2, "parcel": 2, "order": 2}, "package": {"left": 2}, "parcel": {"left": 2},
        "order": {"left": 2}, "left": {"warehouse": 3, "hub": 2, "carrier": 1}, "warehouse": {"<eos>": 3},
        "hub": {"<eos>": 2}, "carrier": {"<eos>": 1},
    }  # fmt: skip
    assert counts.events == 24
    row = model.probabilities(words.encode("left"))
    assert [round(row[words.encode(word)[0]], 3) for word in ("warehouse", "hub", "carrier")] == [0.5, 0.333, 0.167]
    assert not words.encodable("depot")
    with_depot, known = six(AddK(0), ["depot"])
    assert with_depot.probabilities(known.encode("left"))[known.special.index("depot")] == 0


def test_bigram_derived() -> None:
    model, words = six(AddK(0))

    def probability(text: str) -> float:
        return math.exp(score_sentences(model, [words.encode(text)], BOS, EOS).log_probability)

    assert probability("package left warehouse") == pytest.approx(1 / 6, rel=1e-14)
    assert probability("order left carrier") == pytest.approx(1 / 18, rel=1e-14)
    whole = score_sentences(model, SIX_MESSAGES.encode(words), BOS, EOS)
    assert (whole.n_tokens, words.vocab_size) == (24, 9)
    assert whole.cross_entropy == pytest.approx(0.5275041383438653, rel=1e-14)
    assert whole.perplexity == pytest.approx(1.6946972958145758, rel=1e-14)


@pytest.mark.parametrize(
    ("smoothing", "extra", "expected"),
    [
        (AddK(1), [], [4 / 15, 3 / 15, 2 / 15]),
        (AddK(1), ["<unk>"], [0.25, 0.1875, 0.125]),  # NLTK's vocabulary has one entry more
        (AddK(0.1), ["<unk>"], [0.4428571428571429, 0.3, 0.15714285714285717]),
        (KneserNey(0.75), ["<unk>"], [0.40625, 0.23958333333333334, 0.07291666666666666]),
    ],
)
def test_bigram_smoothed(smoothing: Smoothing, extra: list[str], expected: list[float]) -> None:
    model, words = six(smoothing, extra)
    row = model.probabilities(words.encode("left"))
    assert [row[words.encode(word)[0]] for word in ("warehouse", "hub", "carrier")] == pytest.approx(
        expected, rel=1e-14
    )


STORED = json.loads((Path(__file__).parent / "neural_trigram.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("start", ["stored weights", "seed 7"])
def test_neural_trigram(start: str) -> None:
    """2.121 -> 0.347 and "hub" after "left regional"; no model can go below ln(2) / 2."""
    words = WordTokenizer(sorted({word for line in REGIONAL_LOCAL.lines for word in line.split()}))
    assert words.words == ("hub", "left", "local", "order", "package", "parcel", "regional", "warehouse")
    model = NeuralNgram(NeuralNgramConfig(vocab_size=8, context=2, embedding=6, hidden=16), words)
    model.initialise(torch.Generator().manual_seed(7))
    if start == "stored weights":
        model.load_state_dict({name: torch.tensor(values) for name, values in STORED["initial_parameters"].items()})
    examples = Examples(REGIONAL_LOCAL.encode(words), context_length=8, bos=None, eos=None, unscored=1)
    assert examples.all().tokens == 12
    assert sum(parameter.numel() for parameter in model.parameters()) == 392
    recipe = TrainingSettings(120, learning_rate=0.05, batch=None, optimiser="adam", clip=None)
    losses = [made.loss for made in train(model, examples, recipe)] + [evaluate(model, examples)]
    assert (round(losses[0], 3), round(losses[-1], 3)) == (2.121, 0.347)
    for after, loss in STORED["loss_after_step"].items():
        assert losses[int(after)] == pytest.approx(loss, abs=3e-6)
    assert min(losses) > math.log(2) / 2
    for context, expected in STORED["final_probs"].items():
        row = softmax(model.next_logits([words.encode(context)])[0])
        assert {word: row[i] for i, word in enumerate(words.words)} == pytest.approx(expected, abs=2e-4)
    assert words.decode([int(model.next_logits([words.encode("left regional")])[0].argmax())]) == "hub"


def test_shift() -> None:
    words = WordTokenizer(["package", "left", "hub", "eos"], special=["<bos>"])
    assert shift([0, 1, 2, 3, 4]) == ([0, 1, 2, 3], [1, 2, 3, 4])
    inputs, targets = shift([0, *words.encode("package left hub"), 4])
    pairs = [(words.decode(inputs[: i + 1]), words.decode([target])) for i, target in enumerate(targets)]
    assert pairs == [
        ("<bos>", "package"), ("<bos> package", "left"), ("<bos> package left", "hub"),
        ("<bos> package left hub", "eos"),
    ]  # fmt: skip


def test_cross_entropy() -> None:
    logits = torch.tensor(
        [
            [0.0, 3.0, 0.5, -1.0, -2.0],
            [-1.0, 0.1, 2.5, 0.0, -2.0],
            [-1.0, 0.0, 0.2, 2.0, -1.5],
            [-2.0, 0.0, -1.0, -0.5, 2.4],
        ],
        dtype=torch.float64,
    )
    targets = torch.tensor([1, 2, 3, 4])
    losses = token_losses(logits, targets)
    exact = [0.14576618761582769, 0.19401074778639787, 0.32253167643889413, 0.1751221894362871]
    assert losses.tolist() == pytest.approx(exact, rel=1e-14)
    assert digits(losses.tolist(), 3) == [0.146, 0.194, 0.323, 0.175]
    assert digits((-losses).exp().tolist(), 3) == [0.864, 0.824, 0.724, 0.839]
    assert cross_entropy(logits, targets).item() == pytest.approx(0.2093577003193517, rel=1e-14)
    scored = Score(tuple((-losses).tolist()))
    assert scored.perplexity == pytest.approx(1.2328859233545864, rel=1e-14)
    assert scored.log_probability == pytest.approx(-0.8374308012774068, rel=1e-14)
    assert math.exp(scored.log_probability) == pytest.approx(0.43282109958894016, rel=1e-14)


def test_perfect_prediction_and_perplexity_anchors() -> None:
    assert Score.of_probabilities([1.0]).cross_entropy == 0
    assert Score.of_probabilities([1.0, 1.0]).perplexity == 1
    uniform = Score.of_probabilities([1 / 50_000] * 3)
    assert uniform.perplexity == pytest.approx(50_000, rel=1e-12)
    assert uniform.cross_entropy == pytest.approx(10.819778284410283, rel=1e-14)


def test_perplexity_4() -> None:
    """1.5 bits a token; perplexity is 2 sqrt 2, one over the geometric mean."""
    probabilities = [0.5, 0.5, 0.5, 0.125]
    four = Score.of_probabilities(probabilities)
    assert digits([-p for p in four.log_probabilities], 4) == [0.6931, 0.6931, 0.6931, 2.0794]
    assert four.cross_entropy == pytest.approx(1.0397207708399179, rel=1e-14)
    assert four.perplexity == pytest.approx(2.8284271247461903, rel=1e-14)
    assert four.perplexity == pytest.approx(1 / math.prod(probabilities) ** 0.25, rel=1e-14)
    assert four.bits_per_token == pytest.approx(1.5, rel=1e-14)


def test_greedy_loop() -> None:
    model = TableModel(ORDER_SHIPPED)
    start = model.tokenizer.encode("Order shipped from the")
    steps = list(generate(model, start, Strategy(), Limits(max_new_tokens=3)))
    texts = [model.tokenizer.decode([*start, *(step.id for step in steps[: n + 1])]) for n in range(2)]
    assert texts == ["Order shipped from the warehouse", "Order shipped from the warehouse."]
    assert [step.finish for step in steps] == [None, None, FinishReason.END_TOKEN]  # also the last step allowed
    trace = run(model, start, Strategy(), Limits(max_new_tokens=3))
    assert math.exp(trace.log_probability) == pytest.approx(0.68, rel=1e-14)


def test_seeded_sampling() -> None:
    logits = [2.4, 1.7, 0.2]  # warehouse, hub, carrier
    plan = Strategy((Temperature(1.4),), Sample(4))
    generator = plan.generator()
    drawn = [plan.decide(logits, generator=generator) for _ in range(8)]
    assert [each.id for each in drawn] == [2, 0, 2, 0, 1, 0, 1, 0]
    assert [each.u for each in drawn] == [
        0.9430561055723676, 0.5113275528143616, 0.9762437057077041, 0.08083602389560218,
        0.6073558319950296, 0.37648658437727256, 0.8019012069858072, 0.17452781614402846,
    ]  # fmt: skip
    exact = [0.5511831886993506, 0.33430950306433005, 0.11450730823631933]
    assert drawn[0].final.probabilities.tolist() == pytest.approx(exact, rel=1e-14)
    assert digits(drawn[0].final.probabilities, 3) == [0.551, 0.334, 0.115]
    assert Strategy((Temperature(1.4),), Greedy()).decide(logits).id == 0


@pytest.mark.parametrize(("window", "needed", "fits"), [(8000, 8001, False), (8000, 8000, True)])
def test_context_overflow(window: int, needed: int, fits: bool) -> None:
    """8,001 tokens do not fit into 8,000; the same rule, on a window that a test can afford."""
    from lm_core.errors import InvalidInput
    from lm_core.generation.loop import ContextPolicy, check_room

    class Window:
        context_length = window

    limits = Limits(max_new_tokens=1000, policy=ContextPolicy.REJECT)
    if fits:
        check_room(Window(), [0] * (needed - 1000), limits)  # type: ignore[arg-type]
    else:
        with pytest.raises(InvalidInput, match="at most 8000 tokens together"):
            check_room(Window(), [0] * (needed - 1000), limits)  # type: ignore[arg-type]


def test_context_growth() -> None:
    """The last of N steps reads the prompt and N - 1 generated tokens."""
    model = TableModel(ORDER_SHIPPED)
    start = model.tokenizer.encode("Order shipped from the")
    steps = list(generate(model, start, Strategy(), Limits(max_new_tokens=3)))
    assert steps[-1].position == len(start) + len(steps) - 1
