"""Beam search: against transformers' and against trying everything; never worse than greedy decoding."""

import itertools
import math
from collections.abc import Callable

import pytest
import torch

from lm_core import InvalidInput, Transformer
from lm_core.decoding.strategies import Strategy
from lm_core.generation.beam_search import beam_search
from lm_core.generation.loop import Limits, run
from lm_core.generation.trace import FinishReason
from lm_core.models import hugging_face
from lm_core.models.ngrams.model import NgramModel
from lm_core.scoring.perplexity import score_continuation
from lm_core.text.tokenizers import WordTokenizer

Make = Callable[..., Transformer]
PROMPT = [3, 1, 4, 1, 5]


@pytest.mark.parametrize("width", [2, 4, 7])
def test_equals_transformers(make_tiny: Make, width: int) -> None:
    from transformers import AutoConfig, AutoModelForCausalLM

    ours = make_tiny()
    theirs = AutoModelForCausalLM.from_config(AutoConfig.for_model(**hugging_face.to_config(ours.config))).eval()
    theirs.load_state_dict(hugging_face.to_names(ours.state_dict(), ours.config), strict=False)
    theirs.tie_weights()
    found = theirs.generate(
        torch.tensor([PROMPT]), num_beams=width, num_return_sequences=width, max_new_tokens=6, do_sample=False,
        length_penalty=0.0, eos_token_id=None, pad_token_id=0,
    )  # fmt: skip
    mine = beam_search(ours, PROMPT, width, Limits(6))
    assert [list(each.ids) for each in mine] == found[:, len(PROMPT) :].tolist()


def test_a_beam_as_wide_as_the_tree_finds_the_best_of_all(make_tiny: Make) -> None:
    tiny = make_tiny(vocab_size=4)
    scored = {ids: score_continuation(tiny, [1], ids).log_probability for ids in itertools.product(range(4), repeat=3)}
    best = beam_search(tiny, [1], 64, Limits(3))
    assert len(best) == 64
    assert best[0].ids == max(scored, key=scored.__getitem__)
    for each in best:
        assert each.log_probability == pytest.approx(scored[each.ids], abs=1e-5)


@pytest.mark.parametrize("length", [1, 5, 12])
def test_width_one_is_greedy_and_a_wider_beam_is_no_worse(make_tiny: Make, length: int) -> None:
    tiny = make_tiny()
    greedy = run(tiny, PROMPT, Strategy(), Limits(length))
    (single,) = beam_search(tiny, PROMPT, 1, Limits(length))
    assert single.ids == greedy.ids
    assert single.log_probability == pytest.approx(greedy.log_probability, abs=1e-5)
    assert beam_search(tiny, PROMPT, 8, Limits(length))[0].log_probability >= single.log_probability - 1e-5


def test_it_finds_what_greedy_misses_by_hand() -> None:
    """a is likelier than b at first, but all that follows a is rare: "b d" 0.4 beats "a c" 0.2."""
    words = WordTokenizer(["a", "b", "c", "d", "e", "f"], special=["<bos>", "<eos>"])
    texts = ["a c", "a d", "a e", "b d", "b d"]
    model = NgramModel.fit([words.encode(text) for text in texts], order=3, tokenizer=words)
    assert words.decode(run(model, [0], Strategy()).ids) == "a c<eos>"
    best = beam_search(model, [0], 3)
    assert words.decode(best[0].ids) == "b d<eos>"
    assert best[0].finish is FinishReason.END_TOKEN
    assert [round(math.exp(each.log_probability), 12) for each in best] == [0.4, 0.2, 0.2]


def test_refusals(make_tiny: Make) -> None:
    for width in (0, 65, 1.5):
        with pytest.raises(InvalidInput, match="`width` must be a whole number from 1 to 64"):
            beam_search(make_tiny(), PROMPT, width)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="`prompt_ids` must be at least one token id"):
        beam_search(make_tiny(), [], 2)
