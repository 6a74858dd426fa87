"""Rows for training: every token a target once, whatever the length; blanks; refusals."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_core import InvalidInput
from lm_core.training import IGNORED, BlankedExamples, Examples

sentences = st.lists(st.lists(st.integers(3, 20), max_size=12), min_size=1, max_size=8)


@given(sentences, st.integers(1, 9))
def test_each_token_and_each_end_is_a_target_once(texts: list[list[int]], context_length: int) -> None:
    rows = Examples(texts, context_length)
    batch = rows.all()
    targets = [t for t in batch.targets.flatten().tolist() if t != IGNORED]
    assert Counter(targets) == Counter([token for text in texts for token in [*text, 1]])
    assert batch.tokens == len(targets)
    assert batch.inputs.shape[1] == max(batch.lengths) <= context_length
    for inputs, expected, length in zip(batch.inputs.tolist(), batch.targets.tolist(), batch.lengths):
        assert inputs[1:length] == expected[: length - 1]
        assert set(expected[length:]) <= {IGNORED}
    assert sum(chunk.tokens for chunk in rows.chunks(3)) == batch.tokens


def test_a_long_sentence_is_cut_with_one_token_of_overlap_by_hand() -> None:
    batch = Examples([[5, 6, 7, 8]], context_length=3).all()
    assert batch.inputs.tolist() == [[0, 5, 6], [7, 8, 0]]
    assert batch.targets.tolist() == [[5, 6, 7], [8, 1, IGNORED]]


def test_without_bos_the_first_targets_can_be_left_unscored() -> None:
    batch = Examples([[5, 6, 7, 8]], context_length=8, bos=None, eos=None, unscored=2).all()
    assert (batch.inputs.tolist(), batch.targets.tolist()) == ([[5, 6, 7]], [[IGNORED, IGNORED, 8]])


def test_drawing_is_seeded_and_covers_all_rows() -> None:
    rows = Examples([[5], [6], [7]], context_length=4)
    one, other = (rows.draw(200, np.random.Generator(np.random.PCG64(1))) for _ in range(2))
    assert one.inputs.tolist() == other.inputs.tolist()
    assert {row[1] for row in one.inputs.tolist()} == {5, 6, 7}
    assert rows.draw(None, np.random.Generator(np.random.PCG64(1))).inputs.tolist() == rows.all().inputs.tolist()


@given(st.lists(st.lists(st.integers(3, 20), min_size=1, max_size=12), min_size=1, max_size=8), st.floats(0.01, 1))
def test_blanks_hide_words_and_ask_for_exactly_these(texts: list[list[int]], rate: float) -> None:
    rows = BlankedExamples(texts, context_length=6, mask=2, rate=rate)
    batch = rows.draw(20, np.random.Generator(np.random.PCG64(1)))
    for inputs, targets, length in zip(batch.inputs.tolist(), batch.targets.tolist(), batch.lengths):
        assert (inputs[0], inputs[length - 1]) == (0, 1)
        hidden = [i for i, token in enumerate(inputs) if token == 2]
        assert hidden
        assert hidden == [i for i, target in enumerate(targets) if target != IGNORED]
        whole = [targets[i] if i in hidden else inputs[i] for i in range(1, length - 1)]
        assert any(whole == text[start : start + 4] for text in texts for start in range(0, len(text), 4))
    held_out = [[chunk.inputs.tolist() for chunk in rows.chunks(3)] for _ in range(2)]
    assert held_out[0] == held_out[1]


def test_refusals() -> None:
    with pytest.raises(InvalidInput, match="`sentences` must be text with at least one token to predict, but is '0 s"):
        Examples([], 4)
    with pytest.raises(InvalidInput, match="`sentences` must be text with at least one token"):
        Examples([[5]], 4, bos=None, eos=None)
    with pytest.raises(InvalidInput, match="`context_length` must be a whole number >= 1, but is 0"):
        Examples([[5]], 0)
    with pytest.raises(InvalidInput, match="`context_length` must be a whole number >= 3, but is 2"):
        BlankedExamples([[5]], 2, mask=2)
    with pytest.raises(InvalidInput, match="`rate` must be a number above 0 and at most 1, but is 0"):
        BlankedExamples([[5]], 4, mask=2, rate=0)
    with pytest.raises(InvalidInput, match="`batch` must be a whole number >= 1, but is 0"):
        Examples([[5]], 4).draw(0, np.random.Generator(np.random.PCG64(1)))
    with pytest.raises(InvalidInput, match="`size` must be a whole number >= 1"):
        list(Examples([[5]], 4).chunks(0))
