"""One token at a time: step, go back, take another token, and see why a text ends."""

TITLE = "Generation"
SECTION = "Explore"
ICON = "step_over"
PROMISE = "A text comes one token at a time: predict, choose, append, and again. Step through it, go back, branch off."
EXAMPLES = {
    "One token at a time": {"prompt": "The capital of France is", "seed": "0"},
    "The loop by hand: three rows": {"with": "table", "t": "0", "steps": "3"},
    "A greedy text goes in circles": {"prompt": "Order shipped from the", "t": "0", "steps": "40"},
    "A penalty leads out of them": {"prompt": "Order shipped from the", "t": "0", "rp": "1.1", "steps": "40"},
    "A bigram knows one word back": {"with": "bigram", "t": "0", "steps": "24"},
    "The small Transformer ends its sentence": {"with": "transformer", "t": "0", "steps": "12"},
    "A chat is one text": {
        "prompt": "<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n",
        "t": "0",
        "steps": "20",
    },
    "A stop string over two tokens": {"prompt": "Once upon a time", "t": "0", "stop": "city of", "steps": "20"},
    "A policy interrupts": {"prompt": "Once upon a time", "t": "0", "ban": "haven, harbour", "steps": "30"},
    "A window of 32 tokens: it stops": {"prompt": "Once upon a time", "t": "0", "window": "32", "steps": "60"},
    "A window of 32 tokens: it forgets": {
        "prompt": "Once upon a time",
        "t": "0",
        "window": "32",
        "full": "truncate left",
        "steps": "60",
    },
}
PARAMETERS = (
    "at",
    "axis",
    "ban",
    "full",
    "k",
    "keep",
    "line",
    "m",
    "max",
    "mine",
    "n",
    "order",
    "p",
    "path",
    "row",
    "rp",
    "steps",
    "stop",
    "t",
    "window",
    "with",
)

from pages.shell.navigation import ensure_entry

ensure_entry()

import streamlit as st

from pages.generation import (
    component,
    explanations,
    export,
    state,
    stop_controls,
    strategy_controls,
)
from pages.shared import markup, url_state
from pages.shared.controls import offered_models, page_toolbar, prompt_box, provenance

presenting = url_state.presenting()
SIZE = 5 if presenting else 10

hero, below = st.container(), st.container()
controls = below if presenting else hero
trace_file = export.open_trace_file()
with controls.container(horizontal=True, vertical_alignment="center"):
    if not trace_file:
        page_toolbar.examples(EXAMPLES, resets={*PARAMETERS} - state.KEPT_BY_EXAMPLES)
    kind = offered_models.choose_model(shown=not presenting and not trace_file)
    more = st.container(horizontal=True, width="content")
with more:
    view = explanations.view_controls(SIZE)
if trace_file:
    with hero:
        export.render(trace_file, view)
else:
    with markup.plain_errors():
        offered = offered_models.offered_model(kind)
        with more:
            choice = strategy_controls.read_strategy()
            limits = stop_controls.read_stops(offered.model)
        with hero:
            box = prompt_box.render(
                offered.model,
                offered.prompt,
                "Prompt",
                offered.default,
                compact=presenting,
                chips=False,
                begin=offered.begin,
            )
            place = box.answer and state.update(offered, box.answer.prompt.ids, choice.strategy(), limits)
        link = url_state.write(quiet=bool(place and place.playing))
        if place:
            caption = offered_models.about_model(kind) or provenance.sentence(offered.model).strip()
            with hero:
                component.render(
                    component.picture_of_tree(place.tree, choice.strategy()), view, caption, handled=place.handled,
                    problem=place.problem, to_take=place.to_take, arrival=state.arrival(link), subject=place.subject,
                    seed=choice.settings.seed, greedy=choice.settings.t == 0,
                )  # fmt: skip
            if not presenting:
                text = box.answer.prompt.text
                explanations.notice_expander(place.tree, choice)
                explanations.formulas_expander(place.tree)
                explanations.repetition_expander(place.tree)
                explanations.comparison_expander(place.tree, choice)
                explanations.context_window_expander(place.tree)
                explanations.chat_expander(place.tree, offered, text)
                export.expander(offered, place.tree, text, choice, view)
if not presenting:
    export.upload_expander()
