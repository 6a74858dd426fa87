"""The training component: the loss curve so far, its baselines and the transport controls, as records to draw."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from lm_core.training_runs.checkpoint_replay import CheckpointReplay
from lm_core.training_runs.run_folder import DIVERGED
from lm_core.training_runs.scheduler import INTERRUPTED
from pages.shared import components, markup
from pages.training import player
from pages.training.player import PlayerState

POINTS = 250
"""Points of a curve; a longer run is drawn as means of equal stretches."""

_component = st.components.v2.component(
    "training",
    html='<div class="training bars"></div>',
    css=components.styles("bars/bars.css", "training/training.css"),
    js=components.script("training/training.js"),
)


def render(replay: CheckpointReplay, place: PlayerState, compact: bool) -> None:
    """Transport, chart and the facts under it."""
    records, steps = replay.folder.records(), replay.recipe.steps
    upto = records[: place.at]
    data = {
        "subject": replay.folder.id,
        "at": place.at,
        "head": place.standing.head,
        "steps": steps,
        "playing": place.playing,
        "handled": place.handled,
        "seed": replay.recipe.seed,
        **_curves(records),
        "baselines": [{"name": baseline.name, "nats": baseline.nats} for baseline in replay.baselines],
        "facts": _facts(upto, bool(replay.texts.tested)),
        "said": _said(replay, place),
        "ended": place.at >= (place.standing.head if place.standing.state == DIVERGED else steps),
        "lost": place.standing.state == INTERRUPTED,
        "compact": compact,
        "told": "" if place.playing else _told(upto, steps),
    }
    _component(data=data, key=player.ACTS.key, on_act_change=player.ACTS.on_event)


def _curves(records: NDArray[np.void]) -> dict[str, Any]:
    """Training and held-out loss; of a long run the mean of each stretch, and its last step."""
    width = max(1, math.ceil(len(records) / POINTS))
    starts = range(0, len(records), width)
    loss = [[min(i + width, len(records)), _short(records["loss"][i : i + width].mean())] for i in starts]
    measured = records[~np.isnan(records["held_out"])]
    held_out = [[int(row["step"]), _short(row["held_out"])] for row in measured]
    return {"loss": loss, "width": width, "heldOut": held_out}


def _short(value: float) -> float:
    return float(f"{value:.6g}")


def _facts(upto: NDArray[np.void], tested: bool) -> list[list[str]]:
    """Name and figure of what stands under the chart."""
    if not len(upto):
        return [[name, "–"] for name in ("training loss", "held-out loss", "perplexity", "gradient norm", "speed")]
    last, recent = upto[-1], upto[-50:]
    measured = upto["held_out"][~np.isnan(upto["held_out"])]
    held_out = float(measured[-1]) if len(measured) else math.nan
    judged = held_out if len(measured) else float(last["loss"])
    return [
        ["training loss", f"{last['loss']:.4f} nats"],
        ["held-out loss", f"{held_out:.4f} nats" if len(measured) else "not yet" if tested else "none held out"],
        ["perplexity", f"{markup.figure(math.exp(judged)) if judged < 700 else '∞'}"],
        ["gradient norm", f"{last['gradient_norm']:.3g}"],
        ["speed", f"{recent['tokens'].sum() / recent['seconds'].sum():,.0f} tokens/s"],
    ]


def _said(replay: CheckpointReplay, place: PlayerState) -> str:
    """One sentence on how the run stands."""
    standing, steps = place.standing, replay.recipe.steps
    if standing.state == INTERRUPTED:
        return f"{standing.message} Resume goes on from the last save, some steps back, to the same numbers."
    if standing.state == DIVERGED and place.at >= standing.head:
        return standing.message
    if not place.at and not place.playing:
        return f"Nothing learned yet: {replay.parameters:,} random weights. Press Play."
    if place.at >= steps:
        return f"Done: {steps:,} steps."
    if not place.playing:
        return "Paused." if standing.head <= place.at else "Paused. The thin line is what is trained already."
    if standing.watchers > 1:
        return f"Training, with {standing.watchers:,} visitors watching this run."
    if standing.training > standing.slots:
        return f"Training: {standing.training:,} runs take turns on {standing.slots:,} processor(s)."
    return (
        "Training."
        if standing.head < steps
        else "This run is trained already, maybe by somebody else: you see its record."
    )


def _told(upto: NDArray[np.void], steps: int) -> str:
    return f"Step {len(upto):,} of {steps:,}, loss {upto[-1]['loss']:.4f} nats" if len(upto) else "Nothing learned yet"
