"""A question about an order that does not exist: the model answers all the same, and a look-up changes what it says."""

from __future__ import annotations

import html
from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lm_core import Distribution
from lm_core.labels import label
from lm_core.serving import ServedModel
from pages.limits.controls import ORDER
from pages.limits.policy_view import chances, with_context
from pages.shared import markup, on_demand, tables, url_state
from pages.shared.controls import model_picker

_OTHER = 40417
_TOP = 5


def question(order: int) -> str:
    """The text to be continued."""
    return f"Order {order} left the warehouse on a"


def looked_up(order: int, day: str = "Friday") -> str:
    """What a tool would have found; here it is made up, as the order is."""
    return f"Look-up: order {order} left the warehouse on a {day}."


def render(toolbar: DeltaGenerator) -> Callable[[], None]:
    """Asks for an order's number and whether it is looked up; returns what shows the answers."""
    order, found = int(url_state.value("order")), bool(url_state.value("found"))
    if not url_state.presenting():
        with toolbar:
            found = on_demand.control(url_state.key_of("found"), st.toggle, "Look it up first")
        order = int(on_demand.control(
            url_state.key_of("order"), st.number_input, "Make up an order’s number", 10_000, 99_999, width=220
        ))  # fmt: skip
    return lambda: _show(order, found)


def _show(order: int, found: bool) -> None:
    model = model_picker.pretrained_alone()
    other = _OTHER if order != _OTHER else ORDER
    text = with_context(looked_up(order) if found else "", question(order))
    belief, beside = (
        Distribution(model.next_logits([model.tokenizer.encode(each)])[0]) for each in (text, question(other))
    )
    st.code(text + " …", language=None)
    leader = belief.top(1).rows[0]
    friday = chances(model, text, ("Friday",))[0]
    said = f"{html.escape(label(model.tokenizer.token_bytes(leader.id)))} {markup.percent(leader.probability)}"
    note = f"“Friday”, what the look-up says: {markup.percent(friday)}." if found else "Nobody placed this order."
    markup.show(f'<p class="nte-sum" role="status"><b>{said}</b> is the likeliest answer. {note}</p>')
    tables.likeliest(belief, model.tokenizer, _TOP)
    if url_state.presenting():
        return
    if not found:
        st.write(
            f"Ask about order {other} instead, and the answer is nearly the same: "
            f"**{belief.kl_divergence(beside, 'bits'):.4f} bits** lie between the two distributions. A database would "
            "say: no such order. A language model goes on with what is likely, from its context and its weights."
        )
    _rows(model, order, other)


def _rows(model: ServedModel, order: int, other: int) -> None:
    """What a look-up changes, and that two of them can be mixed up."""
    contexts = {
        "nothing": "",
        f"{order}: Friday": looked_up(order),
        f"{order}: Friday, {other}: Monday": looked_up(order) + "\n" + looked_up(other, "Monday"),
    }
    rows, right = [], True
    for name, context in contexts.items():
        found = [chances(model, with_context(context, question(each)), ("Friday", "Monday")) for each in (order, other)]
        rows.append([name, *(markup.percent(p) for both in found for p in both)])
        right = found[0][0] > found[0][1] and found[1][1] > found[1][0]
    head = ["looked up", *(f"{each}: {day}" for each in (order, other) for day in ("Friday", "Monday"))]
    tables.render(head, rows, "Grounding, measured: p of each day for each order")
    st.write(
        "**Retrieval** puts a trusted text into the context, a **tool** puts a result there, a **citation** says which "
        "line an answer rests on. "
        + (
            "With two lines to read, each order got its own day here."
            if right
            else "With two lines to read, the model took a day from the wrong line: a citation lets a reader see that."
        )
    )
