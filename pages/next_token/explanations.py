"""Explanations of the next-token page: advice on a prompt, entropy in words, formulas, the article's table."""

from collections.abc import Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lm_core import Distribution
from lm_core.logits import omitted
from lm_core.models import LanguageModel
from lm_core.scoring.perplexity import score_continuation
from lm_core.text import prompt
from pages.shared import markup, on_demand, tables
from pages.shared.controls import model_picker, prompt_box
from pages.shared.pictures import formulas

_ARTICLE_PROMPT = "The package left the"
_ARTICLE = {"warehouse": 0.85, "hub": 0.10, "carrier": 0.03, "coupon": 0.000001}


def advice(answer: prompt_box.PromptAnswer) -> None:
    """One line and one button for each thing worth knowing; silent in the middle of typing."""
    if not answer.settled:
        return
    for offered in prompt.advise(answer.text, answer.belief, answer.tokenizer):
        with st.container(horizontal=True, vertical_alignment="center"):
            markup.note(offered.sentence)
            st.button(offered.offer, on_click=prompt_box.set_text, args=(answer.name, offered.text))


def uncertainty(place: DeltaGenerator, belief: Distribution) -> None:
    """Entropy and effective number of choices, in words."""
    nats, bits = belief.entropy("nats"), belief.entropy("bits")
    place.write(
        f"The model is as uncertain as in a fair choice among **{belief.effective_choices:,.1f} tokens** "
        f"(entropy {bits:.3f} bits = {nats:.3f} nats). What happens to the first bar if you add one word?"
    )


def worked_out(answers: Sequence[prompt_box.PromptAnswer], picture: dict[str, Any], model: str) -> None:
    """Expander: the named results of this page with their numbers."""
    place = formulas.expander("next_token")
    if place is None:
        return
    with place:
        first = answers[0]
        shown = len(picture["rows"])
        lines = formulas.of_distribution(first.belief, first.label(first.belief.top(1).rows[0].id), shown)
        code = (
            f"from lm_core import Distribution\n{model_picker.loading(model)}"
            f"belief = Distribution(model.next_logits([model.tokenizer.encode({first.text!r})])[0])\n"
            f"print(belief.top({shown}).rows[0], belief.log_normaliser, belief.top({shown}).rest)\n"
            'print(belief.entropy("nats"), belief.entropy("bits"), belief.effective_choices)\n'
        )
        if len(answers) == 2:
            other = answers[1].belief
            bits = first.belief.kl_divergence(other, "bits")
            at = first.belief.movers(other, 1)[0]
            p, q = first.belief.row(at).probability, other.row(at).probability
            numbers = f"{first.label(at)}: {p:.4g} × log2({p:.4g} / {q:.4g}), … together {bits:.4f} bits"
            lines.append(formulas.Line("KL divergence A to B", "Σ p log2(p / q), over all tokens", numbers))
            code += f"other = Distribution(model.next_logits([model.tokenizer.encode({answers[1].text!r})])[0])\n"
            code += 'print(belief.kl_divergence(other, "bits"))\n'
        formulas.render(lines, code)


@on_demand.expander("An illustrative table, beside the real model", key="_illustration")
def article_table(model: LanguageModel) -> None:
    """Expander: four made-up rows, the mass they leave out, and the model's figures."""
    context = model.tokenizer.encode(_ARTICLE_PROMPT)
    scored = {word: score_continuation(model, context, model.tokenizer.encode(f" {word}")) for word in _ARTICLE}
    rows = [
        (tables.token(f"·{word}"), markup.percent(p, digits=4), markup.percent(scored[word].probability, digits=4))
        for word, p in _ARTICLE.items()
    ]
    rest = (
        tables.token("every other token"),
        markup.percent(omitted(_ARTICLE.values()), digits=4),
        markup.percent(omitted(word.probability for word in scored.values()), digits=4),
    )
    tables.render(["token", "illustration (made up)", "this model"], [*rows, rest], f"“{_ARTICLE_PROMPT} …”")
    st.write("The first column is made up to explain. A list is an excerpt: what it leaves out has probability too.")
