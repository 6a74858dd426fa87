"""Taking a figure along: the code that makes it, its data, its picture, its link."""

import csv
import io
import json
from typing import Any

import streamlit as st

from lm_core.tokens import label
from pages.parts import frame, prompt_box

_component = st.components.v2.component(
    "export",
    html='<div class="export"><button type="button">Copy link</button><button type="button">SVG</button>'
    '<button type="button">PNG</button><span role="status"></span></div>',
    css=frame.source("export.css"),
    js=frame.source("export.js"),
)


def code(text: str, model: str, size: int) -> str:
    """The lines of lm_core that make the picture, runnable as they stand."""
    return f"""from lm_core import Distribution, label, pretrained

model = pretrained.load({model!r})
ids = model.tokenizer.encode({text!r})
belief = Distribution(model.next_logits([ids])[0])
for row in belief.top({size}):
    print(row.rank, label(model.tokenizer.token_bytes(row.id)), row.probability, row.logit, row.log_probability)
for band in belief.bands({size}):
    print(band.first, band.last, band.probability)
"""


def fold(answer: prompt_box.Answer, picture: dict[str, Any], model: str, size: int) -> None:
    """One fold with the code and the exports."""
    opened = st.expander("Show the code, export", on_change="rerun", key="_export")
    if not opened.open:
        return
    with opened:
        st.code(code(answer.prompt.text, model, size), language="python")
        with st.container(horizontal=True):
            st.download_button("CSV, all tokens", lambda: _csv(answer), "next-token.csv", "text/csv")
            st.download_button(
                "JSON, as shown", lambda: _json(answer, picture, model), "next-token.json", "application/json"
            )
        _component(data={**picture, "title": answer.prompt.text, **_drawn(picture)}, key="_export_component")


def _drawn(picture: dict[str, Any]) -> dict[str, Any]:
    """Rows and bands, each with the text that stands at the end of its bar."""

    def end(item: dict[str, Any]) -> str:
        both = [frame.percent(item[name]) for name in ("p", "p_second") if name in item]
        return " | ".join(both)

    return {part: [{**item, "percent": end(item)} for item in picture[part]] for part in ("rows", "bands")}


def _csv(answer: prompt_box.Answer) -> bytes:
    """Every token of the vocabulary, likeliest first, at full precision."""
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(["rank", "id", "token", "probability", "log_probability_nats", "logit"])
    for row in answer.belief.top(len(answer.belief)):
        name = label(answer.tokenizer.token_bytes(row.id))
        # A spreadsheet takes a cell that begins with one of these for a formula; the apostrophe keeps it text.
        safe = f"'{name}" if name.startswith(("=", "+", "-", "@")) else name
        writer.writerow([row.rank, row.id, safe, repr(row.probability), repr(row.log_probability), repr(row.logit)])
    return table.getvalue().encode("utf-8-sig")


def _json(answer: prompt_box.Answer, picture: dict[str, Any], model: str) -> bytes:
    facts = {"model": model, "prompt": answer.prompt.text, "prompt_ids": answer.prompt.ids}
    entropy = {"entropy_nats": answer.belief.entropy("nats"), "vocab_size": len(answer.belief)}
    shown = {"rows": picture["rows"], "bands": picture["bands"], "rest": picture["rest"]}
    return json.dumps(facts | entropy | shown, ensure_ascii=False, indent=1).encode()
