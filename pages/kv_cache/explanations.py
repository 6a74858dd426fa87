"""Expanders of the KV-cache page: where the bytes come from, MHA, GQA or MQA, what to notice, export."""

from __future__ import annotations

import html
import json
from dataclasses import asdict

import streamlit as st

from lm_core import kv_sizing
from lm_core.csv_table import csv_table
from lm_core.generation import cache_benchmark
from lm_core.generation.cache_benchmark import CacheStep
from lm_core.kv_sizing.report import amounts
from lm_core.pretrained import DEFAULT
from pages.kv_cache import figure as figures
from pages.kv_cache.controls import Question
from pages.shared import markup, on_demand, page_declarations, tables, url_state
from pages.shared.controls import model_picker
from pages.shared.pictures import export

_FACTORS = ("layers", "keys and values", "KV heads", "tokens", "head width")
_LENGTHS = tuple(1 << power for power in range(4, 14))
_FLOAT = 4  # bytes of a float32, which this app computes in


def formula_expander(question: Question, steps: list[CacheStep]) -> None:
    """The cache's tensors as they are, each number of their shape named, and what `kv_sizing` says of the same."""
    opened = st.expander("Where the bytes come from", expanded=True, key="_cache_formula")
    step = steps[-1]
    shape = cache_benchmark.geometry(question.model.config, "this model")
    foretold = kv_sizing.size(shape, step.positions, 1, "f32")
    factors = [*zip(_FACTORS, step.shape), ("bytes each", _FLOAT)]
    cells = "<i>×</i>".join(f"<span><b>{n:,}</b><small>{name}</small></span>" for name, n in factors)
    total = f"<span><b>= {step.cached_bytes:,}</b><small>bytes, {amounts.both(step.cached_bytes)}</small></span>"
    with opened:
        markup.show(f'<p class="nte-product">{cells}{total}</p>')
        agree = "the same" if foretold.total == step.cached_bytes else f"{foretold.total:,} bytes: not the same"
        st.write(
            f"Measured on the tensors of the running cache, float32, shape {'×'.join(map(str, step.shape))}. "
            f"The KV-cache calculator, from this model’s configuration: {agree}. "
            f"Each further token adds {foretold.per_added_token:,} bytes ({amounts.binary(foretold.per_added_token)})."
        )


@on_demand.expander("What if it were MHA, GQA or MQA?", key="_cache_what_if")
def what_if_expander(question: Question, steps: list[CacheStep]) -> None:
    """The same model with a head of keys and values for each query head, for a group, for all."""
    own, rows, sizes = question.model.config, [], {}
    for name, config in cache_benchmark.variants(own).items():
        weights = cache_benchmark.parameters(config) * _FLOAT
        shape = cache_benchmark.geometry(config, name)
        sizes[name] = [kv_sizing.size(shape, n, 1, "f32").total for n in _LENGTHS]
        now = kv_sizing.size(shape, steps[-1].positions, 1, "f32")
        heavier = kv_sizing.Scenario(shape, dtype_k="f32", stated_weights=weights).crossing
        this = " (this model)" if config == own else ""
        sized = (now.per_added_token, now.total, sizes[name][-1])
        rows.append([f"{name}{this}", config.kv_heads, *map(amounts.binary, sized), f"{heavier:,}"])
    lengths = (f"{steps[-1].positions:,} tokens", f"{_LENGTHS[-1]:,} tokens")
    head = ["", "KV heads", "a token", *lengths, "outweighs the weights at"]
    matrices, per_position = cache_benchmark.operations(own, 1)
    tables.render(head, rows)
    chart = figures.built_otherwise(sizes, _LENGTHS, cache_benchmark.parameters(own) * _FLOAT)
    st.plotly_chart(chart, key="cache_built_otherwise", config={"displayModeBar": False})
    st.write(
        "These models were not trained; only what they would keep is computed. Each decode step reads all weights "
        "once and the whole cache once: from the length in the last column on, the cache is the larger part. With "
        "more sequences at once the weights are shared and the caches are not, so it comes earlier. "
        f"In arithmetic, attention overtakes the weights at {-(-matrices // per_position):,} tokens, "
        "however the keys and values are shared."
    )


@on_demand.expander("What to notice", key="_cache_notice")
def notice_expander(question: Question, steps: list[CacheStep]) -> None:
    """Sentences with the values on the screen."""
    prompt, new = len(question.ids), len(steps)
    decode = [step.seconds for step in steps[1:]]
    each = sum(decode) / len(decode) if decode else 0.0
    lines = [
        f"Prefill reads all {prompt:,} tokens in one pass, {1000 * steps[0].seconds:,.0f} ms, and its last position "
        f"already gives the first new token, {question.label(steps[0].token)}. No decode step has run by then.",
        "What is generated last was chosen but not read: its keys and values are not in the cache. So the passes read "
        f"P + N − 1 = {prompt:,} + {new} − 1 = {prompt + new - 1:,} tokens.",
        f"Without the cache each pass reads everything again: {_sum(prompt, new)}"
        f"{cache_benchmark.totals(steps).read_without:,} tokens.",
        "A new token still attends to every token before it. What the cache saves is computing their keys and values.",
        "Times are this machine’s, now, with the engine that About names, and differ a little each time; everything "
        "else is the same.",
    ]
    if decode:
        lines.insert(1, f"A decode step reads one token and takes {1000 * each:,.0f} ms on average: per token, "
                     f"{each / (steps[0].seconds / prompt):,.1f} times as long as prefill, because all weights are "
                     "fetched for a single token.")  # fmt: skip
    markup.show("<ul>" + "".join(f"<li>{html.escape(line)}</li>" for line in lines) + "</ul>")


def _sum(prompt: int, new: int) -> str:
    """The naive sum, written out as far as it is long.

    >>> _sum(16, 1), _sum(16, 2), _sum(16, 9)
    ('', '16 + 17 = ', '16 + 17 + … + 24 = ')
    """
    terms = [f"{prompt + n:,}" for n in range(new)]
    shown = terms if new < 4 else [*terms[:2], "…", terms[-1]]
    return f"{' + '.join(shown)} = " if new > 1 else ""


@on_demand.expander("Show the code, export", key="_cache_export")
def export_expander(question: Question, steps: list[CacheStep]) -> None:
    """The lines that make this run, and its steps."""
    serving = question.name in ("pretrained", DEFAULT)  # its times are those of the engine that serves it
    load = "from lm_core import pretrained\n\nmodel = pretrained.load_engine()\n"
    st.code(
        "from lm_core.generation import cache_benchmark\n"
        f"{load if serving else model_picker.loading(question.name)}"
        f"ids = {_listed(question.ids)}\n"
        f"for step in cache_benchmark.measure(model, ids, {question.new}, compare={question.compare}):\n"
        "    print(step.phase, step.read, step.seconds, step.cached_bytes, step.seconds_without)\n",
        language="python",
    )
    table = csv_table(list(asdict(steps[0])), (list(asdict(step).values()) for step in steps))
    run = {"prompt_ids": question.ids, "steps": [asdict(step) for step in steps], "link": url_state.link_with()}
    with st.container(horizontal=True):
        export.download("Steps, CSV", table.encode(), "cache-run.csv", "text/csv")
        export.download("Run, JSON", json.dumps(run, indent=1).encode(), "cache-run.json", "application/json")


def picture_link() -> None:
    """To page 7, which shows the cache token by token; a text of the visitor's own goes along by itself."""
    page_declarations.show_link(
        "inside_the_transformer", "See the columns that are kept, in the picture of all layers", ":material/layers:"
    )


def _listed(ids: tuple[int, ...]) -> str:
    """Ids as Python; long ones are made from the same text."""
    if len(ids) <= 64:
        return repr(list(ids))
    encoded = f"model.tokenizer.encode('\\n'.join(corpus.tracking().lines))[:{len(ids)}]"
    return f"{encoded}  # with: from lm_core.text import corpus"
