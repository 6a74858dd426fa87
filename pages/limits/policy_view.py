"""One prompt with and without a policy before it: how far the context moves the answer, and that a lie moves it too."""

from __future__ import annotations

import html
import math
from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lm_core import Distribution
from lm_core.errors import PromptError
from lm_core.scoring.candidates import score_candidates
from lm_core.serving import ServedModel, limits
from lm_core.text import prompt
from pages.limits.controls import ASK, ENDINGS, LONGEST, POLICY
from pages.shared import markup, on_demand, tables, url_state
from pages.shared.controls import model_picker, prompt_box
from pages.shared.pictures import bars

OPPOSITE = "Refund policy: annual plans are non-refundable."
_SIZE = 5


def render(_controls: DeltaGenerator) -> Callable[[], None] | None:
    """Asks for a policy and a prompt; returns what shows both distributions."""
    policy, asked = (str(url_state.value(name)) for name in ("policy", "ask"))
    if not url_state.presenting():
        policy = str(on_demand.control(
            url_state.key_of("policy"), st.text_area, "Put into the context", height=68, max_chars=LONGEST
        ))  # fmt: skip
        asked = str(on_demand.control(url_state.key_of("ask"), st.text_input, "Prompt", max_chars=LONGEST))
    if not asked.strip():
        markup.note(f"There is no prompt. Type one, for example: {ASK}")
        return None
    return lambda: _show(policy.strip(), asked)


def with_context(context: str, asked: str) -> str:
    """A prompt behind a text, as a page would put it: with an empty line between."""
    return f"{context}\n\n{asked}" if context else asked


def answer(model: ServedModel, text: str) -> prompt_box.PromptAnswer:
    """What the model makes of a text. Raises PromptError for one it cannot read."""
    read = prompt.read_prompt(text, model.tokenizer, limits.PROMPT_TOKENS)
    belief = Distribution(model.next_logits([list(read.ids)])[0])
    return prompt_box.PromptAnswer("ask", text, True, read, belief, model.tokenizer)


def chances(model: ServedModel, text: str, endings: tuple[str, ...]) -> list[float]:
    """The probability of each ending as a whole, by the chain rule."""
    context = model.tokenizer.encode(text)
    return [
        math.exp(p) for p in score_candidates(model, context, [model.tokenizer.encode(f" {word}") for word in endings])
    ]


def _show(policy: str, asked: str) -> None:
    model = model_picker.pretrained_alone()
    try:
        before, after = answer(model, asked), answer(model, with_context(policy, asked))
    except PromptError as error:
        markup.note(str(error), "error")
        return
    first, then = before.belief.top(1).rows[0], after.belief.top(1).rows[0]
    markup.show(
        f'<p class="nte-sum" role="status"><b>{html.escape(before.label(first.id))} {markup.percent(first.probability)}'
        f"</b> becomes <b>{html.escape(after.label(then.id))} {markup.percent(then.probability)}</b></p>"
    )
    picture = bars.pair_payload(before, after, _SIZE)
    picture["caption"] = f"The {_SIZE} tokens likeliest without (solid) or with that context (striped), and the rest."
    bars.render(picture, "limits_policy_bars", compact=url_state.presenting())
    if url_state.presenting():
        return
    _contexts(model, policy, asked)
    st.write(
        "The context moved the probability. It did not make it evidence: the model checked nothing, and a text that "
        "says the opposite moves it too. So put in the text you trust, and show the reader where it comes from."
    )
    with st.container(horizontal=True):
        for name, text in (("The policy", POLICY), ("Its opposite", OPPOSITE), ("Nothing", "")):
            st.button(name, on_click=url_state.follow, args=({"policy": text}, ()), key=f"_limits_put_{name}")


def _contexts(model: ServedModel, policy: str, asked: str) -> None:
    """The endings as whole words under no context, this one, and its opposite."""
    shown = {"nothing": "", "what stands above": policy, "the opposite": OPPOSITE}
    rows = [
        [name, *map(markup.percent, chances(model, with_context(context, asked), ENDINGS))]
        for name, context in shown.items()
    ]
    head = ["in the context", *(f"“{word}”" for word in ENDINGS)]
    tables.render(head, rows, "Two endings, as whole words by the chain rule")
