"""ServedModel: the same numbers as the bare model, less work, bounded memory, many visitors."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pytest

from lm_core import InvalidInput, Transformer
from lm_core.errors import Busy
from lm_core.serving import ServedModel, inference_queue
from lm_core.serving.inference_queue import InferenceQueue

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


def serve(counting: Counting, **options: object) -> ServedModel:
    return ServedModel(counting, **options)  # type: ignore[arg-type]


def test_other_work_takes_its_turn_with_the_bare_model(counting: Counting) -> None:
    served = serve(counting)
    thread = served.run(lambda bare: (bare is counting, threading.current_thread().name))
    assert thread[0]
    assert thread[1] == "inference"


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
    served = serve(counting, kv_bytes=200 * bytes_per_token, result_bytes=3 * 31 * 4)
    for first in range(20):
        served.next_logits([[first, 1, 2, 3]])
    assert 0 < served._prefixes.nbytes <= 200 * bytes_per_token
    assert len(served._results) == 3


def test_it_has_answered_also_where_no_answer_is_kept(counting: Counting) -> None:
    served = serve(counting, result_bytes=1)
    assert not served.answered
    served.next_logits([[1, 2]])
    assert not served._results
    assert served.answered


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


class Gate:
    """Keeps the one thread of a queue busy until it is opened, so that requests gather behind it."""

    def __init__(self, queue: InferenceQueue) -> None:
        self.opened, entered = threading.Event(), threading.Event()
        self._holder = threading.Thread(target=queue.call, args=(lambda: (entered.set(), self.opened.wait(10)),))
        self._holder.start()
        entered.wait(10)

    def open(self) -> None:
        self.opened.set()
        self._holder.join()


def gathered(queue: InferenceQueue, count: int, *actions: Callable[[], object]) -> list[Future[object]]:
    """Starts the actions behind a gate and opens it when `count` requests stand in line."""
    gate = Gate(queue)
    pool = ThreadPoolExecutor(len(actions))
    asked = [pool.submit(action) for action in actions]
    while len(queue) < count:
        threading.Event().wait(0.001)
    gate.open()
    pool.shutdown(wait=True)
    return asked


def test_what_gathers_shares_a_pass_and_equal_prompts_are_read_once(counting: Counting, make_tiny: Make) -> None:
    queue, bare = InferenceQueue(), make_tiny()
    served = serve(counting, queue=queue)
    prompts = [[1, 2, 3], [4, 5], [1, 2, 3], [6]]
    asked = gathered(queue, 4, *(lambda ids=ids: served.next_logits([ids]) for ids in prompts))
    assert np.concatenate([each.result() for each in asked]) == pytest.approx(bare.next_logits(prompts), abs=1e-5)
    assert counting.read == [3 + 2 + 1]


def test_a_beginning_shared_by_all_who_go_on_is_not_read_again(counting: Counting) -> None:
    queue = InferenceQueue()
    served = serve(counting, queue=queue)
    served.next_logits([[1, 2, 3, 4]])
    gathered(queue, 3, *(lambda last=last: served.next_logits([[1, 2, 3, 4, last]]) for last in (7, 8, 9)))
    assert counting.read == [4, 3]


def test_a_long_prompt_lets_others_go_between_its_chunks(counting: Counting, make_tiny: Make) -> None:
    """Without chunks the short prompt, asked second, would wait for all 40 tokens of the first."""
    queue, long = InferenceQueue(), [i % 31 for i in range(40)]
    served, bare = serve(counting, queue=queue, chunk=8), make_tiny()
    cache = bare.new_cache()
    first, second = gathered(
        queue, 2, lambda: served.next_logits([long], [cache]), lambda: served.next_logits([[5, 6]])
    )
    assert first.result() == pytest.approx(bare.next_logits([long]), abs=1e-4)
    assert second.result() == pytest.approx(bare.next_logits([[5, 6]]), abs=1e-5)
    assert counting.read == [2, 2, 8, 8, 8, 8, 6]
    assert cache.length == 40
    assert served.logits(long) == pytest.approx(bare.logits(long), abs=1e-4)


def test_an_error_reaches_only_whom_it_concerns(counting: Counting) -> None:
    queue = InferenceQueue()
    served = serve(counting, queue=queue)
    wrong, right = gathered(queue, 2, lambda: served.next_logits([[99]]), lambda: served.next_logits([[3]]))
    assert isinstance(wrong.exception(), InvalidInput)
    assert right.result().shape == (1, 31)


def test_a_full_line_says_so_and_loses_nothing(counting: Counting) -> None:
    queue = InferenceQueue(most=2)
    served = serve(counting, queue=queue)
    gate = Gate(queue)
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(served.next_logits, [[i]]) for i in (1, 2)]
        while len(queue) < 2:
            threading.Event().wait(0.001)
        with pytest.raises(Busy, match=r"has 2 requests waiting\. Nothing is lost: try again"):
            served.next_logits([[3]])
        gate.open()
    assert all(each.result().shape == (1, 31) for each in waiting)
    assert served.next_logits([[3]]).shape == (1, 31)


@pytest.mark.parametrize("length", [2, 40])
def test_one_who_gives_up_is_dropped_and_leaves_the_cache_as_it_was(
    counting: Counting, monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    """The place in line is told while one waits; an error raised there ends the waiting."""
    monkeypatch.setattr(inference_queue, "PATIENCE", 0.01)
    queue, places = InferenceQueue(), []
    served = serve(counting, queue=queue, chunk=8)
    cache = counting.new_cache()  # type: ignore[operator]
    gate = Gate(queue)

    def waiting(ahead: int | None, seconds: float) -> None:
        if threading.current_thread() is threading.main_thread():
            places.append((ahead, seconds > 0))
            raise KeyboardInterrupt

    queue.waiting = waiting
    with pytest.raises(KeyboardInterrupt):
        served.next_logits([[1] * length], [cache])
    queue.waiting = lambda _ahead, _seconds: None
    gate.open()
    assert places == [(0, True)]
    assert served.next_logits([[3]]).shape == (1, 31)
    assert counting.read == [1]
    assert cache.length == 0
