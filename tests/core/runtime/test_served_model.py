"""ServedModel: the same numbers as the bare model, less work, bounded memory, many visitors."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from lm_core import InvalidInput, Transformer
from lm_core.runtime import ServedModel

Make = Callable[..., Transformer]


class Counting:
    """Passes everything on to a model and notes how many tokens each forward pass read."""

    def __init__(self, model: Transformer) -> None:
        self._model = model
        self.read: list[int] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._model, name)

    def next_logits(self, batch: list[list[int]], caches: object = None) -> np.ndarray:
        self.read.append(sum(map(len, batch)))
        return self._model.next_logits(batch, caches)  # type: ignore[arg-type]


@pytest.fixture
def counting(make_tiny: Make) -> Counting:
    return Counting(make_tiny())


def serve(counting: Counting, **options: int) -> ServedModel:
    return ServedModel(counting, **options)  # type: ignore[arg-type]


def test_other_work_takes_its_turn_with_the_bare_model(counting: Counting) -> None:
    served = serve(counting)
    thread = served.run(lambda bare: (bare is counting, threading.current_thread().name))
    assert thread[0]
    assert thread[1].startswith("inference")


def test_same_numbers_as_the_bare_model(counting: Counting, make_tiny: Make) -> None:
    served, bare = serve(counting), make_tiny()
    prompts = [[1, 2, 3], [1, 2, 3, 4, 5], [1, 2, 9], [7], [1, 2, 3, 4]]
    assert served.next_logits(prompts) == pytest.approx(bare.next_logits(prompts), abs=1e-5)
    assert served.logits([1, 2, 3]) == pytest.approx(bare.logits([1, 2, 3]), abs=1e-5)
    cache = bare.new_cache()
    served.next_logits([[1, 2]], [cache])
    assert cache.length == 2


def test_only_what_is_new_is_read(counting: Counting) -> None:
    """A prompt, one more token, the same again, its last token changed, an unrelated prompt."""
    served = serve(counting)
    for ids in ([1, 2, 3, 4], [1, 2, 3, 4, 5], [1, 2, 3, 4], [1, 2, 3, 4, 6], [9, 9], [1, 2]):
        served.next_logits([ids])
    assert counting.read == [4, 1, 1, 2, 1]


def test_a_text_that_goes_on_takes_its_cache_along(counting: Counting) -> None:
    """One cache for a run of any length, and it still serves every beginning of it."""
    served = serve(counting)
    text = [1, 2, 3]
    for token in range(4, 24):
        served.next_logits([text])
        text = [*text, token]
    assert len(served._prefixes) == 1
    served.next_logits([[1, 2, 3, 9]])
    assert counting.read[-1] == 1
    assert len(served._prefixes) == 2
    assert served.recalls([1, 2, 3])
    assert not served.recalls([9])


def test_memory_is_bounded(counting: Counting) -> None:
    bytes_per_token = counting.new_cache().bytes_per_token  # type: ignore[operator]
    served = serve(counting, kv_bytes=200 * bytes_per_token, results=3)
    for first in range(20):
        served.next_logits([[first, 1, 2, 3]])
    assert sum(cache.allocated_nbytes for cache in served._prefixes.values()) <= 200 * bytes_per_token
    assert len(served._results) == 3


def test_many_visitors_at_once_get_their_own_answers(make_tiny: Make) -> None:
    served, bare = ServedModel(make_tiny()), make_tiny()
    prompts = [[i % 31, (7 * i) % 31, 3, i % 5] for i in range(60)]
    with ThreadPoolExecutor(16) as visitors:
        answers = list(visitors.map(lambda ids: served.next_logits([ids])[0], prompts))
    assert np.stack(answers) == pytest.approx(bare.next_logits(prompts), abs=1e-5)


def test_errors_reach_the_caller_and_leave_the_queue_working(counting: Counting) -> None:
    served = serve(counting)
    for wrong in ([[]], [], [[99]], [[1] * 65]):
        with pytest.raises(InvalidInput):
            served.next_logits(wrong)
    assert served.next_logits([[1, 2]]).shape == (1, 31)
