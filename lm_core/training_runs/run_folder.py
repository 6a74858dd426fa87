"""One training run on disk: recipe, text, a record a step, checkpoints, and where to go on.

The worker writes, the pages read. A reader may come at any moment, also after a crash.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lm_core import storage
from lm_core.errors import DamagedFile, InvalidInput
from lm_core.serving.lru_cache import LRUCache
from lm_core.text.corpus import Corpus, tracking
from lm_core.training.recipe import Recipe

RECORD = np.dtype(
    [
        ("step", "i8"), ("loss", "f8"), ("gradient_norm", "f8"), ("learning_rate", "f8"), ("tokens", "i8"),
        ("seconds", "f8"), ("held_out", "f8"),
    ]
)  # fmt: skip
"""One step as `training.TrainingStep` has it; `held_out` is nan where it was not measured."""
PLAYABLE, DONE, DIVERGED = "playable", "done", "diverged"
DAMAGED = "damaged-"
"""Before the name of a folder that was set aside, because its recipe made no sense."""
_FACTS = {"recipe": dict, "grammar": bool, "name": str, "source": str, "lines": list}
"""What recipe.json holds."""
MOST_KEPT = 64
"""Steps whose weights are kept, of one run."""
KEPT_BYTES = 32 * 2**20
"""Bytes that the kept weights of one run may take, 8 steps at least."""


_sound: LRUCache[Path, tuple[int, int]] = LRUCache(256)
"""Folders whose recipe was read and is right: when it was written, and its size."""


@dataclass(frozen=True)
class RunState:
    """How a run stands, apart from its numbers."""

    name: str = PLAYABLE
    message: str = ""
    """One sentence, where the run ended otherwise than at its last step."""


def checkpoint_steps(steps: int, state_bytes: int) -> list[int]:
    """The steps whose state is kept: dense at first, where most happens, then evenly; the last one always.

    >>> checkpoint_steps(1000, 10_000)[:8], len(checkpoint_steps(1000, 10_000)), checkpoint_steps(1000, 10_000)[-2:]
    ([0, 1, 2, 3, 4, 5, 6, 7], 64, [979, 1000])
    >>> checkpoint_steps(10, 10**9)
    [0, 1, 2, 4, 5, 7, 8, 10]
    """
    most = max(8, min(MOST_KEPT, KEPT_BYTES // max(1, state_bytes)))
    if steps < most:
        return list(range(steps + 1))
    dense = min(most // 4, 16)
    even = np.linspace(dense - 1, steps, most - dense + 1).astype(int)
    return sorted({*range(dense), *even.tolist()})


class RunFolder:
    """The files of a run; two objects for one folder see the same run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.id = path.name
        self.damaged: Path | None = None
        """Where the files were put that stood here before and made no sense."""

    @classmethod
    def create(cls, root: Path, recipe: Recipe, corpus: Corpus) -> RunFolder:
        """The folder of this run, made if there is none yet."""
        folder = cls(root / recipe.run_id(corpus))
        if not (folder.path / "recipe.json").exists():
            (folder.path / "kept").mkdir(parents=True, exist_ok=True)
            text = {"name": corpus.name, "source": corpus.source, "lines": list(corpus.lines)}
            facts = {"recipe": recipe.to_json(), "grammar": corpus.grammar is not None, **text}
            with storage.replacing(folder.path / "recipe.json") as unfinished:
                unfinished.write_text(json.dumps(facts), encoding="utf-8")
        return folder

    def _facts(self) -> dict[str, Any]:
        """What `create` wrote. Raises DamagedFile for anything else."""
        try:
            facts = json.loads((self.path / "recipe.json").read_text(encoding="utf-8"))
            if not all(isinstance(facts[name], kind) for name, kind in _FACTS.items()):
                raise TypeError("facts")
        except (ValueError, KeyError, TypeError) as error:
            what = f"The recipe of run {self.id} makes no sense ({type(error).__name__})."
            raise DamagedFile(what, "open its page again: the run begins anew.") from None
        return dict(facts)

    def recipe(self) -> Recipe:
        """Raises DamagedFile, InvalidInput."""
        return Recipe.from_json(self._facts()["recipe"])

    def corpus(self) -> Corpus:
        """Raises DamagedFile."""
        facts = self._facts()
        grammar = tracking(1).grammar if facts["grammar"] else None
        return Corpus(facts["name"], tuple(facts["lines"]), facts["source"], grammar)

    def set_aside(self) -> Path | None:
        """Moves a run whose recipe makes no sense out of the way, under a name that says so; None for a sound one."""
        file = self.path / "recipe.json"
        try:
            stamp = (file.stat().st_mtime_ns, file.stat().st_size)
            if _sound.get(self.path) == stamp:  # read once, not at every sign of life
                return None
            if self.recipe().run_id(self.corpus()) == self.id:
                _sound.put(self.path, stamp)
                return None
        except FileNotFoundError:
            return None
        except (DamagedFile, InvalidInput):
            pass
        place = self.path.with_name(f"{DAMAGED}{self.id}-{secrets.token_hex(4)}")
        self.path.rename(place)
        return place

    # ---- the record of the steps

    @property
    def _log(self) -> Path:
        return self.path / "steps.bin"

    def records(self) -> NDArray[np.void]:
        """One RECORD a step made, in order; what a crash left half written is not counted."""
        if not self._log.exists():
            return np.zeros(0, RECORD)
        data = self._log.read_bytes()
        return np.frombuffer(data[: len(data) // RECORD.itemsize * RECORD.itemsize], RECORD)

    @property
    def head(self) -> int:
        """Steps made so far."""
        try:
            return self._log.stat().st_size // RECORD.itemsize
        except FileNotFoundError:  # not begun, or removed by another server
            return 0

    def append(self, rows: list[tuple[float, ...]]) -> None:
        with self._log.open("ab") as log:
            log.write(np.array(rows, RECORD).tobytes())

    def cut(self, step: int) -> None:
        """Forgets what came after a step: it will be made again, the same."""
        if self.head > step:
            with self._log.open("r+b") as log:
                log.truncate(step * RECORD.itemsize)
        for late in [kept for kept in self.kept() if kept > step]:
            self.kept_path(late).unlink(missing_ok=True)

    # ---- weights

    @property
    def checkpoint(self) -> Path:
        """Where the run goes on from."""
        return self.path / "checkpoint.safetensors"

    def kept(self) -> list[int]:
        """Steps whose state can be looked at, ascending."""
        return sorted(int(file.stem) for file in (self.path / "kept").glob("*.safetensors"))

    def kept_path(self, step: int) -> Path:
        return self.path / "kept" / f"{step}.safetensors"

    # ---- how it stands

    def state(self) -> RunState:
        """Playable also where its file makes no sense: the worker comes to the same end again, and says so again."""
        try:
            said = json.loads((self.path / "state.json").read_text(encoding="utf-8"))
            name, message = said["name"], said["message"]
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return RunState()
        sound = name in (PLAYABLE, DONE, DIVERGED) and isinstance(message, str)
        return RunState(name, message) if sound else RunState()

    def set_state(self, state: RunState) -> None:
        with storage.replacing(self.path / "state.json") as unfinished:
            unfinished.write_text(json.dumps({"name": state.name, "message": state.message}), encoding="utf-8")
