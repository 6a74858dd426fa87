"""A report of one scenario as an HTML page: question, answer, assumptions, what is not counted, and 25 % more or less.

Stands alone and prints on one sheet. Every number comes from the Scenario.
"""

from __future__ import annotations

import html
from collections.abc import Iterable

from lm_core.kv_sizing.capacity.budget import Span
from lm_core.kv_sizing.capacity.service import Bound
from lm_core.kv_sizing.doubts import deciding, effects
from lm_core.kv_sizing.report import amounts
from lm_core.kv_sizing.scenario import Scenario
from lm_core.kv_sizing.service import served

PERCENTS = (75, 100, 125)
_STYLE = """
body { max-width: 46rem; margin: 1.5rem auto; padding: 0 1rem; font: 15px/1.45 system-ui, sans-serif; color: #1c1c1c; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.05rem; margin: 1.1rem 0 0.2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; } p, ul { margin: 0.25rem 0; }
th, td { padding: 0.1rem 0.9rem 0.1rem 0; text-align: left; vertical-align: top; font-weight: 400; }
th { color: #555; } td.n { text-align: right; } .big { font-size: 2rem; font-weight: 600; }
@media print { body { margin: 0; font-size: 11px; } }
"""


def html_report(scenario: Scenario, date: str, link: str = "") -> str:
    """The page. `date` is written as given; `link` leads back to the question.

    >>> from lm_core.kv_sizing import preset
    >>> "16.00 GiB (17.18 GB)" in html_report(Scenario(preset("llama-3.1-8b"), context=131072), "2026-01-01")
    True
    """
    sizing, model = scenario.sizing, scenario.geometry
    gpus = f"{scenario.split.gpus} x {scenario.gpu.name}"
    parts = [
        f"<h1>KV cache of {html.escape(model.name)}</h1>",
        f'<p class="big">{amounts.both(scenario.total)}</p>', _marked(scenario),
        f"<p>On {html.escape(gpus)}, of which {model_uses(scenario)}: <b>{scenario.verdict}</b>"
        f"{'' if scenario.weights else ', weights left out because they are not known'}.</p>",
        "<h2>Question</h2>", _pairs(_question(scenario)),
        "<h2>Answer</h2>", _pairs(_answer(scenario)),
        "<h2>Each GPU’s memory</h2>", _pairs(_memory(scenario)),
        "<h2>Where the cache comes from, on each GPU</h2>",
        _pairs((line.label, f"{line.formula} = {amounts.binary(line.bytes)}") for line in scenario.on_each.lines),
        "<h2>If length or users are off by 25 %</h2>", _grid(scenario),
        "<h2>Assumed</h2>", _list(_assumed(scenario)),
        "<h2>Not counted</h2>", _list(_not_counted(scenario)),
        f"<p>{html.escape(date)}, Next-Token Explorer, rules of {sizing.engine.name} {sizing.engine.version}. "
        f"{html.escape(link)}</p>",
    ]  # fmt: skip
    head = f'<meta charset="utf-8"><title>KV cache of {html.escape(model.name)}</title><style>{_STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>'


def _marked(scenario: Scenario) -> str:
    """What the total rests on, right under it; and what decides whether it fits."""
    found = effects(scenario.sizing)
    marks = [f"Rests on {len(found)} assumption{'s' if len(found) > 1 else ''}, below."] if found else []
    marks += [
        f"{each.says} This decides the verdict: without it, {amounts.both(each.otherwise.per_gpu)} on each GPU."
        for each in deciding(scenario)
        if each.otherwise
    ]
    return "".join(f"<p>{html.escape(mark)}</p>" for mark in marks)


def _question(scenario: Scenario) -> Iterable[tuple[str, str]]:
    s, load = scenario, scenario.sizing.load
    options = ", ".join(f"{name} {value}" for name, value in vars(s.engine).items())
    yield "model", f"{s.geometry.name}: {'; '.join(group.says() for group in s.geometry.groups)}"
    yield "source of its shape", s.geometry.source or "entered by hand"
    yield "users", f"{s.sequences:,} at once, each up to {s.context:,} tokens"
    if s.mean:
        yield "mean length", f"{s.mean:,} tokens"
    yield "stored as", f"keys {load.dtype_k.name}, values {load.dtype_v.name}"
    yield "engine", f"{s.engine.name} {s.engine.version}{f' ({options})' if options else ''}"
    stored = s.stored_weights
    yield "weights", f"{amounts.both(stored.likely)}, {stored.format}, {stored.says}" if stored else "not known"
    ways = {f"{name} parallel": value for name, value in vars(s.split).items() if value > 1}
    yield "GPUs", f"{s.split.gpus} x {s.gpu.name}{''.join(f', {name} {n}' for name, n in ways.items())}"
    if s.shared:
        yield "tokens that all share", f"{s.shared:,}"
    if s.draft_layers:
        yield "draft layers", f"{s.draft_layers}"


def _answer(scenario: Scenario) -> Iterable[tuple[str, str]]:
    s, sizing = scenario, scenario.sizing
    yield "in all", f"{amounts.both(s.total)}, {s.total:,} bytes"
    yield "on each GPU", amounts.both(s.need())
    yield "one more token of one user", amounts.both(sizing.per_added_token)
    if sizing.fixed:
        yield "state that does not grow", amounts.both(sizing.fixed)
    if s.mean:
        yield "with every user at the mean", amounts.both(s.sizing_at_mean.total)
    yield f"longest with {s.sequences:,} at once", f"{s.longest.value:,} tokens; the limit is {s.longest.limits}"
    most, (fewest, highest) = s.most_sequences, s.most_between
    between = f", between {fewest:,} and {highest:,}" if fewest < highest else ""
    yield f"most at {s.context:,} tokens", f"{most.value:,} users{between}; the limit is {most.limits}"
    if s.mean:
        yield f"most at {s.mean:,} tokens", f"{s.most_at_mean.value:,} users"
    if s.weights:
        speed = served(s)
        slow, fast = speed.tokens_a_second
        yield "time for each token of an answer", _milliseconds(speed.step)
        if speed.first:
            yield f"time to the first token of a prompt of {speed.prompt:,}", _milliseconds(speed.first)
        yield "tokens a second, all together", f"{slow:,.0f} to {fast:,.0f} at most"
        if s.gpu.price:
            low, high = speed.cost(s.gpu.price)
            yield f"a million tokens at {s.gpu.price:,.2f} an hour and GPU", f"{low:,.2f} to {high:,.2f}, never idle"


def _milliseconds(bound: Bound) -> str:
    low, high = (f"{1000 * seconds:,.1f}" for seconds in bound.interval)
    return f"at least {low} ms, by {bound.limit}; {high} ms at half of that bound"


def model_uses(scenario: Scenario) -> str:
    """The share of a GPU that the engine may use, in words."""
    if scenario.pool:
        return f"{amounts.both(scenario.pool)} each are the cache’s"
    of = "what weights and reserve leave" if scenario.budget.of_free else "their memory"
    return f"{scenario.used_percent} % of {of} may be used"


def _memory(scenario: Scenario) -> Iterable[tuple[str, str]]:
    s, left = scenario, scenario.budget.for_cache
    yield "as the driver reports it", amounts.both(s.gpu.memory)
    yield "weights", _between(s.weights_on_each)
    for part in s.reserve.parts:
        yield f"reserve: {part.name}", f"{_between(part.bytes)}; {part.says}"
    yield "left for the cache", _between(left)
    yield "taken by the cache", amounts.both(s.need())


def _between(span: Span) -> str:
    """The likely figure, with its spread where it has one."""
    spread = f", {amounts.signed(span.least)} to {amounts.signed(span.most)}" if span.least < span.most else ""
    return f"{amounts.signed(span.likely)}{spread}"


def _grid(scenario: Scenario) -> str:
    head = "".join(f'<th class="n">{users} % of the users</th>' for users in PERCENTS)
    rows = "".join(
        f"<tr><th>{length} % of the length</th>"
        + "".join(f'<td class="n">{amounts.binary(scenario.scaled(length, users).total)}</td>' for users in PERCENTS)
        + "</tr>"
        for length in PERCENTS
    )
    return f"<table><tr><th></th>{head}</tr>{rows}</table>"


def _assumed(scenario: Scenario) -> Iterable[str]:
    yield "Every user is at the longest length at the same moment; what is not stated as shared is kept by each."
    if scenario.split.gpus > 1:
        yield "Weights are dealt out evenly over the GPUs; KV heads are, too, and copied where GPUs outnumber them."
    yield from scenario.geometry.notes
    yield from scenario.sizing.remarks
    for each in effects(scenario.sizing):
        yield f"{each.says}{f' If not: {amounts.both(each.otherwise.total)}.' if each.otherwise else ''}"


def _not_counted(scenario: Scenario) -> Iterable[str]:
    if scenario.engine.name == "ideal":
        yield "What an engine needs besides weights and cache: activations, CUDA graphs, the runtime."
    if not scenario.draft_layers:
        yield "Draft layers of speculative decoding."
    if scenario.geometry.unread:
        unread = len(scenario.geometry.unread)
        yield f"{unread} key{'s' if unread > 1 else ''} of the imported file not read: of no bearing on the cache."
    yield "In the times: launches, communication, queues, sampling. They are bounds, and no promise."


def _pairs(rows: Iterable[tuple[str, str]]) -> str:
    return (
        "<table>"
        + "".join(f"<tr><th>{html.escape(k)}</th><td>{html.escape(v)}</td></tr>" for k, v in rows)
        + "</table>"
    )


def _list(sentences: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{html.escape(sentence)}</li>" for sentence in sentences) + "</ul>"
