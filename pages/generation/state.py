"""A visitor's walk through what a model may say: kept between reruns, moved by the component, found by its link."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from lm_core.decoding.strategies import Strategy
from lm_core.errors import InvalidInput, whole_number
from lm_core.generation.branch_tree import MOST_TOKENS, Exploration
from lm_core.generation.loop import Limits
from lm_core.serving.engine_with_fallback import Told
from pages.shared import markup, url_state
from pages.shared.controls import model_ladder, provenance

KEY = "walk_component"
NAMES = ("path", "at", "steps")
"""Of the place in a link: the tokens of the branch, how many stand before the reader, how many to take on arrival."""
_KEPT = 4
_TOURS, _ACT, _HANDLED = (f"_walk_{word}" for word in ("tours", "act", "handled"))
_REMEDIES = {
    "keep": "Lower “Tokens of the prefix to keep” under “When to stop”, or widen the window.",
    "tokens in the prompt": "Shorten the prompt, or widen the window under “When to stop”.",
    "prompt and max_new_tokens": "Shorten the prompt, or lower the token limit under “When to stop”.",
}
_BUDGET = 0.4  # seconds of steps in one answer: the picture moves, and a click is heard


@dataclass(frozen=True)
class Place:
    """Where the visitor stands after this run, and what the component must be told."""

    tour: Exploration
    handled: str
    """The act that was just done."""
    problem: str
    """One sentence on an act that could not be done."""
    to_take: int
    """Steps that a link asks for on arrival."""
    link: dict[str, tuple[object, object]]
    playing: bool
    """Whether the next step follows by itself."""
    subject: str
    """Changes with the text and the model: a play does not go on into another one."""


def heard() -> None:
    """Callback of the component: notes what the visitor wants; done when the page gets there."""
    act = getattr(st.session_state.get(KEY), "act", None)  # a component on its way out has left nothing
    if isinstance(act, dict) and act.get("id") != st.session_state.get(_HANDLED):  # a lost answer makes it ask again
        st.session_state[_ACT] = act
        if act.get("kind") == "seed":
            _reseed(act.get("seed"))


def _reseed(seed: object) -> None:
    """Before any control of this run reads the seed."""
    try:
        st.session_state[url_state.key_of("seed")] = whole_number("seed", seed, 0, 2**32 - 1)
    except InvalidInput:
        st.session_state.pop(_ACT)


def take_act() -> dict[str, Any] | None:
    """What the visitor wants and has not got yet; from now on it counts as done."""
    act: dict[str, Any] | None = st.session_state.pop(_ACT, None)
    if act:
        st.session_state[_HANDLED] = act.get("id")
    return act


def handled() -> str:
    """The last act that was done, so that the component knows."""
    return str(st.session_state.get(_HANDLED, ""))


def place(rung: model_ladder.Rung, prompt_ids: tuple[int, ...], strategy: Strategy, limits: Limits) -> Place | None:
    """Does what was asked and says where that leads; None, with a sentence, where a prompt leaves no room."""
    try:
        tour = _tour(rung, prompt_ids, limits)
    except InvalidInput as error:
        rejected = "Rejected before anything runs: " if error.parameter == "prompt and max_new_tokens" else ""
        markup.note(f"{rejected}{error} {_REMEDIES.get(error.parameter, '')}", "error")
        return None
    problem, to_take, act = "", 0, None
    subject = f"{rung.name} {hash((prompt_ids, tour.sight))}"
    keys = (
        url_state.parsed("path", (), _path),
        url_state.parsed("at", None, _count("at")),
        url_state.parsed("steps", 0, _count("steps")),
    )
    try:
        if url_state.arriving():
            path, at, to_take = (st.session_state[key] for key in keys)
            _arrive(tour, path, at, strategy)
        act = take_act()
        if act and act.get("subject") == subject:  # what was meant for another text is not done to this one
            _do(tour, act, strategy)
    except InvalidInput as error:
        act, problem = None, str(error)
    for key, value in zip(keys, (tour.path, None if tour.at == len(tour.path) else tour.at, 0)):
        st.session_state[key] = value
    playing = bool(act and act.get("playing") and not tour.finish)
    return Place(tour, handled(), problem, to_take, _link(tour, to_take), playing, subject)


def _tour(rung: model_ladder.Rung, prompt_ids: tuple[int, ...], limits: Limits) -> Exploration:
    """The exploration of this prompt; the last few are kept, so that going back finds them as they were left."""
    tours: OrderedDict[object, tuple[Exploration, Told]] = st.session_state.setdefault(_TOURS, OrderedDict())
    new = Exploration(rung.model, prompt_ids, limits, rung.model.recalls)
    key = (rung.name, prompt_ids, new.sight)
    tour, told = tours.setdefault(key, (new, Told()))
    provenance.follow(rung.model, told)
    tours.move_to_end(key)
    while len(tours) > _KEPT:
        tours.popitem(last=False)
    tour.limit(limits)
    return tour


def _arrive(tour: Exploration, path: tuple[int, ...], at: int | None, strategy: Strategy) -> None:
    """Goes where a link says; to the prompt, with a sentence, where it leads nowhere."""
    try:
        tour.follow(path, strategy)
        tour.move(len(path) if at is None else at)
    except InvalidInput as error:
        tour.follow((), strategy)
        markup.note(f"The link was not followed in one point: {error} The text starts at the prompt.")


def _do(tour: Exploration, act: dict[str, Any], strategy: Strategy) -> None:
    """One act of the visitor; a browser may send anything."""
    kind = act.get("kind")
    if kind == "step":
        start = time.monotonic()
        most = whole_number("steps", act.get("most", 1), 1, MOST_TOKENS)
        for _ in tour.run(strategy, most):
            if time.monotonic() - start > _BUDGET:
                return
    elif kind == "take":
        tour.take(whole_number("token id", act.get("token"), 0), strategy)
    elif kind == "move":
        tour.move(whole_number("place", act.get("at"), 0))
    elif kind == "branch":
        branches = tour.branches()
        tour.follow(branches[whole_number("branch", act.get("branch"), 0, len(branches) - 1)].ids, strategy)
    elif kind in ("again", "seed"):
        tour.follow((), strategy)


def _path(text: str) -> tuple[int, ...]:
    parts = text.split(".")
    if not all(part.isascii() and part.isdigit() and len(part) < 9 for part in parts) or len(parts) > MOST_TOKENS:
        raise InvalidInput("path", f"at most {MOST_TOKENS} token ids with points between", text)
    return tuple(map(int, parts))


def _count(name: str) -> Callable[[str], int]:
    def parse(text: str) -> int:
        digits = text.isascii() and text.isdigit() and len(text) < 9
        return whole_number(name, int(text) if digits else text, 0, MOST_TOKENS)

    return parse


def _link(tour: Exploration, to_take: int) -> dict[str, tuple[object, object]]:
    """The place as `url_state.write` takes it."""
    at = None if tour.at == len(tour.path) else tour.at
    return {"path": (".".join(map(str, tour.path)), ""), "at": (at, None), "steps": (to_take, 0)}
