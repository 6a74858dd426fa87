"""Sums in words: what is asked and what is right; the small Transformer learned to subtract, the bigram cannot."""

from pathlib import Path

import pytest

from lm_core.errors import InvalidInput
from lm_core.models import LanguageModel, model_file
from lm_core.models.ngrams.model import AddK, NgramModel
from lm_core.models.prefixed_model import PrefixedModel
from lm_core.scoring.candidates import Tally, ask_question
from lm_core.text import arithmetic_task
from lm_core.text.arithmetic_task import ANSWERS, HIGHEST, Sum
from lm_core.training import small_models

MODELS = Path(__file__).resolve().parents[3] / "assets" / "models"


def test_the_articles_sum_does_not_part_ways_and_others_do() -> None:
    article = Sum(5, 2)
    assert article.text.startswith("An order contains 5 items. After a return of 2 items")
    assert (article.right, article.shortcut, article.parts_ways) == (3, 3, False)
    assert (Sum(9, 2).right, Sum(9, 2).shortcut, Sum(9, 2).parts_ways) == (7, 3, True)


def test_no_held_out_pair_is_learned_and_none_is_missing() -> None:
    learned, held_out = arithmetic_task.split_pairs()
    every = {(total, taken) for total in range(1, HIGHEST + 1) for taken in range(total + 1)}
    assert set(learned) | set(held_out) == every
    assert not set(learned) & set(held_out)
    told = " ".join(arithmetic_task.sentences(learned))
    assert all(case.text not in told for wording in range(3) for case in arithmetic_task.cases(wording))


@pytest.mark.parametrize("wrong", [{"total": 0, "taken": 0}, {"total": 3, "taken": 4}, {"total": 21, "taken": 1}])
def test_sums_that_leave_less_than_nothing_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(InvalidInput):
        Sum(**wrong)


def tally(model: LanguageModel) -> Tally:
    candidates = [tuple(model.tokenizer.encode(text)) for text in ANSWERS]
    asked = [case for wording in range(3) for case in arithmetic_task.cases(wording)]
    return Tally.of(
        [ask_question(model, model.tokenizer.encode(c.prompt), candidates, c.right, c.shortcut) for c in asked]
    )  # fmt: skip


def test_the_transformer_subtracts_what_it_never_saw_and_the_bigram_does_not() -> None:
    corpus, words = small_models.sums_corpus()
    bigram = PrefixedModel(NgramModel.fit(corpus.encode(words), 2, words, AddK(0.01)), [0])
    learned = tally(PrefixedModel(model_file.read(MODELS / "sums.safetensors")[0], [0]))
    counted = tally(bigram)
    assert learned.beats_shortcuts
    assert learned.right > 0.7 * learned.n
    assert not counted.beats_shortcuts
    assert counted.right <= counted.best_constant
