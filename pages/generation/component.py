"""The generation component: the text so far, the next distribution, and the branches, as records that it draws."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from lm_core.decoding.strategies import Strategy
from lm_core.generation.branch_tree import Branch, BranchTree
from lm_core.generation.loop import Limits, delivered
from lm_core.generation.repetition import repeated_phrase
from lm_core.generation.trace import FinishReason, Step
from lm_core.generation.trace_file import TraceFile
from lm_core.labels import character_parts, effect_on_character, label, spoken
from lm_core.text.tokenizers import Tokenizer
from pages.generation import state, strategy_controls
from pages.shared import components, url_state

SIZES = (5, 10, 20, 50)
_PROMPT_CHIPS = 120
_NAMES = {
    "Temperature": "temperature", "TopK": "top-k", "TopP": "top-p", "MinP": "min-p", "RepetitionPenalty": "penalty",
}  # fmt: skip

_component = st.components.v2.component(
    "generation",
    html='<div class="generation bars"></div>',
    css=components.styles("bars/bars.css", "generation/generation.css"),
    js=components.script("generation/generation.js"),
)


@dataclass(frozen=True)
class ViewSettings:
    """How it is shown."""

    size: int
    axis: str
    keys: bool
    """Whether single keys act while the component has the focus."""


@dataclass(frozen=True)
class Picture:
    """Everything that stands on the screen, as records."""

    prompt_ids: Sequence[int]
    steps: Sequence[Step]
    at: int
    next: Step | None
    """The turn at the reader's place; None where nothing follows."""
    name_of: Callable[[int], bytes]
    special_ids: frozenset[int]
    vocab_size: int
    forgotten: range
    finish: FinishReason | None
    sentence: str
    """Why nothing follows, in words."""
    withheld: int
    """How many tokens before the reader's place a stop string or a policy keeps from the reader of the answer."""
    policy: str = ""
    """What the window does when it is full."""
    branches: Sequence[Branch] = ()
    readonly: bool = False


def picture_of_tree(tree: BranchTree, strategy: Strategy) -> Picture:
    """Of a branch tree, whose model answers."""
    finish, tokenizer = tree.finish, tree.model.tokenizer
    return Picture(
        prompt_ids=tree.prompt_ids, steps=tree.steps, at=tree.at, next=None if finish else tree.look(strategy),
        name_of=tokenizer.token_bytes, special_ids=tokenizer.special_ids, vocab_size=tree.model.vocab_size,
        forgotten=tree.forgotten, finish=finish, sentence=_why(finish, tree), withheld=_withheld(tree, tokenizer),
        policy=str(tree.limits.policy), branches=tree.branches(),
    )  # fmt: skip


def picture_of_trace_file(trace_file: TraceFile, at: int) -> Picture:
    """The picture of a trace without its model."""
    steps = trace_file.trace.steps
    finish = trace_file.trace.finish if at == len(steps) else None
    cut_off = finish is FinishReason.CANCELLED
    return Picture(
        prompt_ids=trace_file.trace.prompt_ids, steps=steps, at=at, next=steps[at] if at < len(steps) else None,
        name_of=dict(trace_file.names).__getitem__, special_ids=frozenset(), vocab_size=trace_file.vocab_size,
        forgotten=range(0), finish=None if cut_off else finish,
        sentence=f"The trace_file ends here: {'the text goes on' if cut_off else finish}." if finish else "",
        withheld=0, readonly=True,
    )  # fmt: skip


def render(picture: Picture, view: ViewSettings, caption: str, **told: Any) -> None:
    """Draws it; `told` is what else the component must know, such as the seed."""
    shown = picture.next or (picture.steps[picture.at - 1] if picture.at else None)
    ids = [*picture.prompt_ids, *(step.id for step in picture.steps)]
    parts = [str(part or "") for part in character_parts([picture.name_of(i) for i in ids])]
    prompt = list(enumerate(picture.prompt_ids))[-_PROMPT_CHIPS:]
    before = b"".join(map(picture.name_of, ids[: len(picture.prompt_ids) + picture.at - (picture.next is None)][-4:]))
    data = {
        "prompt": [_chip(i, position, picture, parts[position]) for position, i in prompt],
        "hidden": len(picture.prompt_ids) - len(prompt),
        "prompt_length": len(picture.prompt_ids),
        "tokens": [
            _token(step, number, picture, parts[len(picture.prompt_ids) + number])
            for number, step in enumerate(picture.steps)
        ],
        "at": picture.at,
        "gone": len(picture.forgotten),
        "policy": picture.policy,
        "vocabulary": picture.vocab_size,
        "turn": turn_of(shown, picture.name_of, view.size, before) | {"taken": _taken(picture)} if shown else None,
        "finish": str(picture.finish or ""),
        "sentence": picture.sentence,
        "readonly": picture.readonly,
        "branches": [_branch(branch, picture) for branch in picture.branches],
        "circle": _circle(picture),
        "facts": _facts(picture.steps[: picture.at]),
        "caption": caption,
        "axis": view.axis,
        "keys": view.keys,
        "compact": url_state.presenting(),
        **told,
    }
    _component(data=data, key=state.ACTS.key, on_act_change=state.ACTS.on_event)


def _named(token_id: int, name_of: Callable[[int], bytes], before: bytes = b"") -> dict[str, Any]:
    token = name_of(token_id)
    said = {"label": label(token), "spoken": spoken(token), "does": effect_on_character(before, token)}
    return {"id": token_id, **said}


def _chip(token_id: int, position: int, picture: Picture, part: str) -> dict[str, Any]:
    """A token of the text so far; `part` says what it holds of a character that takes several."""
    named = {**_named(token_id, picture.name_of), "part": part}
    return {**named, "special": token_id in picture.special_ids, "gone": position in picture.forgotten}


def _token(step: Step, number: int, picture: Picture, part: str) -> dict[str, Any]:
    """A generated token: how surprised the model was by it, and whose choice it was."""
    strategys = "the strategy’s choice" if step.u is None else "drawn"
    return {
        **_chip(step.id, step.position, picture, part),
        "p": math.exp(step.log_probability),
        "by": "taken by hand" if step.by_hand else strategys,
        "withheld": picture.at - picture.withheld <= number < picture.at,
    }


def turn_of(step: Step, name_of: Callable[[int], bytes], size: int, text: bytes = b"") -> dict[str, Any]:
    """One turn: rows before and after the filters, the rest, and what was chosen. `text` is what stands before it."""
    before, after = step.stages[0], step.stages[-1]
    rows = [
        {
            **_named(i, name_of, text),
            "before": math.exp(a),
            "p": math.exp(b),
            "cut": b == -math.inf,
            "log_p": a,
            "logit": logit,
        }
        for i, a, b, logit in zip(step.shown, before.log_probabilities, after.log_probabilities, before.logits)
        if a > -math.inf
    ]
    rows.sort(key=lambda row: (-row["p"], -row["before"], row["id"]))  # what a filter cut comes last
    # The token that the strategy chose, and the one that was taken, always have a row of their own.
    listed, chosen = rows[:size], (step.proposed, step.id)
    for row in (row for row in rows[size:] if row["id"] in chosen):
        listed.remove(next(each for each in reversed(listed) if each["id"] not in chosen))
        listed.append(row)
    others = [row for row in rows if row not in listed]
    rest = {
        "count": before.rest.count + len(others),
        "before": before.rest.probability + math.fsum(row["before"] for row in others),
        "p": after.rest.probability + math.fsum(row["p"] for row in others),
    }
    pick = {**_named(step.proposed, name_of), "p": math.exp(after.log_probabilities[step.shown.index(step.proposed)])}
    stages = [{"name": _NAMES.get(stage.name, stage.name), "possible": stage.possible} for stage in step.stages]
    facts = {"u": step.u, "pick": pick, "entropy": step.entropy, "filtered": len(stages) > 1, "stages": stages}
    return {"rows": listed, "rest": rest, **facts}


def _taken(picture: Picture) -> int | None:
    """The token that was taken in the turn that is shown."""
    number = picture.at if picture.next else picture.at - 1
    return picture.steps[number].id if number < len(picture.steps) else None


def _branch(branch: Branch, picture: Picture) -> dict[str, Any]:
    """A branch as a row: where it leaves the others, and its accounts."""
    return {
        "shared": branch.shared,
        "labels": [label(picture.name_of(i)) for i in branch.ids[branch.shared :]],
        "tokens": len(branch.ids),
        "log_p": branch.log_probability,
        "perplexity": branch.perplexity,
        "by_hand": 0 if branch.name else branch.by_hand,
        "how": branch.name or "; ".join(map(strategy_controls.in_words, branch.strategies)),
        "current": branch.ids == tuple(step.id for step in picture.steps),
    }


def _facts(steps: Sequence[Step]) -> dict[str, Any]:
    """The accounts of the text before the reader: joint log-probability, perplexity, speed."""
    joint = math.fsum(step.log_probability for step in steps)
    timed = [step.seconds for step in steps if step.seconds]
    return {
        "log_p": joint,
        "perplexity": math.exp(min(709.0, -joint / len(steps))) if steps else None,
        "last": steps[-1].log_probability if steps else None,
        "timed": len(timed),
        "rate": len(timed) / math.fsum(timed) if timed else None,
    }


def _circle(picture: Picture) -> dict[str, Any] | None:
    found = repeated_phrase([step.id for step in picture.steps[: picture.at]])
    return {"labels": [label(picture.name_of(i)) for i in found.ids], "times": found.times} if found else None


def _withheld(tree: BranchTree, tokenizer: Tokenizer) -> int:
    """Tokens at the end that a stop string or a policy's word reaches into."""
    if tree.finish not in (FinishReason.STOP_STRING, FinishReason.POLICY):
        return 0
    whole = delivered(tokenizer.decode(tree.here), tree.limits)
    before = next(n for n in range(tree.at, -1, -1) if len(tokenizer.decode(tree.here[:n])) <= len(whole))
    return tree.at - before


def _counted(tokens: int) -> str:
    return f"{tokens} token{'s' if tokens != 1 else ''}"


def _why(finish: FinishReason | None, tree: BranchTree) -> str:
    """The reason by its name, and what it means here."""
    if finish is None:
        return ""
    limits: Limits = tree.limits
    room = limits.room(tree.model)
    last = label(tree.model.tokenizer.token_bytes(tree.here[-1]))
    across = _withheld(tree, tree.model.tokenizer)
    text = tree.model.tokenizer.decode(tree.here).lower()
    texts = limits.policy_words if finish is FinishReason.POLICY else limits.stop_strings
    named = next((f"“{label(each.encode())}”" for each in texts if each.lower() in text), "")
    said = {
        FinishReason.END_TOKEN: f"the model chose {last}, which ends the text.",
        FinishReason.POLICY: f"{named} came up; what stands before it is let out, the rest is withheld.",
        FinishReason.STOP_STRING: f"{named} came up, over {_counted(across)}; it is cut off the answer.",
        FinishReason.TOKEN_LIMIT: f"{_counted(tree.at)}. Raise the limit under “When to stop” to go on.",
        FinishReason.CONTEXT_FULL: f"the window holds {room} tokens and the next one would see them all and more. "
        "Choose what to forget under “When to stop”.",
        FinishReason.CANCELLED: "by the reader.",
    }
    return f"Stopped, {finish}: {said[finish]}"
