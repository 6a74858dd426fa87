"""Two prompts side by side: a second box, and what moved between the two distributions."""

import streamlit as st

from lm_core.labels import label
from pages.shared import markup, tables, url_state
from pages.shared.controls import prompt_box

_ON = "_comparing"


def render_switch() -> None:
    """The switch between one prompt and two."""
    st.toggle("Compare two prompts", key=_ON)


def is_on() -> bool:
    """Whether two prompts are compared; a link that carries a second prompt says so."""
    if url_state.arriving():
        st.session_state[_ON] = url_state.linked("b")
    return bool(st.session_state.get(_ON))


def render(first: prompt_box.PromptAnswer, second: prompt_box.PromptAnswer, table: bool = True) -> None:
    """How far apart the two are, in bits, and the tokens that moved most."""
    forth, back = first.belief.kl_divergence(second.belief, "bits"), second.belief.kl_divergence(first.belief, "bits")
    st.write(
        f"A reader who expects B where A holds pays **{forth:.4g} bits** a token (KL divergence A to B); "
        f"the other way round **{back:.4g} bits**."
    )
    if not table:
        return
    rows = [_mover(first, second, token_id) for token_id in first.belief.movers(second.belief, 8)]
    tables.render(["token", "after A", "after B", "B − A, points"], rows, "Biggest movers")


def _mover(first: prompt_box.PromptAnswer, second: prompt_box.PromptAnswer, token_id: int) -> list[str]:
    before, after = first.belief.row(token_id).probability, second.belief.row(token_id).probability
    moved = f"{100 * (after - before):+.2f}".replace("-", "−")
    name = tables.token(label(first.tokenizer.token_bytes(token_id)))
    return [name, markup.percent(before), markup.percent(after), moved]
