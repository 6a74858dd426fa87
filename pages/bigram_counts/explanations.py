"""Expanders below the grid: the lines behind a count, smoothing, longer contexts, what no count learns."""

from __future__ import annotations

import html
from itertools import islice

import streamlit as st

from lm_core.decoding.strategies import strategy
from lm_core.generation import loop
from lm_core.labels import label
from lm_core.models.ngrams.count_table import CountedCorpus, Ids, followers, sources, spread
from lm_core.models.ngrams.model import AbsoluteDiscounting, KneserNey, Smoothing, StupidBackoff
from lm_core.scoring.held_out import HeldOut, backoff_score, best_k, held_out, over_k, score_sentence
from lm_core.text.tokenizers import WordTokenizer
from pages.bigram_counts.component import Names
from pages.bigram_counts.controls import KS
from pages.shared import markup, on_demand, tables

_LINES = 40
_SMOOTHINGS: dict[str, Smoothing] = {
    "absolute discounting, d = 0.75": AbsoluteDiscounting(),
    "Kneser-Ney, d = 0.75": KneserNey(),
}
_BACKOFF = StupidBackoff(0.4)
_TWINS = ("package left the", "customer left the")


def lines_expander(counted: CountedCorpus, order: int, row: Ids, token: int) -> None:
    """Where a count came from: each line with the place marked."""
    names = Names(counted)
    count = int(counted.counts(order).row(row)[token])
    name = f"{names.of(row)['label']} → {names.of((token,))['label']}"
    if not count:
        markup.note(f"{name} stands in no line: its count is 0. The table cannot tell impossible from not seen yet.")
        return
    found = list(islice(sources(counted.sentences, row, token, counted.bos, counted.eos), _LINES))
    places = sum(len(each.places) for each in found)
    more = "" if places == count else f"; the first {places:,} of them"
    body = "".join(f"<li>{_marked(counted, each.ids, each.places, len(row))}</li>" for each in found)
    markup.show(
        f'<p><span class="nte-token">{html.escape(name)}</span> stands {count:,} times in the text{more}:</p>'
        f'<ol class="nte-lines">{body}</ol>'
    )


def _marked(counted: CountedCorpus, ids: Ids, places: tuple[int, ...], length: int) -> str:
    """A line token by token; the n-gram at each place is marked."""
    inside = {at for place in places for at in range(place - length, place + 1)}
    pieces = [
        (i in inside, "<eos>" if token == counted.eos else label(counted.tokenizer.token_bytes(token)))
        for i, token in enumerate(ids)
    ]
    if min(inside) < 0:
        pieces.insert(0, (True, "<bos>"))
    return " ".join(f"<mark>{html.escape(piece)}</mark>" if mine else html.escape(piece) for mine, piece in pieces)


def sentence_expander(counted: CountedCorpus, order: int, k: float, text: str) -> None:
    """A sentence token by token: the count, the probability, and what one impossible pair does to all of it."""
    ids = counted.tokenizer.encode(text)
    if not ids:
        markup.note("Type a sentence to score, for example: package left depot")
        return
    scored = score_sentence(counted, order, ids, k)
    names = Names(counted)
    rows = [
        (
            tables.token(names.of((each.id,))["label"]), tables.token_value(names.of(each.context)["label"]),
            f"{each.count:,} of {each.total:,}" if each.total else "context never seen",
            markup.percent(each.probability), markup.nats(each.log_probability),
        )
        for each in scored
    ]  # fmt: skip
    tables.render(["token", "after", "count", "probability", "ln p (nats)"], rows)
    made = HeldOut.of([each.probability for each in scored])
    if made.impossible:
        st.write(
            f"{made.impossible} of {made.events} predictions have **probability 0**: ln 0 is −∞, the product is 0 and "
            "the **perplexity infinite**. Add a small k to every count, above, and it comes back."
        )
    else:
        st.write(
            f"ln P = {markup.nats(made.log_probability)} nats, **perplexity {made.perplexity:.4g}** over {made.events}."
        )


@on_demand.expander("What smoothing buys on held-out text", key="_count_smoothing")
def smoothing_expander(counted: CountedCorpus, order: int, k: float) -> None:
    """Expander: held-out perplexity against k, the best marked, and smoothings that use shorter contexts."""
    learned, tested = counted.parts
    if not tested:
        st.write("One sentence alone: nothing can be held out. Add a line to the text.")
        return
    curve = over_k(counted.counts(order, learned=True), tested, KS)
    best = best_k(curve, KS)
    lowest = curve[KS.index(best)]
    st.write(
        f"A tenth of the text, {len(tested):,} of {len(tested) + len(learned):,} lines, is held out; the rest is "
        "counted. "
        f"Of {lowest.events:,} held-out predictions, {curve[0].impossible:,} are pairs that were never seen: "
        f"bare counts call them impossible. The best k tried is **{best:g}**, with perplexity "
        f"**{lowest.perplexity:.4g}** per token."
    )
    from pages.bigram_counts import figure as figures

    chart = figures.over_k(KS, [each.perplexity for each in curve], best, k)
    st.plotly_chart(chart, key="_count_curve", config={"displayModeBar": False})
    rows = [(f"add-k, k = {best:g}", lowest)]
    rows += [(name, held_out(counted.model(order, kind, learned=True), tested)) for name, kind in _SMOOTHINGS.items()]
    cells = [
        (name, markup.figure(found.perplexity), f"{found.impossible:,}", markup.figure(found.perplexity_of_possible))
        for name, found in rows
    ]
    scored = backoff_score(counted.model(order, _BACKOFF, learned=True), tested)
    cells.append((f"stupid backoff, {_BACKOFF.alpha:g}", "none", f"{scored.impossible:,}", "none"))
    tables.render(["smoothing", "perplexity", "impossible", "perplexity without those"], cells)
    st.write(
        "The lower three fall back on shorter contexts instead of adding to every count. A word that the counted "
        "part never saw stays impossible for them. Stupid backoff has no perplexity, because its scores are no "
        f"probabilities: after one context of these lines they sum to {scored.largest_row_sum:.4g} instead of 1. Their "
        f"mean log score, {markup.nats(scored.mean_log_score)} nats over the {scored.events - scored.impossible:,} "
        "that are possible, can be compared with that of another stupid backoff alone."
    )


@on_demand.expander("Longer contexts: n-grams", key="_count_longer")
def longer_expander(counted: CountedCorpus) -> None:
    """Expander: orders 1 to 5, how thin they get, what they predict, and how they write."""
    _, tested = counted.parts
    orders = range(1, counted.highest_order + 1)
    names = ("n", "contexts possible", "seen", "seen once", "best k", "held-out perplexity")
    written = "".join(f"<li>{html.escape(_written(counted, order))}</li>" for order in orders)
    tables.render(names, [_order(counted, order, tested) for order in orders])
    markup.show(f"<p>Written by each, n = 1, 2, …, with the same numbers drawn (seed 0):</p><ol>{written}</ol>")
    st.write(
        "Longer contexts know more and are met less often: most of those possible are never seen, and of those "
        "seen many are seen once. The text gets smoother because it copies."
    )
    if counted.highest_order < 5:
        size = counted.tokenizer.vocab_size
        markup.note(f"With {size:,} different tokens, n-grams are counted up to n = {counted.highest_order} here.")


def _order(counted: CountedCorpus, order: int, tested: list[list[int]]) -> list[object]:
    thin = spread(counted.counts(order))
    curve = over_k(counted.counts(order, learned=True), tested, KS) if tested else ()
    best = best_k(curve, KS) if tested else 0.0
    perplexity = markup.figure(curve[KS.index(best)].perplexity) if tested else "–"
    possible = f"{thin.possible:,}" if thin.possible < 10**10 else f"{thin.possible:.2e}".replace("e+", " × 10^")
    return [order, possible, f"{thin.seen:,}", f"{thin.seen_once:,}", f"{best:g}", perplexity]


def _written(counted: CountedCorpus, order: int) -> str:
    model = counted.model(order)
    drawn = loop.run(model, [counted.bos], strategy(seed=0), loop.Limits(16))
    text = model.tokenizer.decode([i for i in drawn.ids if i != counted.eos])
    return label(text.encode()).replace("·", " ") or "(the end at once)"


@on_demand.expander("What a table can never learn", key="_count_blind")
def blind_expander(counted: CountedCorpus) -> None:
    """Expander: two texts that a bigram cannot tell apart, and a word whose synonym learns nothing."""
    with st.container(horizontal=True):
        first = st.text_input("One beginning", _TWINS[0], key="_twin_a", max_chars=100)
        other = st.text_input("Another, same last word", _TWINS[1], key="_twin_b", max_chars=100)
    if all(counted.tokenizer.encodable(text) and counted.tokenizer.encode(text) for text in (first, other)):
        _twins(counted, first, other)
    else:
        markup.note("This text does not know all of these words: choose the support log above, or type words it has.")
    st.write(
        "**Rows share nothing.** Teach the table one pair, and the row of a word that means the same stays as it "
        "was; a neural model would move both."
    )
    with st.container(horizontal=True):
        word = st.text_input("Teach: after", "package", key="_teach_word", max_chars=40)
        new = st.text_input("comes", "vanished", key="_teach_next", max_chars=40)
        twin = st.text_input("and its synonym", "parcel", key="_teach_twin", max_chars=40)
    _teach(counted, word, new, twin)


def _twins(counted: CountedCorpus, first: str, other: str) -> None:
    rows = []
    for order in range(2, min(4, counted.highest_order) + 1):
        said = []
        for text in (first, other):
            context = _last(counted, text, order - 1)
            found = followers(counted.counts(order), context, 0, 3)
            named = found.named if found else ()
            said.append(
                ", ".join(f"{Names(counted).of(e.ids)['label']} {markup.percent(e.probability)}" for e in named)
            )
        same = "the same row" if said[0] == said[1] else "different rows"
        rows.append((order, *(tables.words(text or "never seen") for text in said), tables.words(same)))
    tables.render(["n", f"{first} …", f"{other} …", ""], rows)


def _last(counted: CountedCorpus, text: str, length: int) -> Ids:
    ids = counted.tokenizer.encode(text)
    return tuple([*[counted.bos] * length, *ids][len(ids) :])


def _teach(counted: CountedCorpus, word: str, new: str, twin: str) -> None:
    wider = counted.with_words(f"{word} {new} {twin}")
    # In byte-pair encoding a word inside a sentence brings its space along.
    spelled = (word, new, twin) if isinstance(wider.tokenizer, WordTokenizer) else (f" {word}", f" {new}", f" {twin}")
    encoded = [wider.tokenizer.encode(text) for text in spelled]
    if any(len(ids) != 1 for ids in encoded):
        markup.note("Each of the three must be one token of this text, such as a single word.")
        return
    (a,), (b,), (c,) = encoded
    taught = wider.taught([a, b])
    rows = []
    for name, context in ((word, a), (twin, c)):
        found = [each.counts(2).row([context]) for each in (wider, taught)]
        rows.append((tables.token(f"{name} → {new}"), *(f"{int(row[b]):,} of {int(row.sum()):,}" for row in found)))
    tables.render(["pair", "before", "after teaching one message"], rows)
