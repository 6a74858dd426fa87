"""Which Transformers can be looked into: pretrained, small, a training run at any of its steps, the visitor's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from lm_core.models import LanguageModel
from lm_core.serving import ServedModel
from lm_core.serving.lru_cache import LRUCache
from lm_core.text.arithmetic_task import Sum
from lm_core.training.recipe import FAMILIES
from lm_core.training_runs.run_folder import RunFolder
from pages.shared import markup, on_demand, url_state
from pages.shared.controls import model_picker, offered_models
from pages.shared.controls.offered_models import OWN, PRETRAINED, OfferedModel

if TYPE_CHECKING:
    from lm_core.training.recorded_run import RecordedRun
    from lm_core.training_runs.checkpoint_replay import CheckpointReplay

SMALL, SUMS, RUN, TRAINED = "transformer", "sums", "run", "trained"
_FILE = Path("assets/training_runs/induction.safetensors")
TEXTS = {PRETRAINED: "prompt", SMALL: "words", SUMS: "sum", RUN: "letters", TRAINED: "mine", OWN: "mine"}
"""The link parameter of each one's text: they do not know the same words."""
DEFAULTS = {
    "prompt": "The capital of France is", "words": "the customer left the checkout page.", "sum": Sum(9, 4).prompt,
    "letters": "qwjkzmxqwjkzmx", "mine": "",
}  # fmt: skip
_SECOND = {
    "prompt": "The capital of Italy is", "words": "the customer left the regional hub.", "sum": Sum(8, 4).prompt,
    "letters": "qwjkzmxqwjkzmz",
}  # fmt: skip
_WORD = {"prompt": "London", "words": "hub", "sum": "4", "letters": "w"}
_SERVED: LRUCache[tuple[str, int], ServedModel] = LRUCache(32)
"""Small models of runs, of all visitors, by run and step."""


@dataclass(frozen=True)
class Source:
    """A model, and the text that it is given at first."""

    offered: OfferedModel
    name: str
    default: str
    second: str = ""
    """Another of as many tokens, to compare it with."""
    word: str = ""
    """To compare the prediction's logit with."""
    said: str = ""
    """What there is to know of it, beside the text."""


def kinds() -> tuple[str, ...]:
    """Those there are for this visitor; a run of theirs once page Training has shown one."""
    return (PRETRAINED, SMALL, SUMS, RUN, *((TRAINED,) if _own_run() else ()), OWN)


def read() -> Source:
    """The model chosen, at the step chosen. Raises ModelUnavailable."""
    kind = offered_models.choose_model(not url_state.presenting(), kinds())
    if kind == RUN:
        return _recorded()
    if kind == SUMS:
        said = "Trained here on subtractions told in three wordings: page Limits says how many it gets right."
        return Source(
            offered_models.offered_model(SUMS), TEXTS[SUMS], DEFAULTS["sum"], _SECOND["sum"], _WORD["sum"], said
        )
    if kind == TRAINED and (folder := _own_run()):
        return _trained(folder)
    offered = offered_models.offered_model(kind, inside=True)
    if not hasattr(offered.model.config, "kv_heads"):
        markup.note("The chosen model cannot be looked into: the small Transformer is shown instead.")
        offered = offered_models.offered_model(SMALL)
    elif kind == PRETRAINED and model_picker.is_remote():
        markup.note(f"An engine cannot be looked into: all numbers are those of {offered.name} on this server.")
    name = {"prompt": "prompt", "mine": "mine"}.get(offered.prompt, "words")
    said = offered_models.about_model(offered.kind) if offered.kind != PRETRAINED else ""
    return Source(offered, name, DEFAULTS[name] or offered.default, _SECOND.get(name, ""), _WORD.get(name, ""), said)


def _recorded() -> Source:
    """The run that comes with the app."""
    run = _run()
    step = _step(run.steps)
    offered = _offered(RUN, "induction", step, lambda: run.at(step))
    said = (
        "Trained here on words of random letters, each written twice: all it can learn is to look back. At step 0 its "
        "weights are random; an induction head appears between steps 300 and 500. Type lowercase letters."
    )
    return Source(offered, TEXTS[RUN], DEFAULTS[TEXTS[RUN]], _SECOND[TEXTS[RUN]], _WORD[TEXTS[RUN]], said)


@lru_cache
def _run() -> RecordedRun:
    from lm_core.training import recorded_run

    return recorded_run.read(_FILE.read_bytes(), _FILE.name)


def _own_run() -> RunFolder | None:
    """The run that page Training has shown this visitor last, if it is a Transformer's and has begun."""
    from lm_core.training_runs.scheduler import scheduler

    if not (run := st.session_state.get("_train_run")):
        return None
    folder = RunFolder(scheduler().root / str(run))
    return folder if folder.head and folder.recipe().family == FAMILIES[2] else None


def _trained(folder: RunFolder) -> Source:
    from lm_core.training_runs.checkpoint_replay import open_replay

    replay = open_replay(folder)
    step = _step(tuple(sorted({0, *folder.kept(), folder.head})))
    offered = _offered(TRAINED, folder.id, step, lambda: _copied(replay, step), replay.recipe.edges)
    first = folder.corpus().lines[0]
    return Source(offered, TEXTS[TRAINED], first, said=f"Your run on page Training, on “{folder.corpus().name}”.")


def _copied(replay: CheckpointReplay, step: int) -> LanguageModel:
    from copy import deepcopy

    with replay.at(step) as trainer:
        return deepcopy(trainer.model).eval().requires_grad_(False)


def _step(steps: tuple[int, ...]) -> int:
    """The recorded step nearest to the one asked for; dragging it scrubs the run."""
    key = url_state.key_of("step")
    asked = int(st.session_state[key])
    step = min(steps, key=lambda each: abs(each - asked))
    if url_state.presenting() or len(steps) < 2:
        return step
    st.session_state[key] = step
    return int(on_demand.control(key, _slide, "Training step", steps))


def _slide(label: str, steps: tuple[int, ...], value: int, **rest: Any) -> int:
    return int(st.select_slider(label, steps, value=value, **rest))


def _offered(kind: str, run: str, step: int, model: Callable[[], LanguageModel], edges: bool = False) -> OfferedModel:
    """The model of a run at a step, served like the others."""
    served = _SERVED.get((run, step))
    if served is None:
        served = ServedModel(model(), kv_bytes=2**20, result_bytes=2**20)
        _SERVED.put((run, step), served)
    return OfferedModel(kind, f"{run}@{step}", served, TEXTS[kind], "", begin=(0,) if edges else ())
