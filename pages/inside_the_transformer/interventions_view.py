"""Parts of the model switched off, one by one, and what it then predicts beside what it predicted before."""

from __future__ import annotations

import streamlit as st

from lm_core import Distribution
from lm_core.inspection import Inspection
from lm_core.inspection.ablation import ATTENTION, MLP, Intervention, logits_without
from lm_core.labels import label
from pages.inside_the_transformer.controls import Inspected
from pages.shared import markup, tables, url_state

MOST = 12
"""Parts switched off at once."""
_TOP = 8


def render(asked: Inspected, found: Inspection, layer: int, head: int, off: list[Intervention]) -> None:
    """Buttons for the cell that is looked at, the list of what is off, and the comparison."""
    st.write("**Switch off a part and see what the model then predicts after the last token**")
    with st.container(horizontal=True):
        for each in _offered(layer, head):
            st.button(
                f"Switch off {_named(each)}", on_click=_set, args=([*off, each],), key=f"_off_{_written(each)}",
                disabled=each in off or len(off) >= MOST, icon=":material/toggle_off:",
            )  # fmt: skip
    if not off:
        st.caption(
            "Choose a cell, a head or a bar above: its layer’s parts are then offered here. Zeros stand in place of a "
            "part’s output at every token; a head is switched off before the output projection, where it is its own."
        )
        return
    with st.container(horizontal=True):
        for n, each in enumerate(off):
            rest = [other for m, other in enumerate(off) if m != n]
            st.button(
                f"{_named(each)} is off: undo", on_click=_set, args=(rest,), key=f"_on_{n}", icon=":material/undo:"
            )
        if len(off) > 1:
            st.button("Undo all", on_click=_set, args=([],), key="_on_all")
    after = asked.offered.model.run(lambda bare: Distribution(logits_without(bare, asked.ids, off)[-1]))
    _compare(asked, Distribution(found.logits[-1]), after)


def _compare(asked: Inspected, before: Distribution, after: Distribution) -> None:
    """The likeliest tokens of both, with their probabilities before and after."""
    ids = dict.fromkeys(row.id for belief in (before, after) for row in belief.top(_TOP).rows[:_TOP])
    rows = []
    for token in sorted(ids, key=lambda token: -max(before.row(token).probability, after.row(token).probability)):
        one, other = before.row(token), after.row(token)
        name = tables.token(label(asked.offered.model.tokenizer.token_bytes(token)))
        rows.append(
            [name, markup.percent(one.probability), markup.percent(other.probability), tables.bar(other.probability)]
        )
    first = before.top(1).rows[0]
    change = f"{markup.percent(first.probability)} to {markup.percent(after.row(first.id).probability)}"
    st.write(
        f"{markup.plain_text(asked.label(first.id))} goes from **{change}**; KL divergence of after from before "
        f"{markup.nats(before.kl_divergence(after, 'nats'))} nats."
    )
    tables.render(["next token", "before", "after", ""], rows)


def _offered(layer: int, head: int) -> list[Intervention]:
    """The parts of the layer that is looked at; the embeddings have none."""
    if not layer:
        return []
    heads = [Intervention(layer, head)] if head else []
    return [*heads, Intervention(layer), Intervention(layer, part=MLP)]


def _named(off: Intervention) -> str:
    what = f"head {off.head}" if off.head else "all attention" if off.part == ATTENTION else "MLP"
    return f"layer {off.layer}, {what}"


def _written(off: Intervention) -> str:
    return f"{off.layer}.{off.head or off.part}"


def _set(off: list[Intervention]) -> None:
    st.session_state[url_state.key_of("off")] = ",".join(dict.fromkeys(map(_written, off)))


def read(asked: Inspected) -> list[Intervention]:
    """What is switched off; what is not there is said and left out."""
    layers, heads = asked.offered.model.config.layers, asked.offered.model.config.heads
    text = str(st.session_state[url_state.key_of("off")])
    found: list[Intervention] = []
    for part in filter(None, text.split(",")):
        layer, _, what = part.partition(".")
        head = int(what) if what.isascii() and what.isdigit() and len(what) < 4 else 0
        known = layer.isascii() and layer.isdigit() and len(layer) < 4 and (head or what in (ATTENTION, MLP))
        if not known or not 1 <= int(layer) <= layers or head > heads:
            markup.note(
                f"“{part[:40]}” cannot be switched off and is left out; write parts as 24.5, 24.attention, 24.mlp."
            )
            continue
        found.append(Intervention(int(layer), head, what if what in (ATTENTION, MLP) else ATTENTION))
    if len(found) > MOST:
        markup.note(f"Of {len(found)} parts the first {MOST} are switched off: more at once are not.")
    return found[:MOST]
