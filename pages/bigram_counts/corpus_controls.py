"""Controls for the corpus and its tokenizer: built in, generated, pasted or uploaded."""

from __future__ import annotations

import zlib
from functools import lru_cache

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lm_core.models.ngrams.count_table import CountedCorpus
from lm_core.text.corpus import Corpus, from_bytes
from pages.shared import markup, url_state
from pages.shared.controls import corpora, model_picker

TITLES = {kind: title for kind, title in corpora.TITLES.items() if kind != corpora.ARTICLES}
KINDS = {"word": "Words", "character": "Characters", "bpe": "BPE"}
_OWN = "_own_corpus"


@lru_cache(maxsize=8)
def _built_in(kind: str, by: str) -> CountedCorpus:
    return _count(corpora.built_in(kind), by)


def _count(corpus: Corpus, by: str) -> CountedCorpus:
    if by == "bpe":
        bpe = model_picker.default().tokenizer
        bos, eos = bpe.encode("<|im_start|>")[0], bpe.encode("<|im_end|>")[0]
        return CountedCorpus(corpus, bpe, bos, eos)
    return CountedCorpus(corpus, corpus.tokenizer("character" if by == "character" else "word"))


def read_corpus(place: DeltaGenerator) -> tuple[str, str]:
    """The controls: which text, which tokens."""
    kind_key, by_key = (
        url_state.choice("corpus", list(TITLES), corpora.SIX),
        url_state.choice("by", list(KINDS), "word"),
    )
    with place:
        kind = st.segmented_control(
            "Text", list(TITLES), key=kind_key, format_func=TITLES.__getitem__, required=True,
            label_visibility="collapsed",
        )  # fmt: skip
        if url_state.presenting():
            by = str(st.session_state[by_key])
        else:
            by = st.selectbox("Tokens", list(KINDS), key=by_key, format_func=KINDS.__getitem__, width=150)
    return kind or corpora.SIX, by


def counted(kind: str, by: str) -> CountedCorpus:
    """The corpus, counted. Raises UnreadableText for own text that cannot be read."""
    if kind != corpora.OWN:
        return _built_in(kind, by)
    return _own(*_text(), by)


def _text() -> tuple[str, bytes]:
    typed, file = corpora.own_text("text", "_corpus_file")
    fits = len(typed) <= corpora.LONGEST
    if file or not fits:
        markup.note("A file or a long text is not part of a link: whoever gets the link sees the example instead.")
    return (file.name, file.getvalue()) if file else ("Your text", typed.encode("utf-8", "replace"))


def _own(name: str, data: bytes, by: str) -> CountedCorpus:
    """The last one is kept for this visitor; a long one is counted with progress."""
    key = (name, len(data), zlib.crc32(data), by)
    kept = st.session_state.get(_OWN)
    if kept and kept[0] == key:
        counted: CountedCorpus = kept[1]
        return counted
    place = st.empty()
    show = place.progress if len(data) > 1_000_000 else lambda *_: None
    show(0.1, "Reading the text.")
    corpus = from_bytes(name, data)
    show(0.3, f"Finding the tokens of {len(corpus.lines):,} lines.")
    counted = _count(corpus, by)
    show(0.8, f"Counting pairs of {counted.tokenizer.vocab_size:,} different tokens.")
    counted.counts(2)
    place.empty()
    st.session_state[_OWN] = (key, counted)
    return counted
