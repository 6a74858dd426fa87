"""Training outside the app's process: the same numbers, whoever is killed; turns, pauses and leases."""

import errno
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from lm_core.serving import faults
from lm_core.text.corpus import REGIONAL_LOCAL, Corpus, tracking
from lm_core.training import Trainer
from lm_core.training.build import trainer
from lm_core.training.recipe import ARTICLE, Recipe
from lm_core.training_runs.checkpoint_replay import CheckpointReplay
from lm_core.training_runs.run_folder import DIVERGED, DONE, RunFolder
from lm_core.training_runs.scheduler import INTERRUPTED, Scheduler
from lm_core.training_runs.worker_process import WorkerProcess

pytestmark = pytest.mark.whole  # starts training processes and waits for them

ROOT = Path(__file__).resolve().parents[3]
SMALL = Recipe("neural n-gram", context=2, embedding=8, hidden=16, steps=5_000, batch=8)


@pytest.fixture(scope="module")
def text() -> Corpus:
    return tracking(200, seed=3)


@pytest.fixture(scope="module")
def idle() -> Iterator[list["subprocess.Popen[str]"]]:
    """Trainers that earlier tests are done with: each took a second to import torch."""
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        process.communicate()


@pytest.fixture
def manager(tmp_path: Path, idle: list["subprocess.Popen[str]"]) -> Iterator[Callable[..., Scheduler]]:
    made: list[Scheduler] = []

    def start(new_trainer: bool = False, **options: float) -> Scheduler:
        jobs = Scheduler(tmp_path / "runs", **{"slots": 1, **options})  # type: ignore[arg-type]
        if idle and not new_trainer:
            jobs._slots[0].process = idle.pop()
        made.append(jobs)
        return jobs

    yield start
    for jobs in made:
        jobs._wants.clear()
        jobs._hush(slot := jobs._slots[0])
        until(lambda slot=slot: not slot.current)  # type: ignore[misc]
        if not jobs._closed and slot.process is not None and slot.process.poll() is None:
            idle.append(slot.process)
            slot.process = None
        jobs.close()


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


def trained_here(recipe: Recipe, corpus: Corpus, steps: int) -> tuple[Trainer, list[float]]:
    """The same run in this process, as one plain loop."""
    mine = trainer(recipe, corpus)
    return mine, [mine.advance().loss for _ in range(steps)]


def worker_of(jobs: Scheduler) -> int:
    process = jobs._slots[0].process
    assert process is not None
    return process.pid


def final_weights(folder: RunFolder) -> torch.Tensor:
    with CheckpointReplay(folder).at(folder.head) as there:
        return there.weights.clone()


def test_the_articles_run(manager: Callable[..., Scheduler]) -> None:
    """Seed 7, 120 steps of Adam: 2.121 -> 0.347, never below ln2/2, "hub" after "left regional"."""
    jobs = manager()
    folder = jobs.open(ARTICLE, REGIONAL_LOCAL)
    until(lambda: jobs.watch(folder, "a", 120).state == DONE)
    losses = folder.records()["loss"]
    assert (round(losses[0], 3), round(losses[-1], 3)) == (2.121, 0.347)
    assert losses.tolist() == trained_here(ARTICLE, REGIONAL_LOCAL, 120)[1]
    opened = CheckpointReplay(folder)
    assert round(opened.baselines[-1].nats, 5) == 0.34657
    with opened.at(120) as there:
        words = opened.texts.tokenizer
        assert words.decode([int(there.model.next_logits([words.encode("left regional")])[0].argmax())]) == "hub"


def test_after_a_worker_that_closed_its_pipes_the_next_question_goes_to_another() -> None:
    """Killed, it closes them before it is seen to have ended; here the time between is as long as one likes."""
    slot = WorkerProcess()
    silent = [sys.executable, "-c", "import os, time; os.close(1); time.sleep(60)"]
    slot.process = dying = subprocess.Popen(silent, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert slot.ask({"do": "train"}) is None
    assert dying.poll() is not None
    with slot.start() as new:
        assert new is not dying
        slot.end(10)


SERVER = """
import sys, time
from pathlib import Path
from lm_core.text.corpus import tracking
from lm_core.training.recipe import Recipe
from lm_core.training_runs.scheduler import Scheduler
jobs = Scheduler(Path(sys.argv[1]), slots=1)
folder = jobs.open(Recipe.from_json({recipe}), tracking(200, seed=3))
while True:
    print(jobs.watch(folder, "a", 5000).head, jobs._slots[0].process and jobs._slots[0].process.pid, flush=True)
    time.sleep(0.05)
"""


@pytest.mark.long("processes are killed and started again")
def test_a_killed_server_leaves_no_orphan_and_loses_little(
    manager: Callable[..., Scheduler], text: Corpus, tmp_path: Path
) -> None:
    code = SERVER.replace("{recipe}", repr(SMALL.to_json()))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    server = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "runs")], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert server.stdout is not None
    head, worker = 0, ""
    while head < 300:
        said, worker = server.stdout.readline().split()
        head = int(said)
    server.kill()
    server.wait()
    until(lambda: not Path(f"/proc/{worker}").exists() or "zombie" in Path(f"/proc/{worker}/status").read_text(), 10)
    jobs = manager()
    folder = jobs.open(SMALL, text)  # the same recipe finds it
    saved = trainer(SMALL, text)
    saved.load(folder.checkpoint)
    assert folder.records()["seconds"][saved.step :].sum() <= 5
    until(lambda: jobs.watch(folder, "b", 800).head >= 800)
    jobs.watch(folder, "b", 0)
    records = folder.records()
    assert records["step"].tolist() == list(range(1, len(records) + 1))
    assert records["loss"].tolist() == trained_here(SMALL, text, len(records))[1]


def test_a_closed_tab_trains_no_further_than_its_lease(manager: Callable[..., Scheduler], text: Corpus) -> None:
    jobs = manager(lease=0.6, slice_seconds=0.1)
    folder = jobs.open(SMALL, text)
    until(lambda: jobs.watch(folder, "gone", 5_000).head > 0)
    time.sleep(1.2)  # no sign of life; the lease and the last slice are over
    head = folder.head
    time.sleep(0.5)
    assert folder.head == head < 5_000


def test_a_pause_stops_at_once_and_others_go_on(manager: Callable[..., Scheduler], text: Corpus) -> None:
    jobs = manager()
    folder = jobs.open(SMALL, text)
    until(lambda: jobs.watch(folder, "a", 5_000).head > 0)
    jobs.watch(folder, "b", 5_000)
    jobs.watch(folder, "a", 0)
    head = folder.head
    until(lambda: jobs.watch(folder, "a", 0).head > head)  # b still wants it
    assert jobs.watch(folder, "a", 0).watchers == 1
    jobs.leave(folder, "b")
    until(lambda: jobs._slots[0].current == "", 5)
    head = folder.head
    time.sleep(0.3)
    assert folder.head == head < 5_000


def test_runs_take_turns(manager: Callable[..., Scheduler], text: Corpus) -> None:
    jobs = manager(slice_seconds=0.05)
    folders = [jobs.open(replace(SMALL, seed=seed), text) for seed in range(3)]

    def heads() -> list[int]:
        return [jobs.watch(folder, "a", 5_000).head for folder in folders]

    until(lambda: min(heads()) > 100)
    standing = jobs.watch(folders[0], "a", 5_000)
    assert (standing.training, standing.slots) == (3, 1)
    assert max(heads()) < 5_000  # none waited for another to end


def test_who_is_gone_lets_others_go_first(
    manager: Callable[..., Scheduler], text: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lm_core.training_runs.scheduler.HEARD", 0.5)
    jobs = manager(slice_seconds=0.1)
    left, watched = (jobs.open(replace(SMALL, seed=seed), text) for seed in range(2))
    until(lambda: jobs.watch(left, "gone", 5_000).head > 0)
    until(lambda: jobs.watch(watched, "here", 5_000).head > 0)
    time.sleep(0.7)  # "gone" is silent now, its lease goes on
    jobs.watch(watched, "here", 5_000)
    time.sleep(0.2)  # the slice under way
    before, head = left.head, watched.head
    until(lambda: jobs.watch(watched, "here", 5_000).head > head + 200)
    assert left.head == before
    jobs.leave(watched, "here")
    until(lambda: left.head > before)  # nobody else is there: the lease counts


def test_a_rate_far_too_high_is_caught(manager: Callable[..., Scheduler], text: Corpus) -> None:
    jobs = manager()
    folder = jobs.open(replace(SMALL, learning_rate=1e38**0.2, clip=None, optimiser="sgd", schedule="constant"), text)
    until(lambda: jobs.watch(folder, "a", 5_000).state == DIVERGED)
    standing = jobs.watch(folder, "a", 5_000)
    assert "lower the learning rate" in standing.message
    assert np.isfinite(folder.records()["loss"]).all()
    assert torch.isfinite(final_weights(folder)).all()
    assert standing.training == 0


def test_a_damaged_checkpoint_is_begun_anew(manager: Callable[..., Scheduler], text: Corpus) -> None:
    first = manager()
    folder = first.open(SMALL, text)
    until(lambda: first.watch(folder, "a", 60).head >= 60)
    first.close()
    losses = folder.records()["loss"].tolist()
    data = bytearray(folder.checkpoint.read_bytes())
    data[-5] ^= 1
    folder.checkpoint.write_bytes(bytes(data))
    second = manager()
    until(lambda: second.watch(folder, "a", 61).head >= 61)
    assert folder.records()["loss"].tolist()[: len(losses)] == losses


def test_any_step_is_found_again_to_the_bit(manager: Callable[..., Scheduler], text: Corpus) -> None:
    jobs = manager()
    recipe = replace(SMALL, steps=400)
    folder = jobs.open(recipe, text)
    until(lambda: jobs.watch(folder, "a", 400).state == DONE)
    opened, mine, weights = CheckpointReplay(folder), trainer(recipe, text), {}
    for step in range(1, 401):
        mine.advance()
        weights[step] = mine.weights.clone()
    for step in (400, 3, 17, 18, 200, 199, 1, 333):
        with opened.at(step) as there:
            assert torch.equal(there.weights, weights[step]), step


@pytest.mark.parametrize("content", ["", "{", "[]", '{"name": 3, "message": ""}', '{"name": "odd", "message": ""}'])
def test_a_state_that_makes_no_sense_stops_nobody(
    manager: Callable[..., Scheduler], text: Corpus, content: str
) -> None:
    jobs, recipe = manager(), replace(SMALL, steps=30)
    bad, good = jobs.open(replace(recipe, seed=1), text), jobs.open(recipe, text)
    (bad.path / "state.json").write_text(content)
    jobs.watch(bad, "a", 30)
    until(lambda: jobs.watch(good, "b", 30).state == DONE)
    until(lambda: jobs.watch(bad, "a", 30).state == DONE)


def test_training_outlives_whatever_goes_wrong_between_two_slices(
    manager: Callable[..., Scheduler], text: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two seconds without a free descriptor, and a fault that nobody foresaw."""
    jobs, recipe = manager(), replace(SMALL, steps=30)
    folder = jobs.open(recipe, text)
    head, end = RunFolder.head, time.monotonic() + 1

    def short(self: RunFolder) -> int:
        if time.monotonic() < end and threading.current_thread().name.startswith("training"):
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return head.fget(self)  # type: ignore[attr-defined, no-any-return]

    monkeypatch.setattr(RunFolder, "head", property(short))
    until(lambda: jobs.watch(folder, "a", 30).state == DONE)
    assert faults.last()[-1].what == "OSError: Too many open files"
    other, silence = jobs.open(replace(recipe, seed=2), text), jobs._silence
    monkeypatch.setattr(jobs, "_silence", lambda run: (_ for _ in ()).throw(KeyError("odd")))
    until(lambda: jobs.watch(other, "a", 30) and faults.last()[-1].what == "KeyError")
    monkeypatch.setattr(jobs, "_silence", silence)
    until(lambda: jobs.watch(other, "a", 30).state == DONE)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"recipe": 3}', "of another run"])
def test_a_recipe_that_makes_no_sense_is_set_aside(
    manager: Callable[..., Scheduler], text: Corpus, content: str
) -> None:
    jobs, recipe = manager(), replace(SMALL, steps=30)
    folder = jobs.open(recipe, text)
    until(lambda: jobs.watch(folder, "a", 30).state == DONE)
    file = folder.path / "recipe.json"
    another = jobs.open(replace(recipe, seed=9), text).path / "recipe.json"
    file.write_text(another.read_text() if content == "of another run" else content)
    again = jobs.open(recipe, text)
    assert again.damaged is not None
    assert again.damaged.name.startswith(f"damaged-{folder.id}-")
    assert again.head == 0
    until(lambda: jobs.watch(again, "a", 30).state == DONE)
    assert jobs.open(recipe, text).damaged is None


def test_equal_recipes_are_one_run(tmp_path: Path, text: Corpus) -> None:
    jobs = Scheduler(tmp_path)
    assert jobs.open(SMALL, text).id == jobs.open(replace(SMALL), tracking(200, seed=3)).id
    assert jobs.open(replace(SMALL, seed=1), text).id != jobs.open(SMALL, text).id
    assert RunFolder(tmp_path / SMALL.run_id(text)).recipe() == SMALL
    assert RunFolder(tmp_path / SMALL.run_id(text)).corpus() == text
    assert json.loads((tmp_path / SMALL.run_id(text) / "recipe.json").read_text())["name"] == text.name


def test_old_runs_give_way(tmp_path: Path, text: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = Scheduler(tmp_path)
    old = jobs.open(SMALL, text)
    monkeypatch.setattr("lm_core.serving.limits.TRAINING_DISK", 10)
    new = jobs.open(replace(SMALL, seed=9), text)
    assert not old.path.exists()
    assert new.path.exists()


def test_a_run_that_somebody_looks_at_stays(tmp_path: Path, text: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paused, or at its end, it is trained no further; here, or at another server that shares the folder."""
    monkeypatch.setattr(Scheduler, "warm", lambda self: None)  # nobody trains
    here, there = Scheduler(tmp_path), Scheduler(tmp_path)
    mine, theirs, nobodys = (here.open(replace(SMALL, seed=seed), text) for seed in range(3))
    here.watch(mine, "a", 0)
    there.watch(theirs, "b", 0)
    monkeypatch.setattr("lm_core.serving.limits.TRAINING_DISK", 10)
    here.open(replace(SMALL, seed=9), text)
    assert [folder.path.exists() for folder in (mine, theirs, nobodys)] == [True, True, False]


def test_a_trainer_that_cannot_be_started_is_told_and_tried_again(
    manager: Callable[..., Scheduler], text: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing, real = [True], subprocess.Popen

    def popen(*arguments: object, **options: object) -> object:
        if failing[0]:
            raise OSError(12, "Cannot allocate memory")
        return real(*arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "Popen", popen)
    jobs = manager(new_trainer=True)
    folder = jobs.open(replace(SMALL, steps=20), text)
    until(lambda: jobs.watch(folder, "a", 20).state == INTERRUPTED)
    failing[0] = False
    jobs.resume(folder)
    until(lambda: jobs.watch(folder, "a", 20).state == DONE)


def test_a_run_whose_files_are_gone_begins_anew(manager: Callable[..., Scheduler], text: Corpus) -> None:
    """It was lost for that; whoever opens it makes it again."""
    jobs, recipe = manager(), replace(SMALL, steps=20)
    folder = jobs.open(recipe, text)
    shutil.rmtree(folder.path)
    assert (folder.head, folder.state().name) == (0, "playable")
    until(lambda: jobs.watch(folder, "a", 20).state == INTERRUPTED)
    assert jobs.watch(folder, "a", 20).message.startswith("Its files were removed")
    jobs.open(recipe, text)
    until(lambda: jobs.watch(folder, "a", 20).state == DONE)


def test_runs_that_nobody_watches_any_more_are_forgotten(manager: Callable[..., Scheduler], text: Corpus) -> None:
    jobs = manager(lease=0.05)
    for seed in range(5):
        jobs.watch(jobs.open(replace(SMALL, seed=seed), text), "a", 0)
        time.sleep(0.1)
    assert len(jobs._wants) == len(jobs._home) == 1


def test_the_end_is_clean(manager: Callable[..., Scheduler], text: Corpus) -> None:
    jobs = manager()
    folder = jobs.open(SMALL, text)
    until(lambda: jobs.watch(folder, "a", 5_000).head > 50)
    process = jobs._slots[0].process
    jobs.close(patience=60)
    assert process is not None
    assert process.returncode == 0
    with CheckpointReplay(folder).at(0) as there:
        there.load(folder.checkpoint)
        assert there.step == folder.head


def test_a_worker_whose_server_is_gone_saves_and_says_nothing(tmp_path: Path, text: Corpus) -> None:
    folder = RunFolder.create(tmp_path, SMALL, text)
    command = [sys.executable, "-m", "lm_core.training_runs.worker"]
    pipe = subprocess.PIPE
    worker = subprocess.Popen(command, cwd=ROOT, text=True, stdin=pipe, stdout=pipe, stderr=pipe)
    assert worker.stdin is not None
    assert worker.stdout is not None
    assert worker.stderr is not None
    worker.stdin.write(json.dumps({"do": "train", "run": str(folder.path), "until": 5_000, "seconds": 1.0}) + "\n")
    worker.stdin.flush()
    until(lambda: folder.head > 50)
    worker.stdout.close()  # what a killed server leaves behind
    worker.stdin.close()
    assert worker.wait(60) == 0
    assert worker.stderr.read() == ""
    assert folder.checkpoint.exists()
    assert folder.head > 50


@pytest.mark.long("starts two servers' workers")
def test_two_servers_on_one_folder_train_a_run_once(manager: Callable[..., Scheduler], text: Corpus) -> None:
    """Each wants it further than the other did: it changes hands, and the weights are the same to the bit."""
    one, other = manager(lease=1.0, slice_seconds=0.1), manager(lease=1.0, slice_seconds=0.1)
    recipe = replace(SMALL, steps=900)
    folder = one.open(recipe, text)
    assert other.open(recipe, text).id == folder.id
    for jobs, wanted in [(one, 300), (other, 600), (one, 900)]:
        until(lambda jobs=jobs, wanted=wanted: jobs.watch(folder, "a", wanted).head >= wanted)  # type: ignore[misc]
    until(lambda: one.watch(folder, "a", 900).state == DONE)
    records, (mine, losses) = folder.records(), trained_here(recipe, text, 900)
    assert records["step"].tolist() == list(range(1, 901))
    assert records["loss"].tolist() == losses
    assert torch.equal(final_weights(folder), mine.weights)


@pytest.mark.long("trains, waits, and looks whether anything is written")
def test_what_was_let_go_is_not_written_again(manager: Callable[..., Scheduler], text: Corpus) -> None:
    """A run that another server has trained further stays as that one left it, while the first works on another run."""
    one, other = manager(lease=1.0), manager(lease=1.0)
    recipe = replace(SMALL, steps=900)
    folder, busy = one.open(recipe, text), one.open(replace(SMALL, seed=5), text)
    until(lambda: one.watch(folder, "a", 100).head >= 100)
    until(lambda: one.watch(busy, "a", 5_000).head > 0 and other.watch(folder, "a", 600).head >= 600)
    ended = time.monotonic() + 3.0
    until(lambda: one.watch(busy, "a", 5_000) and time.monotonic() > ended)
    kept = trainer(recipe, text)
    kept.load(folder.checkpoint)
    assert kept.step == 600


def test_two_servers_that_want_a_run_at_once_do_not_fight_over_it(
    manager: Callable[..., Scheduler], text: Corpus
) -> None:
    one, other = manager(slice_seconds=0.1), manager(slice_seconds=0.1)
    recipe = replace(SMALL, steps=900)
    folder = one.open(recipe, text)
    until(lambda: [jobs.watch(folder, "a", 900).state for jobs in (one, other)] == [DONE, DONE])
    assert folder.records()["loss"].tolist() == trained_here(recipe, text, 900)[1]
