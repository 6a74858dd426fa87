"""The player of a training run: plays, steps, goes back. A run is trained as far as anyone watches it."""

from __future__ import annotations

import math
import secrets
import time
from dataclasses import dataclass
from typing import Any

import streamlit as st

from lm_core.errors import InvalidInput, whole_number
from lm_core.training_runs.checkpoint_replay import CheckpointReplay
from lm_core.training_runs.run_folder import DIVERGED, RunFolder
from lm_core.training_runs.scheduler import INTERRUPTED, RunStatus, scheduler
from pages.shared import url_state
from pages.shared.components import Acts

ACTS = Acts("training_component", seed="run_seed")
SPEEDS = {"full": 0.0, "ten": 10.0, "one": 1.0, "fast": math.inf, "ahead": math.inf}
"""Steps a second; full: the whole run in ten seconds, if it trains that fast; ahead: to a step that was asked for."""
_WHOLE_RUN = 10.0  # seconds
_SOON = 0.04  # seconds of making steps again that a drag allows itself
_PATIENCE = 2.0  # seconds a single step may take before it is waited for as a run that plays is
_AT, _UNTIL, _PLAYING, _SINCE, _STEPPING, _RUN, _WATCHER = (
    f"_train_{word}" for word in ("at", "until", "playing", "since", "stepping", "run", "watcher")
)


@dataclass(frozen=True)
class PlayerState:
    """Where the visitor stands after this run of the page."""

    at: int
    playing: str
    """The speed; empty when paused."""
    handled: str
    standing: RunStatus
    arrived: bool
    """Whether the page shows this run for the first time."""
    opens: bool
    """Whether the visitor has just made this one step."""


def watcher() -> str:
    """This visitor's name among those who watch runs."""
    return str(st.session_state.setdefault(_WATCHER, secrets.token_hex(8)))


def update(replay: CheckpointReplay) -> PlayerState:
    """Does what was asked, moves a run that plays, and says where that leads."""
    folder = replay.folder
    state, steps = st.session_state, replay.recipe.steps
    at_key = url_state.number("at", 0, 0, steps)
    me = watcher()
    arrived = state.get(_RUN) != folder.id
    if arrived or url_state.arriving():
        if (before := state.get(_RUN)) not in (None, folder.id):
            scheduler().leave(RunFolder(scheduler().root / before), me)
        state[_RUN] = folder.id
        asked = min(state[at_key], steps) if url_state.arriving() else 0
        state[_AT], state[_PLAYING] = float(min(asked, folder.head)), ""
        if asked > folder.head:  # a link to a step that nobody has trained here yet
            _play("ahead", asked)
    act = ACTS.take()
    if act and act.get("subject") not in (folder.id, None) and act.get("kind") != "seed":
        act = None
    if act and act.get("kind") != "tick":
        state[_STEPPING] = 0
    opens = _do(act or {}, replay, steps, me)
    standing = _move(folder, steps, me)
    if state.get(_STEPPING) == state[_AT] > 0 and not state[_PLAYING]:
        opens, state[_STEPPING] = True, 0
    at = int(state[_AT])
    state[at_key] = at
    return PlayerState(at, state[_PLAYING], ACTS.last(), standing, arrived, opens)


def _do(act: dict[str, Any], replay: CheckpointReplay, steps: int, me: str) -> bool:
    """One act of the visitor; a browser may send anything. Whether it was a single step that was made."""
    folder = replay.folder
    state, kind = st.session_state, act.get("kind")
    if kind == "play":
        if state[_AT] >= (folder.head if folder.state().name == DIVERGED else steps):
            state[_AT] = 0.0
        _play(str(act.get("speed")), steps)
    elif kind in ("pause", "seed"):
        state[_PLAYING] = ""
    elif kind == "reset":
        state[_AT], state[_PLAYING] = 0.0, ""
    elif kind == "resume":
        scheduler().resume(folder)
        _play("full", steps)
    elif kind == "move":
        try:
            state[_AT] = float(_near(replay, whole_number("step", act.get("at"), 0, folder.head)))
        except InvalidInput:
            return False
        state[_PLAYING] = ""
    elif kind == "step":
        state[_PLAYING] = ""
        return _step(folder, steps, me)
    return False


def _near(replay: CheckpointReplay, step: int) -> int:
    """This step, if it is soon made again; else the nearest one that was kept: a drag must not wait."""
    if replay.seconds(step) <= _SOON:
        return step
    return min(replay.folder.kept(), key=lambda kept: abs(kept - step), default=step)


def _play(speed: str, until: int) -> None:
    state = st.session_state
    state[_PLAYING], state[_UNTIL], state[_SINCE] = speed if speed in SPEEDS else "full", until, time.monotonic()


def _step(folder: RunFolder, steps: int, me: str) -> bool:
    """One step on; it is trained now if nobody has come this far. A process that only now starts is waited for."""
    wanted = int(st.session_state[_AT]) + 1
    if wanted > steps:
        return False
    end = time.monotonic() + _PATIENCE
    while scheduler().watch(folder, me, wanted).head < wanted and time.monotonic() < end:
        time.sleep(0.01)
    if folder.head < wanted:
        st.session_state[_STEPPING] = wanted
        _play("ahead", wanted)
        return False
    st.session_state[_AT] = float(wanted)
    return True


def _move(folder: RunFolder, steps: int, me: str) -> RunStatus:
    """Goes on with a run that plays, and says how far it is wanted."""
    state = st.session_state
    speed = state[_PLAYING]
    if not speed:
        return scheduler().watch(folder, me, 0)
    now = time.monotonic()
    passed, state[_SINCE] = now - state[_SINCE], now
    rate = SPEEDS[speed] or steps / _WHOLE_RUN
    until = state[_UNTIL]
    ahead = until if speed in ("full", "fast", "ahead") else min(until, int(state[_AT] + 3 * rate) + 1)
    standing = scheduler().watch(folder, me, ahead)
    state[_AT] = min(float(standing.head), float(until), state[_AT] + max(passed, 1e-6) * rate)
    ended = standing.state in (DIVERGED, INTERRUPTED) and state[_AT] >= standing.head
    if state[_AT] >= until or ended:
        state[_PLAYING] = ""
        standing = scheduler().watch(folder, me, 0)
    return standing
