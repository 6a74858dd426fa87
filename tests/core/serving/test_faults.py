"""Faults of threads in the background: counted, kept for a while, and without what a visitor wrote."""

import logging

import pytest

from lm_core.serving import faults
from lm_core.serving.inference_queue import InferenceQueue, Request


def test_what_repeats_itself_is_one_row_and_one_entry_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, logger="lm_core"):
        for _ in range(3):
            faults.note("a thread", OSError(24, "Too many open files", "/home/somebody/secret"))
    assert (faults.last()[-1].what, faults.last()[-1].times) == ("OSError: Too many open files", 3)
    assert len(caplog.records) == 1


def test_of_many_the_last_are_kept() -> None:
    for number in range(3 * faults.KEPT):
        faults.note(f"thread {number}", ValueError("a visitor's words"))
    assert [fault.where for fault in faults.last()][-1] == f"thread {3 * faults.KEPT - 1}"
    assert len(faults.last()) == faults.KEPT
    assert all(fault.what == "ValueError" for fault in faults.last())


def test_the_line_for_the_model_outlives_a_fault_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two passes, where no request is to blame."""
    queue = InferenceQueue()
    take, bad = queue._take, [True]

    def once() -> list[Request]:
        if bad.pop() if bad else False:
            raise MemoryError
        return take()

    monkeypatch.setattr(queue, "_take", once)
    assert queue.call(lambda: 42) == 42
    assert faults.last()[-1].what == "MemoryError"
