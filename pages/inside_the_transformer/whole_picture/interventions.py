"""Parts of the model switched off, arrows cut, cells of a second text put in place; each undone by one click."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from lm_core import Distribution
from lm_core.labels import label
from pages.inside_the_transformer.controls import Inspected
from pages.inside_the_transformer.whole_picture.switches import MASK, MOST, WAYS, Switch, parsed
from pages.shared import markup, on_demand, tables, url_state

_MOVERS = 8


def read(asked: Inspected) -> list[Switch]:
    """What is switched off; what is not there is said and left out."""
    config = asked.offered.model.config
    found: list[Switch] = []
    for part in filter(None, str(st.session_state[url_state.key_of("off")]).split(",")):
        switch = parsed(part)
        missing = switch and switch.misses(config.layers, config.heads, len(asked.ids), bool(asked.second))
        if switch is None:
            markup.note(
                f"“{part[:40]}” is no part of a model and is left out. Write parts as 24.5, 24.attention, 24.mlp."
            )
        elif missing:
            markup.note(f"“{part[:40]}” cannot be switched off here: {missing}. It is left out.")
        elif switch not in found:
            found.append(switch)
    if len(found) > MOST:
        markup.note(f"Of {len(found)} changes the first {MOST} are made: more at once are not.")
    return found[:MOST]


def render_buttons(asked: Inspected, cell: tuple[int, int], head: int, key: int, off: list[Switch]) -> None:
    """What can be done with the cell, head and arrow that are looked at, and what is undone."""
    labels = asked.labels
    _undo(labels, off)
    if not head:
        st.caption("To switch off a single head, choose it below the picture, or a bar that names it.")
    offered = _offered(asked, cell, head, key)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        for each in offered:
            st.button(
                markup.plain_text(each.button(labels)), on_click=_set, args=([*off, each],),
                key=f"_off_{each.written()}", disabled=each in off or len(off) >= MOST, icon=":material/toggle_off:",
            )  # fmt: skip
        on_demand.control(
            url_state.key_of("by"),
            on_demand.select,
            "Replace its output with",
            tuple(WAYS),
            format_func=WAYS.__getitem__,
            width=190,
        )


def _undo(labels: list[str], off: list[Switch]) -> None:
    """A button for each change, and one for all."""
    for n, each in enumerate(off):
        rest = [other for m, other in enumerate(off) if m != n]
        st.button(
            f"Undo: {markup.plain_text(each.named(labels))}", on_click=_set, args=(rest,), key=f"_on_{n}",
            icon=":material/undo:", type="primary",
        )  # fmt: skip
    if len(off) > 1:
        st.button("Undo all", on_click=_set, args=([],), key="_on_all")


def _offered(asked: Inspected, cell: tuple[int, int], head: int, key: int) -> list[Switch]:
    """For the cell that is looked at; the embeddings have no parts."""
    layer, at = cell
    by = str(st.session_state[url_state.key_of("by")])
    found: list[Switch] = []
    if layer:
        found += [Switch("head", layer, head, by=by)] if head else []
        found += [Switch("arrow", layer, head, at, key)] if key and (at, key) != (1, 1) else []
        found += [Switch("attention", layer, by=by), Switch("mlp", layer, by=by)]
    found += [Switch("cell", layer, reader=at)] if asked.second else []
    return [*found, Switch(MASK)]


def _set(off: Sequence[Switch]) -> None:
    st.session_state[url_state.key_of("off")] = ",".join(dict.fromkeys(each.written() for each in off))


def said(asked: Inspected, before: Distribution, after: Distribution) -> str:
    """How far the prediction has moved."""
    first = before.top(1).rows[0]
    change = f"{markup.percent(first.probability)} to {markup.percent(after.row(first.id).probability)}"
    return (
        f"{markup.plain_text(asked.label(first.id))} goes from **{change}**. The KL divergence of the new prediction "
        f"from the old is **{markup.nats(before.kl_divergence(after, 'nats'))} nats**; 0 would be no change at all."
    )


def render_movers(asked: Inspected, before: Distribution, after: Distribution) -> None:
    """The tokens whose probability has moved most, as on page Next token."""
    rows = []
    for token in before.movers(after, _MOVERS):
        one, other = before.row(token).probability, after.row(token).probability
        name = tables.token(label(asked.offered.model.tokenizer.token_bytes(token)))
        moved = f"{100 * (other - one):+.2f}".replace("-", "−")
        rows.append([name, markup.percent(one), markup.percent(other), moved])
    tables.render(["next token", "before", "after", "moved, points"], rows, "Biggest movers")
