"""The article's illustrative table beside what the real model says of the same words."""

import streamlit as st

from lm_core.logits import omitted
from lm_core.models import LanguageModel
from lm_core.scoring.perplexity import score_continuation
from pages.shared import markup, tables
from pages.shared.expanders import runs_when_open

PROMPT = "The package left the"
TABLE = {"warehouse": 0.85, "hub": 0.10, "carrier": 0.03, "coupon": 0.000001}


@runs_when_open("An illustrative table, beside the real model", key="_illustration")
def article_table(model: LanguageModel) -> None:
    """Expander: four made-up rows, the mass they leave out, and the model's figures."""
    context = model.tokenizer.encode(PROMPT)
    scored = {word: score_continuation(model, context, model.tokenizer.encode(f" {word}")) for word in TABLE}
    rows = [
        (tables.token(f"·{word}"), markup.percent(p, digits=4), markup.percent(scored[word].probability, digits=4))
        for word, p in TABLE.items()
    ]
    rest = (
        tables.token("every other token"),
        markup.percent(omitted(TABLE.values()), digits=4),
        markup.percent(omitted(word.probability for word in scored.values()), digits=4),
    )
    tables.render(["token", "illustration (made up)", "this model"], [*rows, rest], f"“{PROMPT} …”")
    st.write("The first column is made up to explain. A list is an excerpt: what it leaves out has probability too.")
