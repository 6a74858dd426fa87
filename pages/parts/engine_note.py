"""Who gave the numbers of a page, where an engine elsewhere is chosen: it, or this server in its place, and why."""

import html

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lm_core.labels import label
from pages.parts import frame, model_choice
from pages.parts.prompt_box import Answer


def place() -> DeltaGenerator | None:
    """Above the page, where it will be said; None where no engine is chosen."""
    if not model_choice.elsewhere():
        return None
    if engine := model_choice.engine():
        engine.told()
    return st.empty()


def say(place: DeltaGenerator | None) -> None:
    """Said once the page is drawn, because it may fail on the way."""
    engine = model_choice.engine()
    if place is None or engine is None:
        return
    told = engine.told()
    name = html.escape(f"{engine.title}, “{model_choice.name()}”")
    with place:
        if told.own:
            some = "Some numbers here are" if told.engine else "The numbers here are"
            frame.note(f"{told.why} {some} this server’s own, float32.")
        elif told.engine:
            probe = engine.probe()
            frame.show(
                f'<p class="nte-engine">Numbers by {name}: its log-probabilities, all {engine.vocab_size:,}. After the '
                f"test prompt they are at most {probe.nats:.2g} nats, and {probe.probability:.2g} in probability, from "
                "this server’s float32.</p>"
            )


def few(answer: Answer) -> None:
    """The likeliest tokens and the rest, of an engine that gives no more; no temperature can be set on these."""
    engine = model_choice.engine()
    if engine is None or not engine.gives_few():
        return
    with frame.plain_errors():
        top = engine.top(answer.prompt.ids)
        rows = "".join(
            f'<tr><th class="nte-token" scope="row">{html.escape(label(answer.tokenizer.token_bytes(int(i))))}</th>'
            f"<td>{frame.percent(p)}</td><td>{frame.percent(answer.belief.row(int(i)).probability)}</td></tr>"
            for i, p in zip(top.ids, top.probabilities)
        )
        left = engine.vocab_size - len(top.ids)
        rows += f'<tr><th scope="row">rest: {left:,} tokens</th><td>{frame.percent(top.rest)}</td><td></td></tr>'
        caption = f"{html.escape(engine.title)} gives its {len(top.ids)} likeliest tokens, and no temperature."
        head = "<tr><th>token</th><th>the engine</th><th>this server</th></tr>"
        frame.show(f'<table class="nte-table"><caption>{caption}</caption><thead>{head}</thead>{rows}</table>')
