"""Control for the source of the logits: the model's for a prompt, an example of the article's, or pasted ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from lm_core.labels import label
from lm_core.models import LanguageModel
from lm_core.text import logit_parser
from pages.shared import markup, url_state
from pages.shared.controls import prompt_box, provenance

MODEL, BOT, PARCEL, PASTED = "model", "bot", "parcel", "pasted"
TITLES = {MODEL: "Model", BOT: "Support bot", PARCEL: "Parcel", PASTED: "Pasted"}
ARTICLE = {
    BOT: logit_parser.NamedLogits(("correctly", "slowly", "angrily", "the", "</s>"), (3.0, 1.5, -1.0, -2.0, -3.0)),
    PARCEL: logit_parser.NamedLogits(("warehouse", "hub", "carrier"), (2.4, 1.7, 0.2)),
}
CAPTIONS = {
    BOT: "Illustrative logits after “The support bot answered”; not measured.",
    PARCEL: "Illustrative logits after “The parcel left the”; not measured.",
}


_LONGEST_LINK = 2000
_EXAMPLE = "warehouse 2.0\nhub 1.0\ncarrier 0.0\ncoupon -4.0"


@dataclass(frozen=True)
class LogitSource:
    """One row of logits, and how its tokens are called."""

    kind: str
    logits: NDArray[np.floating]
    names: tuple[str, ...] | None
    """None: the answer's tokenizer names them."""
    caption: str
    answer: prompt_box.PromptAnswer | None
    """Where a model gave them."""

    def label(self, token_id: int) -> str:
        """A token as it is shown."""
        if self.names is None:
            assert self.answer is not None
            return self.answer.label(token_id)
        return label(self.names[token_id].encode())


def choose_source() -> str:
    """The control that says whose logits."""
    key = url_state.choice("from", list(TITLES), MODEL)
    return (
        st.segmented_control(
            "Logits from", list(TITLES), key=key, format_func=TITLES.__getitem__, required=True,
            label_visibility="collapsed",
        )
        or MODEL
    )  # fmt: skip


def read_source(kind: str, model: LanguageModel) -> LogitSource | None:
    """Asks for what the source needs and reads its logits.

    None where there is nothing to read yet. Raises InvalidInput for pasted text that holds no logits.
    """
    if kind == MODEL:
        box = prompt_box.render(model, "prompt", "Prompt", compact=url_state.presenting())
        if box.answer is None:
            return None
        logits = np.asarray(box.answer.belief.logits, np.float32)  # what the model gave, before it was widened
        caption = f"After the prompt, over all {len(logits):,} tokens.{provenance.sentence(model)}"
        return LogitSource(kind, logits, None, caption, box.answer)
    if kind == PASTED:
        key = url_state.text("logits", _EXAMPLE, max_length=_LONGEST_LINK)
        how = "One a line, with its name; or numbers with commas or spaces between."
        text = st.text_area("Logits", key=key, height=80 if url_state.presenting() else 130, help=how)
        if len(text) > _LONGEST_LINK:
            markup.note("These logits are too long for a link: whoever gets the link sees the example instead.")
        found = logit_parser.parse_logits(text)
        return LogitSource(kind, np.array(found.logits), found.names, f"{len(found.logits):,} pasted logits.", None)
    example = ARTICLE[kind]
    return LogitSource(kind, np.array(example.logits), example.names, CAPTIONS[kind], None)
