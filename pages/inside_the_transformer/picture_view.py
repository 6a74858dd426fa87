"""All of a Transformer on one text: what each layer would predict at each token, and who reads whom."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lm_core import Distribution
from lm_core.errors import InvalidInput
from lm_core.serving.lru_cache import LRUCache
from pages.inside_the_transformer import component, controls
from pages.inside_the_transformer.controls import Inspected
from pages.shared import markup, on_demand, tables, url_state

if TYPE_CHECKING:
    from lm_core.inspection import Inspection
    from lm_core.inspection.logit_lens import LensGrid

TOKENS = 64
"""Of a text, the last ones, that the picture shows."""
_GRIDS: LRUCache[tuple[str, tuple[int, ...]], LensGrid] = LRUCache(3)
"""Of all visitors."""


def render(toolbar: DeltaGenerator) -> Callable[[], None] | None:
    """Asks for text, cell and colour."""
    asked = controls.read_controls(toolbar, _beside)
    if asked is None:
        return None
    config = asked.offered.model.config
    cell = _cell(config.layers, len(asked.ids))
    head = int(st.session_state[url_state.key_of("reads")])
    if head > config.heads:
        markup.note(f"Head {head:,} is past the end, {config.heads}: their mean is shown.")
        head = 0
    shade = str(st.session_state[url_state.key_of("shade")])
    return lambda: _show(asked, cell, head, shade)


def _beside() -> None:
    """Controls beside the text."""
    on_demand.control(
        url_state.key_of("against"), st.text_input, "Compare its logit with", max_chars=40, width=190,
        placeholder="for example London",
    )  # fmt: skip
    on_demand.control(
        url_state.key_of("shade"), on_demand.select, "Colour of a cell", tuple(component.SHADES),
        format_func=component.SHADES.__getitem__, width=260,
    )  # fmt: skip


def _cell(layers: int, tokens: int) -> tuple[int, int]:
    """The (layer, token) that is looked at; by itself the last of both."""
    asked = str(st.session_state[url_state.key_of("cell")])
    if not asked:
        return layers, tokens
    layer, at = read_cell(asked)
    if layer > layers or not max(0, tokens - TOKENS) < at <= tokens:
        markup.note(f"Layer {layer:,}, token {at:,} is not in the picture: its last cell is looked at.")
        st.session_state[url_state.key_of("cell")] = ""
        return layers, tokens
    return layer, at


def read_cell(text: str) -> tuple[int, int]:
    """`layer.token` as a link holds it; layer 0 is the embeddings, tokens count from 1."""
    layer, _, at = text.partition(".")
    if not all(part.isascii() and part.isdigit() and len(part) < 5 for part in (layer, at)) or int(at) < 1:
        raise InvalidInput("cell", "a layer, a point and a token from 1, as in 17.5", text)
    return int(layer), int(at)


def _show(asked: Inspected, cell: tuple[int, int], head: int, shade: str) -> None:
    from lm_core.inspection.contributions import contributions
    from lm_core.inspection.head_roles import head_roles
    from lm_core.inspection.logit_lens import leads_from, lens_cell
    from pages.inside_the_transformer import ablation_view  # not before a Transformer is looked into: it needs torch

    found = controls.inspected(asked)
    grid = _grid(asked, found)
    names = asked.labels
    layer, at = cell
    first = len(names) - grid.tokens.shape[1]
    column = at - 1 - first
    since = leads_from(grid.final_rank[:, column])
    token, final = int(grid.tokens[-1, column]), Distribution(found.logits[at - 1])
    read, predicted = (html.escape(name) for name in (names[at - 1], asked.label(token)))
    markup.show(
        f'<p class="nte-sum" role="status">After <span class="nte-token">{read}</span> the model predicts '
        f'<span class="nte-token">{predicted}</span>, <b>{markup.percent(final.row(token).probability)}</b>; it '
        f"leads from {_named(since)} on, of {len(grid.tokens) - 1} layers</p>"
    )
    words = {int(token): asked.label(int(token)) for token in dict.fromkeys(grid.tokens.ravel().tolist())}
    if len(asked.ids) > TOKENS:
        markup.note(f"The picture shows the last {TOKENS} of {len(asked.ids)} tokens; all of them are read.")
    off = ablation_view.read(asked)
    if off:
        markup.note(
            "The picture shows the whole model, with nothing switched off. What is off, and what follows, is below."
        )
    against = _against(asked)
    who = asked.offered.model.run(lambda bare: contributions(bare, found, at - 1, token, against))
    what = "logit" if against is None else f"lead over {asked.label(against)}"
    title = f"Who wrote {asked.label(token)}: what each part adds to its {what}"
    written = component.writers(who, title, f"sum: the {'logit' if against is None else 'lead'}")
    component.render(found, grid, head_roles(found), names, words, first, cell, head, shade, written)
    if url_state.presenting():
        return
    ablation_view.render(asked, found, layer, head, off)
    belief = asked.offered.model.run(lambda bare: lens_cell(bare, found, layer, at - 1))
    st.write(f"**What {_named(layer)} would predict after token {at}**")
    tables.likeliest(belief, asked.offered.model.tokenizer, 8)
    st.write(
        "Each layer adds to a running sum (the residual stream). A cell reads that sum with the final norm and the "
        "output layer, which were trained for the last layer alone (the logit lens): earlier rows are a view from "
        "outside. A head’s label is what it was measured to look at on this text, on average over its readers. It is "
        "not what decides: others may do the same, so that switching it off changes little, or even helps."
    )


def _against(asked: Inspected) -> int | None:
    """The first token of the word that the prediction is compared with, as it stands within a text."""
    word = str(st.session_state[url_state.key_of("against")]).strip()
    if not word:
        return None
    tokenizer = asked.offered.model.tokenizer
    ids = tokenizer.encode(f" {word}") if asked.offered.prompt == "prompt" else tokenizer.encode(word)
    if len(ids) > 1:
        markup.note(f"“{word}” takes {len(ids)} tokens: the comparison is with the first, {asked.label(ids[0])}.")
    return ids[0]


def _named(layer: int) -> str:
    return f"layer {layer}" if layer else "the embeddings"


def _grid(asked: Inspected, found: Inspection) -> LensGrid:
    """The lens on all cells shown; the last few are kept for all visitors."""
    from lm_core.inspection.logit_lens import lens_grid

    key = (asked.offered.name, asked.ids)
    grid = _GRIDS.get(key)
    if grid is None:
        grid = asked.offered.model.run(lambda bare: lens_grid(bare, found, max(0, len(asked.ids) - TOKENS)))
        _GRIDS.put(key, grid)
    return grid
