"""The KV cache in the picture: the top token is taken, the columns before stay, and only the new one is computed."""

from __future__ import annotations

import streamlit as st

from lm_core import Distribution
from pages.inside_the_transformer.controls import Inspected
from pages.inside_the_transformer.whole_picture import recordings
from pages.inside_the_transformer.whole_picture.recordings import Recording
from pages.inside_the_transformer.whole_picture.switches import Switch
from pages.shared import markup, on_demand, url_state

_TAKEN = "_inside_taken"


def render(asked: Inspected, under: Recording, off: list[Switch]) -> None:
    """The button, the switch, and what the last token cost with and without the cache."""
    top = Distribution(under.found.logits[-1]).top(1).rows[0].id
    token = asked.offered.model.tokenizer.token_bytes(top)
    try:
        text: str | None = token.decode()
    except UnicodeDecodeError:
        text = None
    full = len(asked.ids) >= (asked.offered.model.context_length or len(asked.ids) + 1)
    why = "This token is a part of a character, which a text cannot end with." if text is None else ""
    why = why or ("The text is as long as this model can read." if full else "")
    ends = top in asked.offered.model.end_ids
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            f"Take {markup.plain_text(asked.label(top))} and read on", on_click=_take, args=(asked, text or "", top),
            disabled=bool(why) or ends, icon=":material/add:", key="_inside_take", help=why or None,
        )  # fmt: skip
        on_demand.control(url_state.key_of("cache"), st.toggle, "KV cache")
    if not off and (cost := _cost(asked)):
        st.write(cost)


def kept(asked: Inspected, under: Recording) -> int:
    """Columns, from the first token, that were not computed for this text but kept from the last."""
    taken = st.session_state.get(_TAKEN, {})
    return under.found.kept if taken.get("ids") == asked.ids and url_state.value("cache") else 0


def _take(asked: Inspected, text: str, top: int) -> None:
    key = url_state.key_of(asked.name)
    joint = "" if asked.name in ("prompt", "letters") else " "
    st.session_state[key] = f"{st.session_state[key]}{joint}{text}"
    st.session_state[url_state.key_of("cell")] = ""  # what is looked at goes along to the new last token
    st.session_state[url_state.key_of("arrow")] = 0
    st.session_state[_TAKEN] = {"ids": (*asked.ids, top)}


def _cost(asked: Inspected) -> str:
    """Both times of the token just taken, each measured once."""
    taken = st.session_state.get(_TAKEN, {})
    if taken.get("ids") != asked.ids:
        return ""
    if "all" not in taken:
        before = recordings.record(asked, asked.ids[:-1])
        run = asked.offered.model.run
        taken["new"] = min(run(lambda bare: recordings.timed(bare, asked.ids, known=before.found))[1] for _ in range(2))
        taken["all"] = min(run(lambda bare: recordings.timed(bare, asked.ids))[1] for _ in range(2))
    config, tokens = asked.offered.model.config, len(asked.ids)
    each = 2 * config.layers * config.kv_heads * config.head_dim * 4
    new, whole = (f"{1000 * taken[name]:.3g} ms" for name in ("new", "all"))
    size = f"{tokens - 1} tokens × {each:,} B = {(tokens - 1) * each:,} B"
    formula = f"2 × {config.layers} layers × {config.kv_heads} key-value heads × {config.head_dim} × 4 B"
    if not url_state.value("cache"):
        return f"Without the cache all {tokens} columns were computed again: **{whole}**. With it, one: {new}."
    return (
        f"**{tokens - 1} columns were kept, one was computed: {new}**; all of them again would take {whole}. Kept are "
        f"the keys and values of every layer: {size} ({formula} a token). Times are those of the pass, not the lens."
    )
