"""Exports the sampling figure: the code that makes it, its data, its picture, its link."""

from functools import partial
from typing import Any

import streamlit as st

from lm_core.distribution import Distribution
from pages.shared import on_demand, url_state
from pages.shared.controls import logit_source, model_picker, sampling_settings
from pages.shared.pictures import export
from pages.temperature import component


@on_demand.expander("Show the code, export", key="_export")
def expander(
    source: logit_source.LogitSource, now: sampling_settings.Settings, seen: component.ViewSettings, model: str
) -> None:
    """Expander with the code and the exports, for the settings that stand."""
    final = now.strategy().decide(source.logits).final
    st.code(code(source, now, model, seen.size), language="python")
    with st.container(horizontal=True):
        export.download("CSV, all tokens", partial(export.csv_of, final, source.label), "temperature.csv", "text/csv")
    title = f"{source.answer.text if source.answer else source.caption}, {now.code()}"
    sent = {"prompt": source.answer.text} if source.answer else {}
    export.take(_picture(source, final, seen.size), title[-90:], seen.axis, url_state.link_with(**sent))


def code(source: logit_source.LogitSource, now: sampling_settings.Settings, model: str, size: int) -> str:
    """The lines of lm_core that make the figure, runnable as they stand."""
    if source.answer:
        head = (
            f"from lm_core import label\nfrom lm_core.decoding import strategy\n{model_picker.loading(model)}"
            f"ids = model.tokenizer.encode({source.answer.prompt.text!r})\n"
            "logits = model.next_logits([ids])[0]\n"
        )
        name = "label(model.tokenizer.token_bytes(row.id))"
    else:
        head = (
            "from lm_core.decoding import strategy\n\n"
            f"names = {source.names!r}\nlogits = {tuple(source.logits.tolist())!r}\n"
        )
        name = "names[row.id]"
    return (
        f"{head}decision = {now.code()}.decide(logits)\n"
        f"for row in decision.final.top({min(size, len(source.logits))}):\n    print({name}, row.probability)\n"
        f"print(decision.u, {name.replace('row.id', 'decision.id')})\n"
    )


def _picture(source: logit_source.LogitSource, final: Distribution, size: int) -> dict[str, Any]:
    size = min(size, len(final))
    top = final.top(size)
    bands = [{"label": f"ranks {band.first:,}–{band.last:,}", "p": band.probability} for band in final.bands(size)]
    rows = [{"label": source.label(row.id), "p": row.probability, "logit": float(source.logits[row.id])} for row in top]
    return {"rows": rows, "bands": bands, "caption": source.caption}
