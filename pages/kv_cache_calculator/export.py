"""Exports the answer: link, code, JSON and CSV, and a report of one page."""

from __future__ import annotations

import json
import shlex
from datetime import date
from functools import partial

import streamlit as st

from lm_core import kv_sizing
from lm_core.kv_sizing import Scenario, as_csv, curves_csv
from lm_core.kv_sizing.report import html_page, question_and_answer
from pages.kv_cache_calculator import parameters
from pages.kv_cache_calculator.parameters import Values
from pages.shared import on_demand, url_state
from pages.shared.pictures import export


@on_demand.expander("Show the code, export, hand in", key="_kv_take")
def expander(scenario: Scenario, values: Values) -> None:
    """Link, code, JSON, CSV and report."""
    private = values["arch"] == parameters.IMPORTED
    link = f"{st.context.url}?{url_state.link_with()}"
    with st.container(horizontal=True):
        page = partial(_page, scenario, "" if private else link)
        export.download("One page to hand in, HTML", page, "kv-cache.html", "text/html")
        export.download("Question and answer, JSON", partial(_json, scenario), "kv-cache.json", "application/json")
        export.download("Its schema", _schema, "answer.schema.json", "application/json")
        export.download("Parts, CSV", partial(_csv, scenario), "kv-cache-parts.csv", "text/csv")
        export.download("Growth, CSV", partial(_growth, scenario), "kv-cache-growth.csv", "text/csv")
    if private:
        st.caption("The link leaves the imported model out.")
    else:
        st.code(link, language=None, wrap_lines=True)
    st.code(_code(scenario, values), language="python")
    st.code(_command(scenario, values), language="bash", wrap_lines=True)
    if st.toggle("A figure is wrong: make a text to send", key="_kv_wrong_figure"):
        text = question_and_answer.complaint(scenario, date.today().isoformat(), "" if private else link)
        st.code(text, language=None, wrap_lines=True)


def _page(scenario: Scenario, link: str) -> bytes:
    return html_page.html_report(scenario, date.today().isoformat(), link).encode()


def _json(scenario: Scenario) -> bytes:
    data = question_and_answer.question_and_answer(scenario, date.today().isoformat())
    return json.dumps(data, indent=2).encode()


def _schema() -> bytes:
    return json.dumps(question_and_answer.schema(), indent=2).encode()


def _csv(scenario: Scenario) -> bytes:
    return as_csv(scenario.sizing).encode("utf-8-sig")


def _growth(scenario: Scenario) -> bytes:
    many = sorted({1, scenario.sequences})
    return curves_csv(kv_sizing.curves(scenario.sizing, many)).encode("utf-8-sig")


def _code(scenario: Scenario, values: Values) -> str:
    load, engine = scenario.sizing.load, scenario.engine
    known = values["arch"] in kv_sizing.names()
    made = f"preset({values['arch']!r})" if known else f"Geometry.from_json({scenario.geometry.to_json()!r})"
    options = "".join(f", {name}={value!r}" for name, value in vars(engine).items())
    return (
        f"from lm_core.kv_sizing import Geometry, preset, size\n\nmodel = {made}\nsizing = size(\n"
        f"    model, {load.context}, {load.sequences}, {load.dtype_k.name!r}, {load.dtype_v.name!r},\n"
        f"    engine={engine.name!r}, tensor_parallel={load.tensor_parallel}{options},\n)\n"
        "print(sizing.total, sizing.per_added_token)\n"
    )


def _command(scenario: Scenario, values: Values) -> str:
    """The same in a shell; a model without a name is given as a file of layer groups."""
    load, known = scenario.sizing.load, values["arch"] in kv_sizing.names()
    words = ["python", "-m", "lm_core.kv_sizing"]
    words += ["--model", values["arch"]] if known else ["--geometry", "groups.json"]
    words += ["--context", str(load.context), "--batch", str(load.sequences), "--engine", scenario.engine.name]
    words += ["--dtype-k", load.dtype_k.name, "--dtype-v", load.dtype_v.name]
    words += ["--tensor-parallel", str(load.tensor_parallel)]
    words += [word for k, v in vars(scenario.engine).items() for word in ("--option", f"{k}={json.dumps(v)}")]
    first = "" if known else f"echo {shlex.quote(parameters.groups_text(scenario.geometry))} > groups.json\n"
    return first + shlex.join(words)
