"""Exports a figure: the code that makes it, its data, its picture, its link."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import streamlit as st

from lm_core import Distribution
from lm_core.csv_table import csv_table
from lm_core.labels import label
from pages.shared import components, markup, on_demand, url_state
from pages.shared.controls import model_picker, prompt_box

_component = st.components.v2.component(
    "export",
    # Disabled until the script is there that knows what they do: a click before that would be lost.
    html='<div class="export"><button type="button" disabled>Copy link</button><button type="button" disabled>SVG'
    '</button><button type="button" disabled>PNG</button><span role="status"></span></div>',
    css=components.styles("export/export.css"),
    js=components.script("export/export.js"),
)


def code(texts: Sequence[str], model: str, size: int) -> str:
    """The lines of lm_core that make the picture of one prompt or two, runnable as they stand."""
    head = f"from lm_core import Distribution, label\n{model_picker.loading(model)}"
    if len(texts) == 1:
        return f"""{head}ids = model.tokenizer.encode({texts[0]!r})
belief = Distribution(model.next_logits([ids])[0])
for row in belief.top({size}):
    print(row.rank, label(model.tokenizer.token_bytes(row.id)), row.probability, row.logit, row.log_probability)
for band in belief.bands({size}):
    print(band.first, band.last, band.probability)
"""
    return f"""{head}texts = [{texts[0]!r}, {texts[1]!r}]
a, b = (Distribution(row) for row in model.next_logits([model.tokenizer.encode(text) for text in texts]))
for in_a, in_b in a.aligned(b, {size}).rows:
    print(label(model.tokenizer.token_bytes(in_a.id)), in_a.probability, in_b.probability)
print(a.kl_divergence(b, "bits"), b.kl_divergence(a, "bits"))
"""


@on_demand.expander("Show the code, export", key="_export")
def expander(
    answers: Sequence[prompt_box.PromptAnswer], picture: dict[str, Any], model: str, size: int, axis: str
) -> None:
    """Expander with the code and the exports of what one prompt or two gave."""
    size = min(size, len(answers[0].belief))
    st.code(code([answer.prompt.text for answer in answers], model, size), language="python")
    with st.container(horizontal=True):
        for answer in answers:
            name = f"CSV, all tokens{' (B)' if answer.name == 'b' else ''}"
            write = partial(csv_of, answer.belief, answer.label)
            download(name, write, f"next-token-{answer.name}.csv", "text/csv")
        download("JSON, as shown", partial(_json, answers, picture, model), "next-token.json", "application/json")
    link = url_state.link_with(**{answer.name: answer.text for answer in answers})
    take(picture, " | ".join(_title(answer.prompt.text) for answer in answers), axis, link)


def take(picture: dict[str, Any], title: str, axis: str, link: str) -> None:
    """The link, and the bars as a drawing or a picture."""
    _component(data={**picture, **_drawn(picture), "title": title, "axis": axis, "link": link}, key="_export_component")


def download(name: str, make: Callable[[], bytes] | bytes, file: str, mime: str) -> None:
    """A file, or what makes it when clicked; without a rerun, which would put a new button under a second click."""
    st.download_button(name, make, file, mime, on_click="ignore")


def _title(text: str, length: int = 70) -> str:
    """A prompt as the title of a drawing: its end, with what cannot be printed made visible."""
    shown = "".join(sign if sign.isprintable() else label(sign.encode()) for sign in text)
    return shown if len(shown) <= length else f"…{shown[-length:]}"


def _drawn(picture: dict[str, Any]) -> dict[str, Any]:
    """Rows and bands, each with the text that stands at the end of its bar."""

    def end(item: dict[str, Any]) -> str:
        return " | ".join(markup.percent(item[name]) for name in ("p", "p_second") if name in item)

    return {part: [{**item, "percent": end(item)} for item in picture[part]] for part in ("rows", "bands")}


def csv_of(belief: Distribution, name_of: Callable[[int], str]) -> bytes:
    """Every token of the vocabulary, likeliest first, at full precision."""
    head = ["rank", "id", "token", "probability", "log_probability_nats", "logit"]
    every = belief.top(len(belief))
    rows = ([r.rank, r.id, name_of(r.id), r.probability, r.log_probability, r.logit] for r in every)
    return csv_table(head, rows).encode("utf-8-sig")


def _json(answers: Sequence[prompt_box.PromptAnswer], picture: dict[str, Any], model: str) -> bytes:
    prompts = [
        {"text": answer.prompt.text, "ids": answer.prompt.ids, "entropy_nats": answer.belief.entropy("nats")}
        for answer in answers
    ]
    shown = {"rows": picture["rows"], "bands": picture["bands"], "rest": picture["rest"]}
    facts = {"model": model, "vocab_size": len(answers[0].belief), "prompts": prompts, **shown}
    return json.dumps(facts, ensure_ascii=False, indent=1).encode()
