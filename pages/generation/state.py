"""A visitor's branch tree and place on it: kept between reruns, changed by the component, restored by a link."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from lm_core.decoding.strategies import Strategy
from lm_core.errors import InvalidInput, whole_number
from lm_core.generation.branch_tree import MOST_TOKENS, BranchTree
from lm_core.generation.loop import Limits
from lm_core.serving.engine_with_fallback import Provenance
from pages.shared import markup, url_state
from pages.shared.components import Acts
from pages.shared.controls import offered_models, provenance

ACTS = Acts("generation_component", seed="seed")
KEPT_BY_EXAMPLES = frozenset({"axis", "n", "line", "mine", "row"})
"""Parameters that an example leaves alone: how the picture is seen, and the prompts of other models."""
_PLACE = ("path", "at", "steps")
_KEPT = 4
_TREES = "_generation_trees"
_REMEDIES = {
    "keep": "Lower “Tokens of the prefix to keep” under “When to stop”, or widen the window.",
    "tokens in the prompt": "Shorten the prompt, or widen the window under “When to stop”.",
    "prompt and max_new_tokens": "Shorten the prompt, or lower the token limit under “When to stop”.",
}
_BUDGET = 0.4  # seconds of steps in one answer: the picture moves, and a click is heard


@dataclass(frozen=True)
class GenerationState:
    """Where the visitor stands after this run, and what the component must be answered_by."""

    tree: BranchTree
    handled: str
    """The act that was just done."""
    problem: str
    """One sentence on an act that could not be done."""
    to_take: int
    """Steps that a link asks for on arrival."""
    playing: bool
    """Whether the next step follows by itself."""
    subject: str
    """Changes with the text and the model: a play does not go on into another one."""


def update(
    offered: offered_models.OfferedModel, prompt_ids: tuple[int, ...], strategy: Strategy, limits: Limits
) -> GenerationState | None:
    """Does what was asked and says where that leads; None, with a sentence, where a prompt leaves no room."""
    try:
        tree = _tree(offered, prompt_ids, limits)
    except InvalidInput as error:
        rejected = "Rejected before anything runs: " if error.parameter == "prompt and max_new_tokens" else ""
        markup.note(f"{rejected}{error} {_REMEDIES.get(error.parameter, '')}", "error")
        return None
    problem, to_take, act = "", 0, None
    subject = f"{offered.name} {hash((prompt_ids, tree.sight))}"
    keys = (  # the tokens of the branch, how many stand before the reader, how many to take on arrival
        url_state.parsed("path", (), _path, lambda path: ".".join(map(str, path))),
        url_state.parsed("at", None, _count("at")),
        url_state.parsed("steps", 0, _count("steps")),
    )
    try:
        if url_state.arriving():
            path, at, to_take = (st.session_state[key] for key in keys)
            _arrive(tree, path, at, strategy)
        act = ACTS.take()
        if act and act.get("subject") == subject:  # what was meant for another text is not done to this one
            _do(tree, act, strategy)
    except InvalidInput as error:
        act, problem = None, str(error)
    for key, value in zip(keys, (tree.path, None if tree.at == len(tree.path) else tree.at, 0)):
        st.session_state[key] = value
    url_state.put("path", tree.path)
    url_state.put("steps", to_take)
    playing = bool(act and act.get("playing") and not tree.finish)
    return GenerationState(tree, ACTS.last(), problem, to_take, playing, subject)


def arrival(link: dict[str, str]) -> str:
    """Changes with the scene, and not with the place in it: the steps a link asks for are taken once."""
    return str({name: text for name, text in link.items() if name not in _PLACE})


def _tree(offered: offered_models.OfferedModel, prompt_ids: tuple[int, ...], limits: Limits) -> BranchTree:
    """The exploration of this prompt; the last few are kept, so that going back finds them as they were left."""
    trees: OrderedDict[object, tuple[BranchTree, Provenance]] = st.session_state.setdefault(_TREES, OrderedDict())
    new = BranchTree(offered.model, prompt_ids, limits, offered.model.recalls)
    key = (offered.name, prompt_ids, new.sight)
    tree, answered_by = trees.setdefault(key, (new, Provenance()))
    provenance.follow(offered.model, answered_by)
    trees.move_to_end(key)
    while len(trees) > _KEPT:
        trees.popitem(last=False)
    tree.limit(limits)
    return tree


def _arrive(tree: BranchTree, path: tuple[int, ...], at: int | None, strategy: Strategy) -> None:
    """Goes where a link says; to the prompt, with a sentence, where it leads nowhere."""
    try:
        tree.follow(path, strategy)
        tree.move(len(path) if at is None else at)
    except InvalidInput as error:
        tree.follow((), strategy)
        markup.note(f"The link was not followed in one point: {error} The text starts at the prompt.")


def _do(tree: BranchTree, act: dict[str, Any], strategy: Strategy) -> None:
    """One act of the visitor; a browser may send anything."""
    kind = act.get("kind")
    if kind == "step":
        start = time.monotonic()
        most = whole_number("steps", act.get("most", 1), 1, MOST_TOKENS)
        for _ in tree.run(strategy, most):
            if time.monotonic() - start > _BUDGET:
                return
    elif kind == "take":
        tree.take(whole_number("token id", act.get("token"), 0), strategy)
    elif kind == "move":
        tree.move(whole_number("place", act.get("at"), 0))
    elif kind == "branch":
        branches = tree.branches()
        tree.follow(branches[whole_number("branch", act.get("branch"), 0, len(branches) - 1)].ids, strategy)
    elif kind in ("again", "seed"):
        tree.follow((), strategy)


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
