"""Limits: settings of the environment, each with a test that reaches it."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lm_core.errors import Busy
from lm_core.serving import limits, process_resources
from lm_core.serving.inference_queue import InferenceQueue, Request
from lm_core.text import corpus
from lm_core.training.recipe import ARTICLE
from lm_core.training_runs.scheduler import Scheduler

pytestmark = pytest.mark.whole  # starts a server's process

REACHED = {
    "PROMPT_TOKENS": "tests/pages/test_next_token.py::test_what_is_odd_about_a_prompt",
    "SCORED_TOKENS": "tests/pages/test_loss.py::test_a_text_longer_than_the_limit",
    "INSPECTED_TOKENS": "tests/pages/test_inside_the_transformer.py::test_two_hundred_tokens",
    "QUEUE": "tests/core/serving/test_served_model.py::test_a_full_line_says_so_and_loses_nothing",
    "BATCH": "tests/core/serving/test_limits.py::test_a_pass_takes_no_more_than_a_batch",
    "CHUNK": "tests/core/serving/test_served_model.py::test_a_long_prompt_lets_others_go_between_its_chunks",
    "KV_CACHE_BYTES": "tests/core/serving/test_served_model.py::test_memory_is_bounded",
    "RESULT_BYTES": "tests/core/serving/test_served_model.py::test_memory_is_bounded",
    "SESSIONS": "tests/reliability/test_hostile_clients.py::test_a_full_room_says_so_and_has_room_again",
    "TRAINING_RUNS": "tests/core/training_runs/test_scheduler.py::test_runs_take_turns",
    "TRAINING_DISK": "tests/core/training_runs/test_scheduler.py::test_old_runs_give_way",
    "TRAINING_MEMORY": "tests/reliability/test_faults.py::test_a_run_that_wants_too_much_memory_fails_alone",
    "UPLOADED": "tests/reliability/test_hostile_clients.py::test_an_upload_flood",
    "ALL_UPLOADS": "tests/reliability/test_hostile_clients.py::test_an_upload_flood",
    "MEMORY": "tests/reliability/test_hostile_clients.py::test_while_memory_is_short_uploads_are_refused",
    "ENGINE_SECONDS": "tests/core/remote/test_engines.py::test_each_fault_is_named_and_the_twin_answers",
    "ENGINE_POSITIONS": "tests/core/remote/test_engines.py::test_a_long_text_is_the_twins",
}
ROOT = Path(__file__).resolve().parents[3]


def test_every_limit_has_a_test_that_reaches_it() -> None:
    assert list(REACHED) == [limit.key for limit in limits.LIMITS]
    for place in REACHED.values():
        file, _, test = place.partition("::")
        assert test
        assert f"def {test}" in (ROOT / file).read_text()


def test_defaults_stand_and_every_limit_says_why() -> None:
    assert limits.REFUSED == []
    assert all(limit.reason.endswith(".") and limit.unit and limit.setting.isupper() for limit in limits.LIMITS)


@pytest.mark.parametrize("wrong", ["", "0", "-1", "1.5", "many", "٣", "9" * 30, "1e3"])
def test_what_is_no_whole_number_in_its_range_is_refused_and_changes_nothing(wrong: str) -> None:
    limit, refused = limits.read({"NEXT_TOKEN_EXPLORER_A": wrong}, "A", "A", 7, "things", "Why.", 1, 100)
    assert limit.value == limit.default == 7
    assert refused.startswith("NEXT_TOKEN_EXPLORER_A must be a whole number from 1 to 100 (things), but is")


@pytest.mark.parametrize(("text", "value"), [("1", 1), ("100", 100), (" 42 ", 42), ("1_0", 10)])
def test_another_value_is_taken(text: str, value: int) -> None:
    limit, refused = limits.read({"NEXT_TOKEN_EXPLORER_A": text}, "A", "A", 7, "things", "Why.", 1, 100)
    assert (limit.value, limit.default, refused) == (value, 7, "")


WIRED = """
from pathlib import Path
from lm_core.models.table_model import ORDER_SHIPPED, TableModel
from lm_core.serving import ServedModel, inference_queue
from lm_core.training_runs.scheduler import Scheduler
served = ServedModel(TableModel(ORDER_SHIPPED))
line = inference_queue.queue
assert served._queue is line
from lm_core.serving import registry
engine = registry.get("far")
print(engine._remote._client._answer, line._most, line._batch, served._chunk)
print(served._prefixes._budget, served._results._budget, len(Scheduler(Path("none"))._slots))
"""


def test_what_the_environment_says_is_what_the_server_keeps() -> None:
    """The tests that reach these limits set them smaller in another way."""
    names = ("ENGINE_SECONDS", "QUEUE", "BATCH", "CHUNK", "KV_CACHE_BYTES", "RESULT_BYTES", "TRAINING_RUNS")
    settings = {f"{limits.PREFIX}{name}": str(10 + place) for place, name in enumerate(names)}
    settings["NEXT_TOKEN_EXPLORER_ENGINES"] = "far=vllm+http://127.0.0.1:9 as smollm2-135m"
    code = [sys.executable, "-c", WIRED]
    run = subprocess.run(code, cwd=ROOT, env={**os.environ, **settings}, check=True, capture_output=True, text=True)
    assert run.stdout.split() == ["10", "11", "12", "13", "14", "15", "16"]


class Sizes:
    """Notes how many requests each pass got."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def advance(self, requests: list[Request]) -> list[Request]:
        self.seen.append(len(requests))
        for request in requests:
            request.finish(request.work)
        return []


def test_a_pass_takes_no_more_than_a_batch() -> None:
    queue, sizes = InferenceQueue(batch=2), Sizes()
    with ThreadPoolExecutor(1) as pool:
        answers = pool.submit(queue.ask, [Request(sizes, i) for i in range(5)]).result(10)
    assert answers == [0, 1, 2, 3, 4]
    assert sizes.seen == [2, 2, 1]


def test_one_who_asks_for_much_does_not_keep_out_the_others() -> None:
    """Ten things of one caller, then one of another: the other's goes with the first pass that begins after it."""
    queue, order = InferenceQueue(most=2, batch=2), []

    class Noting(Sizes):
        def advance(self, requests: list[Request]) -> list[Request]:
            order.extend(request.work for request in requests)
            return super().advance(requests)

    group, opened, begun = Noting(), threading.Event(), threading.Event()

    def gate() -> None:
        begun.set()
        opened.wait(10)

    with ThreadPoolExecutor(3) as pool:
        pool.submit(queue.call, gate)
        begun.wait(10)
        much = pool.submit(queue.ask, [Request(group, i) for i in range(10)])
        while len(queue) < 1:
            pass
        little = pool.submit(queue.ask, [Request(group, "other")])
        while len(queue) < 2:
            pass
        opened.set()
        assert len(much.result(10)) == 10
        assert little.result(10) == ["other"]
    assert order[:2] == [0, "other"]


def test_short_memory_refuses_new_runs_and_keeps_old_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = Scheduler(tmp_path)
    old = jobs.open(ARTICLE, corpus.REGIONAL_LOCAL)
    monkeypatch.setattr(limits, "MEMORY", 1)
    if process_resources.resident():
        with pytest.raises(Busy, match=r"memory is short\. Nothing is lost"):
            jobs.open(ARTICLE, corpus.SIX_MESSAGES)
    assert jobs.open(ARTICLE, corpus.REGIONAL_LOCAL).id == old.id
