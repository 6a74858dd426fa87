"""How sure the figure is: what it rests on, or why there is none, and what of the model is known all the same."""

from __future__ import annotations

import html
from dataclasses import replace

import streamlit as st

from lm_core import kv_sizing
from lm_core.kv_sizing import Effect, Scenario
from lm_core.kv_sizing.report import amounts
from pages.shared import markup, tables, url_state

_TURNED = {
    kv_sizing.FITS: "it would fit", kv_sizing.CLOSE: "it would be too close to call",
    kv_sizing.TOO_LARGE: "it would not fit",
}  # fmt: skip


def settled(scenario: Scenario) -> Scenario:
    """Names the keys that were not understood, with a box by which the visitor takes them to change nothing."""
    model = scenario.geometry
    if not model.not_understood:
        return scenario
    named = ", ".join(model.not_understood)
    kept = f"_kv_harmless_{named}"
    if not url_state.presenting():
        markup.note(
            f"Not understood, and able to change what the cache keeps: {named}. Find out what they do; then put it "
            "into the table of layer groups, or tick the box.",
            "error",
        )
        st.session_state[kept] = st.checkbox(
            "They change nothing beyond what the table says", st.session_state.get(kept, False), key=f"_box{kept}"
        )
    return replace(scenario, geometry=model.assuming_harmless()) if st.session_state.get(kept) else scenario


def not_known(scenario: Scenario) -> None:
    """Stands where the figure would: that there is none, why, and the part that is known."""
    model = scenario.geometry
    reasons = [
        f"{group.layers} layers of a type to be assigned ({group.label or 'no name'})" for group in model.unassigned
    ]
    keys = model.not_understood
    if keys:
        more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
        reasons.append(f"{', '.join(keys[:3])}{more} not understood")
    markup.show(
        f'<p class="nte-sum" role="status"><b>Not known</b><br>{html.escape(model.name)}: '
        f"{html.escape('; '.join(reasons))}. There is no total before that is settled below.</p>"
    )
    if (part := kv_sizing.known_part(model)) is None:
        return
    sizing = replace(scenario, geometry=part).sizing
    rows = [
        (tables.heading(line.label, sentence=True), amounts.binary(line.bytes), tables.words(line.formula))
        for line in sizing.lines
    ]
    tables.render(["as far as it was understood", "size", "how it is counted"], rows)
    st.caption(f"One more token of one user takes {sizing.per_added_token:,} bytes of that. No total of the model.")


def rests_on(scenario: Scenario) -> None:
    """Right under the figure: what the engine makes of this model, and each assumption with its effect."""
    sizing = scenario.sizing
    for remark in sizing.remarks:
        markup.note(remark)
    for each in kv_sizing.effects(sizing):
        markup.note(f"Assumed: {each.says}{_without(each, sizing.total)}")


def _without(effect: Effect, total: int) -> str:
    if effect.otherwise is None:
        return ""
    other = effect.otherwise.total
    sign = "+" if other >= total else "−"
    return f" If not: {amounts.gib(other)} GiB ({sign}{amounts.gib(abs(other - total))} GiB)."


def deciding(scenario: Scenario) -> None:
    """Under the verdict: what would turn it round, with the figure without it."""
    for each in kv_sizing.deciding(scenario):
        if each.otherwise:
            turned = scenario.budget.verdict(each.otherwise.per_gpu)
            turned = _TURNED[turned]
            markup.note(f"{each.says} Without that {turned}: {amounts.binary(each.otherwise.per_gpu)} on each GPU.")
