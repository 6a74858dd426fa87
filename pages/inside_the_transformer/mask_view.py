"""The causal mask, on and off: change a later word and see which rows of logits change."""

from __future__ import annotations

import html
from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lm_core.errors import InvalidInput
from pages.inside_the_transformer import controls
from pages.shared import markup, on_demand, tables, url_state

_SWAPS = ("hub", "warehouse", "page")


def render(_controls: DeltaGenerator) -> Callable[[], None]:
    """Asks for a message, a word to change and the mask; returns what shows the effect."""
    text = controls.write("words", "A message of the small Transformer’s world")
    words = controls.words_of(text)
    known = controls.served("causal").tokenizer
    masked = bool(url_state.value("mask"))
    edit = controls.place("edit", "Change word", len(words), len(words) - 1)
    swap = str(url_state.value("swap")) or next(s for s in _SWAPS if s != words[edit - 1])
    if len(known.encode(swap)) != 1:
        raise InvalidInput("swap", "one word that the small models know", swap)
    if not url_state.presenting():
        with st.container(horizontal=True, vertical_alignment="bottom"):
            offered = sorted({known.token_bytes(i).decode() for i in range(2, known.vocab_size)} | {swap})
            swap = st.selectbox("into", offered, index=offered.index(swap), width=200)
            masked = on_demand.control(url_state.key_of("mask"), st.toggle, "Causal mask")
    st.session_state[url_state.key_of("swap")] = swap
    return lambda: _show(words, edit, swap, masked)


def _show(words: list[str], edit: int, swap: str, masked: bool) -> None:
    from lm_core.inspection.causal_mask import effect_of_edit, without_mask

    model = controls.served("causal")
    before = [0, *model.tokenizer.encode(" ".join(words))]
    after = [*before]
    after[edit] = model.tokenizer.encode(swap)[0]
    changes = model.run(lambda bare: effect_of_edit(bare if masked else without_mask(bare), before, after))
    earlier, later = changes[:edit], changes[edit:]
    if before == after:
        said = "<b>0</b>: the word is the same as before; choose another"
    elif masked:
        said = f"<b>{max(earlier):g}</b> exactly is the change of every row before the word; the rows after it move"
    else:
        said = f"<b>{max(earlier):.3g}</b> at most: without the mask, rows before the word move too. They have peeked"
    markup.show(f'<p class="nte-sum" role="status">{said}</p>')
    names = ["<bos>", *words]
    if url_state.presenting():
        _grid(names[:8], masked, edit)
        return
    left, right = st.columns(2)
    with left:
        _grid(names, masked, edit)
    with right:
        _table(names, edit, swap, [*earlier, *later])
    st.write(
        "Training scores all rows of one pass, each against the word that follows it. With the mask a row cannot have "
        "read its answer. Without it the answer stands right there: the loss falls below what can be known, and then "
        "the model cannot write, because nobody tells it the next word."
    )
    st.page_link(
        "pages/06_training.py", label="See it cheat: training without the mask", icon=":material/visibility_off:",
        query_params={"net": "unmasked"},
    )  # fmt: skip


def _grid(names: list[str], masked: bool, edit: int) -> None:
    """Who may read whom: a row for each reader."""
    rows = "".join(
        f'<tr><th class="nte-token" scope="row">{html.escape(reader)}</th>'
        + "".join(_cell(i, j, masked, edit) for j in range(len(names)))
        + "</tr>"
        for i, reader in enumerate(names)
    )
    allowed = len(names) * (len(names) + 1) // 2 if masked else len(names) ** 2
    markup.show(
        f'<table class="nte-mask"><caption>Who reads whom: {allowed} of {len(names) ** 2} places are open</caption>'
        f"{rows}</table>"
    )


def _cell(reader: int, read: int, masked: bool, edit: int) -> str:
    seen = not masked or read <= reader
    kind = ("nte-edited" if read == edit else "nte-open") if seen else "nte-shut"
    return f'<td class="{kind}" title="{"may read" if seen else "hidden"}">{"●" if seen else "·"}</td>'


def _table(names: list[str], edit: int, swap: str, changes: list[float]) -> None:
    shown = [f"{name} → {swap}" if n == edit else name for n, name in enumerate(names)]
    rows = [(n, tables.token_value(name), f"{change:.3g}") for n, (name, change) in enumerate(zip(shown, changes))]
    tables.render(["row", "last token read", "largest change of a logit"], rows)
