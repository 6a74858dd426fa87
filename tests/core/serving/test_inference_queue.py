"""Who goes first: those who type before work that yields, and that too after a while."""

import threading
from collections.abc import Callable

import pytest

from lm_core.serving import inference_queue
from lm_core.serving.inference_queue import InferenceQueue


def served(kinds: list[bool]) -> list[int]:
    """The order in which calls are served that came while another one was worked on; each yields or does not."""
    queue, busy, order = InferenceQueue(), threading.Event(), list[int]()
    threads = [threading.Thread(target=queue.call, args=(busy.wait,))]
    threads[0].start()
    while len(queue):  # until it is worked on
        pass

    def act(number: int) -> Callable[[], None]:
        return lambda: order.append(number)

    for number, yields in enumerate(kinds):
        threads.append(threading.Thread(target=queue.call, args=(act(number), yields)))
        threads[-1].start()
        while len(queue) <= number:
            pass
    busy.set()
    for thread in threads:
        thread.join(10)
    return order


def test_others_go_before_work_that_yields() -> None:
    assert served([True, False, True, False]) == [1, 3, 0, 2]


def test_without_it_first_come_is_first_served() -> None:
    assert served([False, False, False]) == [0, 1, 2]
    assert served([True, True]) == [0, 1]


def test_nobody_yields_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inference_queue, "YIELDING", 0.0)
    assert served([True, False, True, False]) == [0, 1, 2, 3]


def test_how_long() -> None:
    assert inference_queue.YIELDING == 2.0
