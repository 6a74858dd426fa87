"""Expanders of the training page: one step in detail, two clocks, token vectors, learned rows beside counted ones."""

from __future__ import annotations

import math
from collections.abc import Sequence

import streamlit as st

from lm_core.labels import label
from lm_core.text.tokenizers import Tokenizer
from lm_core.training.step_details import StepDetails, explain_step
from lm_core.training_runs.checkpoint_replay import CheckpointReplay
from pages.shared import markup, on_demand, tables
from pages.training import samples
from pages.training.player import PlayerState

_STEP, _OPENED = "_train_step_fold", "_train_opened"
_MOST_NAMES = 150
_LONGEST = 5.0  # seconds of making steps again


def _name(tokenizer: Tokenizer, token_id: int) -> str:
    return label(tokenizer.token_bytes(token_id))


def _context(tokenizer: Tokenizer, ids: Sequence[int]) -> tables.Cell:
    pieces: list[str | tuple[str]] = []
    for token_id in ids:
        pieces += [(_name(tokenizer, token_id),), " "]
    return tables.marked(pieces[:-1])


def text_expander(replay: CheckpointReplay, place: PlayerState) -> None:
    """What a very small text, or a missing mask, means for what can be learned."""
    recipe, read = replay.recipe, replay.texts
    if recipe.family == "Transformer without mask" and place.at:
        markup.note(
            "Without the mask each position sees the token it is to predict. Its loss goes below what can be known; "
            "what it writes shows that it has learned to copy, not to predict."
        )
    longest = max(map(len, read.learned)) + recipe.edges
    if len(read.tokenizer.words) == 1:
        markup.note("This text has one token only: nothing is to be chosen but where it ends. Add more words to learn.")
    elif longest < recipe.context and replay.corpus.grammar is None:
        markup.note(
            f"No line has more than {longest:,} tokens to read: of a context of {recipe.context:,} no more is used."
        )


def step_expander(replay: CheckpointReplay, place: PlayerState) -> None:
    """The last step made, opened; it opens by itself after a click on Step."""
    if place.opens:
        st.session_state[_STEP] = True
    opened = st.expander("This step, opened", on_change="rerun", key=_STEP)
    if not opened.open:
        return
    with opened:
        if place.at == 0:
            st.write("No step has been made yet. Press Step: one update of the weights, and it opens here.")
        elif place.playing:
            st.write("Pause to open a step.")
        elif (seconds := replay.seconds(place.at - 1)) > _LONGEST:
            st.write(f"Making this step again would take {seconds:,.0f} s. Press Step: the next one opens at once.")
        else:
            _step(replay, _opened(replay, place.at))


def _opened(replay: CheckpointReplay, at: int) -> StepDetails:
    key, kept = (replay.folder.id, at), st.session_state.get(_OPENED)
    if not kept or kept[0] != key:
        with replay.at(at - 1) as trainer:
            kept = (key, explain_step(trainer))
        st.session_state[_OPENED] = kept
    found: StepDetails = kept[1]
    return found


def _step(replay: CheckpointReplay, opened: StepDetails) -> None:
    words, made = replay.texts.tokenizer, opened.made
    st.write(
        f"Step {made.step:,}: {opened.predictions:,} predictions, made in one pass. Their mean loss was "
        f"{made.loss:.4f} nats; the weights moved by a learning rate of {made.learning_rate:.3g}."
    )
    rows = [
        (
            _context(words, each.context), tables.token_value(_name(words, each.target)), markup.percent(each.before),
            f"{each.loss:.4f}", markup.percent(each.after),
        )
        for each in opened.asked
    ]  # fmt: skip
    caption = f"The first {len(rows)} of {opened.predictions:,} predictions"
    tables.render(["context, its last tokens", "target", "p before", "−ln p, nats", "p after"], rows, caption)
    slopes = [
        (tables.token(_name(words, each.token)), markup.percent(each.p), f"{each.slope:+.4f}".replace("-", "−"))
        for each in opened.slopes
    ]
    if opened.rest[0]:
        count, rest = opened.rest
        slopes.append((tables.heading(f"all other {count:,}"), markup.percent(rest), f"+{rest:.4f}"))
    caption = "Why it moved: p minus one-hot, for the first prediction"
    tables.render(["token", "p", "slope of the loss"], slopes, caption)
    st.write("The target’s logit is pushed up by 1 − p, every other one down by its own p: all slopes sum to 0.")
    changes = [
        (each.name, f"{each.before:+.5f}", f"{each.after:+.5f}", f"{each.after - each.before:+.5f}")
        for each in opened.changes
    ]
    minus = [tuple(cell if i == 0 else cell.replace("-", "−") for i, cell in enumerate(row)) for row in changes]
    caption = f"The largest changes among {opened.parameters:,} weights"
    tables.render(["weight", "before", "after", "change"], minus, caption)


@on_demand.expander("What to notice", key="_train_notice")
def notice_expander(replay: CheckpointReplay, place: PlayerState) -> None:
    """What to notice, with the figures of this run."""
    losses = replay.folder.records()["loss"][: place.at]
    lines = []
    for baseline in replay.baselines:
        below = (losses < baseline.nats).nonzero()[0]
        when = f"is passed at step {below[0] + 1:,}" if len(below) else "is not passed"
        lines.append(f"- {baseline.name}, {baseline.nats:.4f} nats, {when}.")
    st.write("The dashed lines are the best that can be done with so much knowledge and no more:")
    st.write("\n".join(lines))
    st.write(
        "Guessing knows nothing, unigram how often each token comes, bigram also the token before. Nothing honest "
        "stays below the last line. One batch may lie below it by chance: the held-out loss is the one to trust."
    )


@on_demand.expander("Teacher forcing, and two clocks", key="_train_clocks")
def clocks_expander(replay: CheckpointReplay, place: PlayerState) -> None:
    """Teacher forcing: one pass scores every position; generation needs one pass a token."""
    from lm_core.training import shift

    words, recipe = replay.texts.tokenizer, replay.recipe
    ids = [0, *replay.texts.learned[0], 1] if recipe.edges else replay.texts.learned[0]
    if len(ids) < 2:
        st.write("The first line has one token: there is nothing to predict.")
        return
    inputs, targets = shift(ids)
    rows = [
        (t + 1, tables.token_value(_name(words, read)), tables.token_value(_name(words, wanted)))
        for t, (read, wanted) in enumerate(zip(inputs, targets))
    ]
    head = ["position", "reads, after all before it", "is to predict"]
    tables.render(head, rows[:16], "The first line, shifted by one")
    records = replay.folder.records()[: place.at]
    passes, scored = len(records), int(records["tokens"].sum())
    st.write(
        f"In training the true text stands at every position, whatever the model would have said: teacher "
        f"forcing. A line of {len(ids):,} tokens gives {len(ids) - 1:,} predictions in one pass. So far: "
        f"{passes:,} forward passes, {scored:,} predictions scored"
        + (f", {scored / passes:,.0f} a pass." if passes else ".")
    )
    st.write(
        f"Generating works by another clock: each new token needs a pass of its own, because the next one "
        f"reads it. Writing that line takes {len(ids) - 1:,} passes, one prediction each."
    )


@on_demand.expander("What became of the token vectors", key="_train_vectors")
def vectors_expander(replay: CheckpointReplay, place: PlayerState) -> None:
    """Token vectors in the plane of largest spread."""
    from lm_core.training.projections import project_to_plane, token_vectors
    from pages.training import figure

    with replay.at(samples.shown_step(replay, place)) as trainer:
        table = token_vectors(trainer)
        step = trainer.step
    points, share = project_to_plane(table)
    names = [label(replay.texts.tokenizer.token_bytes(i)) for i in range(len(points))]
    st.plotly_chart(
        figure.scatter(points[:_MOST_NAMES].tolist(), names[:_MOST_NAMES]), key="_train_plane",
        config={"displayModeBar": False},
    )  # fmt: skip
    left = "" if len(names) <= _MOST_NAMES else f" The first {_MOST_NAMES:,} of {len(names):,} tokens are drawn."
    st.write(
        f"Step {step:,}: {table.shape[1]:,} dimensions seen along the two of largest spread, which hold "
        f"{markup.percent(share)} of it. Words used alike drift together, though nobody told the model.{left}"
    )


@on_demand.expander("Learned rows beside counted ones", key="_train_beside")
def counts_expander(replay: CheckpointReplay, place: PlayerState) -> None:
    """The learned rows beside the counted ones."""
    from lm_core.training.projections import compare_with_counts

    with replay.at(samples.shown_step(replay, place)) as trainer:
        found, step = compare_with_counts(trainer, 7), trainer.step
    words = replay.texts.tokenizer
    head = ["after ↓ next →", *(_name(words, i) for i in found.after)]
    rows = [
        (tables.token(_name(words, token)), *(f"{100 * b:.0f} / {100 * a:.0f}" for a, b in zip(counted, learned)))
        for token, counted, learned in zip(found.before, found.counted, found.learned)
    ]
    gap = max((abs(a - b) for c, m in zip(found.counted, found.learned) for a, b in zip(c, m)), default=math.nan)
    caption = f"Learned / counted, in %, over {found.places:,} predictions, at step {step:,}"
    tables.render(head, rows, caption)
    st.write(
        f"The model’s mean belief after each token, beside the share that was counted. They differ by at most "
        f"{100 * gap:.1f} points. One row for a token is all a bigram has; this model’s belief differs from place "
        "to place, and the mean hides that."
    )
