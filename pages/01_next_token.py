"""A prompt becomes bars: every token the model could write next; two prompts compared."""

TITLE = "Next token"
SECTION = "Explore"
ICON = "bar_chart"
PROMISE = "Every token the model knows gets a probability of coming next. Type, and read them."
EXAMPLES = {
    "A capital": {"prompt": "The capital of France is"},
    "A parcel leaves": {"prompt": "The package left the"},
    "See one word change it: regional": {"prompt": "The package left the", "b": "The package left the regional"},
    "See one word change it: checkout": {"prompt": "The package left the", "b": "The package left the checkout"},
    "See an instruction change it": {
        "prompt": "The package left the",
        "b": "Write a friendly email to a customer about a late order.\n\nThe package left the",
    },
    "Several plausible answers": {"prompt": "The carrier scan says the parcel was"},
    "The support bot": {"prompt": "The support bot answered"},
    "An order ships": {"prompt": "Order shipped from the"},
    "Count what is left": {
        "prompt": "An order contains 5 items. After a return of 2 items, the retained item count is"
    },
    "Structure without words": {"prompt": "A shipment event JSON record starts with"},
    "A policy it cannot know": {"prompt": "The refund policy says annual plans are"},
    "The policy put into context": {
        "prompt": "The refund policy says annual plans are",
        "b": "Annual plans are refundable within 14 days.\nThe refund policy says annual plans are",
    },
    "A database it is not": {"prompt": "Orders marked delivered are eligible for"},
    "The cat": {"prompt": "the cat sat on the"},
}
PARAMETERS = ("axis", "b", "find", "guess", "n")

from pages.shell.navigation import ensure_entry

ensure_entry()

import streamlit as st

from pages.next_token import explanations, two_prompts, word_search
from pages.shared import markup, url_state
from pages.shared.controls import model_picker, page_toolbar, prompt_box, provenance
from pages.shared.pictures import bars, export

presenting = url_state.presenting()
SIZE = 5 if presenting else 10

bars.follow_size(SIZE)
if not presenting:
    page_toolbar.examples(EXAMPLES)
with markup.plain_errors():
    model = model_picker.model()
    comparing = two_prompts.is_on()
    first = prompt_box.render(model, "prompt", "Prompt (A)" if comparing else "Prompt", compact=presenting)
    second = prompt_box.render(model, "b", "Prompt (B)", first.text, compact=presenting) if comparing else None
    answer, other = first.answer, second.answer if second else None
    if answer:
        explanations.advice(answer)
    shown, words, below = st.container(), st.container(), st.container()

    with below.container(horizontal=True, vertical_alignment="center"):
        size, axis = bars.view_controls(SIZE)
        guess_first = st.toggle("Guess first", key=url_state.flag("guess"))
        two_prompts.render_switch()
        if presenting:
            page_toolbar.examples(EXAMPLES)
    word = "" if presenting and not guess_first else word_search.render(below, guess_first)
    if second:
        url_state.put("b", second.committed, always=True)  # that there are two is said by it
    url_state.write()
    if answer and comparing == bool(other):
        answers = [answer, other] if other else [answer]
        picture = (
            bars.pair_payload(answer, other, size)
            if other
            else bars.single_payload(answer, size, banded=not presenting)
        )
        picture["caption"] += provenance.sentence(model)
        if guess_first and not word_search.guessed(answer, word):
            shown.container().write("The bars are hidden. Which token comes next? Write your guess below.")
        else:
            with shown:
                announcement = word_search.announcement(answer, picture)
                takes = None if other else answer
                provenance.render_if_partial(answer)
                bars.render(picture, "next_token_bars", axis, announcement, takes, compact=presenting)
                if other:
                    two_prompts.render(answer, other, table=not presenting)
                else:
                    explanations.uncertainty(words, answer.belief)
            word_search.find(model, answers, word)
            if not presenting:
                explanations.worked_out(answers, picture, model_picker.name())
                explanations.article_table(model)
                export.expander(answers, picture, model_picker.name(), size, axis)
