"""One blank, filled by a causal model from the left and by a masked language model from both sides."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lm_core import Distribution
from lm_core.labels import label
from lm_core.text.tokenizers import Tokenizer
from pages.inside_the_transformer import controls
from pages.inside_the_transformer.whole_picture import component, recordings, view
from pages.shared import markup, tables, url_state

if TYPE_CHECKING:
    from lm_core.models.masked_lm import MaskedLM

_TOP = 5
_OBJECTIVES = (
    (
        "causal (GPT-style)",
        "earlier tokens only",
        "writing from left to right",
        "filling a blank whose right side says it",
    ),
    ("masked (BERT-style)", "both sides", "classifying, extracting, reading a sentence", "open-ended writing"),
)


def render(_controls: DeltaGenerator) -> Callable[[], None]:
    """Asks for a message and which word is the blank."""
    text = controls.write("words", "A message of the small models’ world")
    words = controls.words_of(text)
    blank = controls.place("blank", "Blank out word", len(words), min(2, len(words)))
    return lambda: _show(words, blank)


def _show(words: list[str], blank: int) -> None:
    causal, masked = controls.served("causal"), controls.served("masked")
    text = " ".join(words)
    ids, own = causal.tokenizer.encode(text), masked.tokenizer.encode(text)
    left = Distribution(causal.next_logits([[0, *ids[: blank - 1]]])[0])
    both = Distribution(masked.run(lambda bare: bare.fill([0, *own, 1], blank)))
    first, second = left.row(ids[blank - 1]).probability, both.row(own[blank - 1]).probability
    name = f'<span class="nte-token">{html.escape(words[blank - 1])}</span>'
    markup.show(
        f'<p class="nte-sum" role="status"><b>{markup.percent(first)}</b> from the left, '
        f"<b>{markup.percent(second)}</b> from both sides: how probable the hidden {name} is</p>"
    )
    for_left = [*words[: blank - 1], "___", *("···" for _ in words[blank:])]
    for_both = [*words[: blank - 1], "___", *words[blank:]]
    one, other = st.columns(2)
    with one:
        _filled("Causal: reads the left", for_left, left, causal.tokenizer, ids[blank - 1])
    with other:
        _filled("Masked: reads both sides", for_both, both, masked.tokenizer, own[blank - 1])
    if url_state.presenting():
        return
    _picture(words, blank)
    rows = [(name, *map(tables.words, cells)) for name, *cells in _OBJECTIVES]
    tables.render(["objective", "reads", "good for", "a poor fit for"], rows)
    st.caption(
        "Both small models were trained here on the same messages. A masked model never learned to answer what comes "
        "next, so it cannot write; a causal one cannot use what stands to the right."
    )


def _picture(words: list[str], blank: int) -> None:
    """All layers of the masked model, whose arcs run to both sides."""
    from lm_core.inspection import inspect
    from lm_core.inspection.logit_lens import lens_grid

    masked = controls.served("masked")
    own = [0, *masked.tokenizer.encode(" ".join(words)), 1]

    def record(bare: MaskedLM) -> recordings.Recording:
        ids = [bare.mask_id if n == blank else token for n, token in enumerate(own)]
        found = inspect(bare, ids)
        return recordings.Recording(found, lens_grid(bare, found), 0.0)

    recorded = masked.run(record)
    names = ["<bos>", *("___" if n == blank else word for n, word in enumerate(words, start=1)), "<eos>"]
    layers = masked.config.layers
    asked = str(st.session_state[url_state.key_of("cell")])
    layer, at = view.read_cell(asked) if asked else (layers, blank + 1)
    layer, at = (layer, at) if layer <= layers and at <= len(names) else (layers, blank + 1)
    words_of = {int(t): label(masked.tokenizer.token_bytes(int(t))) for t in recorded.grid.tokens.ravel()}
    looked = component.Looked(layer, at, 0, 0, "p")
    component.render(component.Picture(recorded, recorded, names, words_of, looked, 0, None, None, fills=True))


def _filled(title: str, words: list[str], belief: Distribution, tokenizer: Tokenizer, true_id: int) -> None:
    shown = " ".join(f'<span class="nte-token">{html.escape(word)}</span>' for word in words)
    rows = list(belief.top(_TOP))
    if all(row.id != true_id for row in rows):
        rows[-1] = belief.row(true_id)
    shares = [
        (
            tables.token(label(tokenizer.token_bytes(row.id))), markup.percent(row.probability),
            tables.bar(row.probability),
        )
        for row in rows
    ]  # fmt: skip
    markup.show(f"<p><b>{title}</b><br>{shown}</p>")
    chosen = [number for number, row in enumerate(rows) if row.id == true_id]
    tables.render(["word", "probability", ""], shares, chosen=chosen)
