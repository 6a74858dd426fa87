"""A Transformer at work on one text: what each layer would predict, who reads whom, and what follows from a change."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lm_core import Distribution
from lm_core.errors import InvalidInput
from pages.inside_the_transformer import controls
from pages.inside_the_transformer.controls import Inspected
from pages.inside_the_transformer.sources import Source
from pages.inside_the_transformer.whole_picture import (
    arrow,
    component,
    heads,
    interventions,
    kept_columns,
    recordings,
    second_text,
)
from pages.inside_the_transformer.whole_picture.component import Looked
from pages.inside_the_transformer.whole_picture.recordings import TOKENS, Recording
from pages.inside_the_transformer.whole_picture.switches import MASK, WAYS, Switch
from pages.shared import markup, on_demand, tables, url_state

if TYPE_CHECKING:
    from lm_core.inspection import Inspection

_BARS, _ON_STAGE, _FEW_LAYERS = 8, 5, 6


def declare() -> None:
    """Its parameters, beside those of all views."""
    url_state.text("cell", "", max_length=10)
    url_state.text("against", "", max_length=40)
    url_state.text("off", "", max_length=200)
    url_state.number("reads", 0, 0, 1000)
    url_state.number("arrow", 0, 0, 1000)
    url_state.choice("shade", tuple(component.SHADES), "p")
    url_state.choice("by", tuple(WAYS), "zero")
    url_state.flag("cache", default=True)


def render(toolbar: DeltaGenerator) -> Callable[[], None] | None:
    """Asks for text, cell and colour."""
    asked = controls.read_controls(toolbar, _beside)
    if asked is None:
        return None
    config = asked.offered.model.config
    layer, at = _cell(config.layers, len(asked.ids))
    head = int(st.session_state[url_state.key_of("reads")])
    if head > config.heads:
        markup.note(f"Head {head:,} is past the end, {config.heads}: their mean is shown.")
        head = 0
    key = int(st.session_state[url_state.key_of("arrow")])
    shade = str(st.session_state[url_state.key_of("shade")])
    return lambda: _show(asked, Looked(layer, at, head, key if key <= len(asked.ids) else 0, shade))


def _beside(source: Source) -> None:
    """Controls beside the text."""
    on_demand.control(
        url_state.key_of("second"), st.text_area, "A second text to compare", height=70,
        max_chars=url_state.LONGEST_TEXT, width=250, placeholder=source.second,
    )  # fmt: skip
    on_demand.control(
        url_state.key_of("against"), st.text_input, "Compare its logit with", max_chars=40, width=170,
        placeholder=f"for example {source.word}" if source.word else None,
    )  # fmt: skip
    on_demand.control(
        url_state.key_of("shade"), on_demand.select, "Colour of a cell", tuple(component.SHADES),
        format_func=component.SHADES.__getitem__, width=240,
    )  # fmt: skip


def _cell(layers: int, tokens: int) -> tuple[int, int]:
    """The (layer, token) that is looked at; by itself the last of both."""
    asked = str(st.session_state[url_state.key_of("cell")])
    if not asked:
        return layers, tokens
    layer, at = read_cell(asked)
    if layer > layers or not max(0, tokens - TOKENS) < at <= tokens:
        markup.note(f"Layer {layer:,}, token {at:,} is not in the picture: the last cell is shown instead.")
        st.session_state[url_state.key_of("cell")] = ""
        return layers, tokens
    return layer, at


def read_cell(text: str) -> tuple[int, int]:
    """`layer.token` as a link holds it; layer 0 is the embeddings, tokens count from 1."""
    layer, _, at = text.partition(".")
    if not all(part.isascii() and part.isdigit() and len(part) < 5 for part in (layer, at)) or int(at) < 1:
        raise InvalidInput("cell", "a layer, a point and a token from 1, as in 17.5", text)
    return int(layer), int(at)


def _show(asked: Inspected, looked: Looked) -> None:
    if len(asked.ids) > TOKENS:
        markup.note(f"The picture shows the last {TOKENS} of {len(asked.ids)} tokens; all of them are read.")
    off = interventions.read(asked)
    whole = recordings.record(asked, reuse=bool(url_state.value("cache")))
    second = _second(asked, off)
    under = whole
    if off:
        changes = [each.intervention(second) for each in off]
        written = ",".join(each.written() for each in off) + f" {asked.second}"
        under = recordings.record_under(asked, whole, changes, written, asked.ids)
    looked = _arrow(looked, under.found)
    before, after = (Distribution(each.found.logits[looked.at - 1]) for each in (whole, under))
    _headline(asked, looked, under, after, bool(off))
    if url_state.presenting():
        _picture(asked, looked, whole, under, second)
        return
    with st.container(horizontal=True, gap="medium"):
        with st.container(width="stretch", key="_inside_left"):
            _picture(asked, looked, whole, under, second)
            if _small(asked):  # a few rows leave room below them
                _heads(asked, looked, whole, under)
        with st.container(width=310, key="_inside_right"):
            _next_token(asked, looked, before, after if off else None)
            kept_columns.render(asked, under, off)
            interventions.render_buttons(asked, (looked.layer, looked.at), looked.head, looked.key, off)
            if second is not None:
                first = under.found if _unmasked(under) else whole.found
                second_text.render(asked, first, second, looked.shade, url_state.key_of("shade"))
    _below(asked, looked, whole, under, second, before, after)


def _small(asked: Inspected) -> bool:
    return asked.offered.model.config.layers <= _FEW_LAYERS


def _unmasked(under: Recording) -> bool:
    return Switch(MASK).intervention(None) in under.found.interventions


def _second(asked: Inspected, off: list[Switch]) -> Inspection | None:
    """The pass over the second text, with the mask lifted where it is lifted for the first."""
    if not asked.second:
        return None
    whole = recordings.record(asked, asked.second)
    if not any(each.kind == MASK for each in off):
        return whole.found
    return recordings.record_under(asked, whole, [Switch(MASK).intervention(None)], MASK, asked.second).found


def _arrow(looked: Looked, found: Inspection) -> Looked:
    """The arrow that is worked out belongs to a head: where none is chosen, to that which reads it most."""
    reaches = (
        looked.layer and looked.key and (found.attention[looked.layer - 1, :, looked.at - 1, looked.key - 1] > 0).any()
    )
    if not reaches:
        return Looked(looked.layer, looked.at, looked.head, 0, looked.shade)
    most = int(found.attention[looked.layer - 1, :, looked.at - 1, looked.key - 1].argmax()) + 1
    return Looked(looked.layer, looked.at, looked.head or most, looked.key, looked.shade)


def _headline(asked: Inspected, looked: Looked, under: Recording, final: Distribution, changed: bool) -> None:
    """What the model predicts after the token looked at, and from which layer on."""
    from lm_core.inspection.logit_lens import leads_from

    top = final.top(1).rows[0]
    column = looked.at - 1 - under.grid.first
    read, predicted = (html.escape(name) for name in (asked.labels[looked.at - 1], asked.label(top.id)))
    since = leads_from(under.grid.final_rank[:, column])
    leads = f"; it leads from {named(since)} on, of {len(under.grid.tokens) - 1} layers"
    markup.show(
        f'<p class="nte-sum" role="status">After <span class="nte-token">{read}</span> the model'
        f'{", with what you changed," if changed else ""} predicts <span class="nte-token">{predicted}</span>, '
        f"<b>{markup.percent(top.probability)}</b>{_at_the_end(asked, looked, under) if changed else leads}</p>"
    )


def _at_the_end(asked: Inspected, looked: Looked, under: Recording) -> str:
    """What follows from a change after the last token, where another one is looked at."""
    if looked.at == len(asked.ids):
        return ""
    top = Distribution(under.found.logits[-1]).top(1).rows[0]
    token = html.escape(asked.label(top.id))
    return f'; after the text <span class="nte-token">{token}</span>, {markup.percent(top.probability)}'


def _picture(asked: Inspected, looked: Looked, whole: Recording, under: Recording, second: Inspection | None) -> None:
    words = {
        int(token): asked.label(int(token))
        for grid in (whole.grid, under.grid)
        for token in dict.fromkeys(grid.tokens.ravel().tolist())
    }
    apart = second_text.differences(whole.found, second) if second is not None else None
    component.render(component.Picture(
        whole, under, asked.labels, words, looked, kept_columns.kept(asked, under), apart,
        second_text.effects(asked) if second is not None else None,
    ))  # fmt: skip


def _heads(asked: Inspected, looked: Looked, whole: Recording, under: Recording) -> None:
    """Who wrote what the whole model predicts, with what is off switched off."""
    from lm_core.inspection.contributions import contributions

    token = int(whole.grid.tokens[-1, looked.at - 1 - whole.grid.first])
    against = _against(asked)
    who = asked.offered.model.run(lambda bare: contributions(bare, under.found, looked.at - 1, token, against))
    what = "logit" if against is None else f"lead over {asked.label(against)}"
    title = f"Who wrote {asked.label(token)}: what each part adds to its {what}"
    written = heads.writers(who, title, f"sum: the {'logit' if against is None else 'lead'}")
    heads.render(under.found, looked, whole.grid.first, written)


def _next_token(asked: Inspected, looked: Looked, before: Distribution, after: Distribution | None) -> None:
    """The bars that the last row leads into."""
    read = markup.plain_text(asked.labels[looked.at - 1])
    st.write(f"**Next token after {read}**")
    if after is None:
        tables.likeliest(before, asked.offered.model.tokenizer, _BARS)
        return
    ids = dict.fromkeys(row.id for belief in (before, after) for row in belief.top(_ON_STAGE).rows)
    rows = [
        [
            tables.token(asked.label(token)), markup.percent(before.row(token).probability),
            markup.percent(after.row(token).probability), tables.bar(after.row(token).probability),
        ]
        for token in sorted(ids, key=lambda each: -max(before.row(each).probability, after.row(each).probability))
    ]  # fmt: skip
    tables.render(["token", "before", "after", ""], rows)
    st.write(interventions.said(asked, before, after))


def _below(
    asked: Inspected, looked: Looked, whole: Recording, under: Recording, second: Inspection | None,
    before: Distribution, after: Distribution,
) -> None:  # fmt: skip
    """What is read, not looked at."""
    from lm_core.inspection.logit_lens import lens_cell

    if looked.key:
        arrow.render(asked, under.found, (looked.layer, looked.at), looked.head, looked.key)
    if not _small(asked):
        _heads(asked, looked, whole, under)
    left, right = st.columns(2)
    with left:
        belief = asked.offered.model.run(lambda bare: lens_cell(bare, under.found, looked.layer, looked.at - 1))
        st.write(f"**What {named(looked.layer)} would predict after token {looked.at}**")
        tables.likeliest(belief, asked.offered.model.tokenizer, _BARS)
    with right:
        if under is not whole:
            interventions.render_movers(asked, before, after)
    st.write(
        "Each layer adds to a running sum (the residual stream). A cell reads that sum with the final norm and the "
        "output layer, which were trained for the last layer alone (the logit lens): earlier rows are a view from "
        "outside. A head’s label is what it was measured to look at on this text, on average over its readers. It is "
        "not what decides: others may do the same, so that switching it off changes little, or even helps. No part "
        "ever puts out zeros by itself, so replacing it with zeros is a strong intervention; its mean over the text "
        "takes away only what it says about this position. At layer 0 the lens reads bare embeddings, and odd tokens "
        "such as `<filename>` may come up."
    )


def _against(asked: Inspected) -> int | None:
    """The first token of the word that the prediction is compared with, as it stands within a text."""
    word = str(st.session_state[url_state.key_of("against")]).strip()
    if not word:
        return None
    tokenizer = asked.offered.model.tokenizer
    try:
        ids = tokenizer.encode(f" {word}") if asked.name == "prompt" else tokenizer.encode(word)
    except InvalidInput as error:
        markup.note(f"The prediction is not compared with “{word}”. {error}")
        return None
    if len(ids) > 1:
        markup.note(f"“{word}” takes {len(ids)} tokens: the comparison is with the first, {asked.label(ids[0])}.")
    return ids[0]


def named(layer: int) -> str:
    """A row of the picture."""
    return f"layer {layer}" if layer else "the embeddings"
