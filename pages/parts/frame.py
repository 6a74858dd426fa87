"""What every page shows alike: notes, errors as plain sentences, a prompt as token chips."""

import html
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import streamlit as st

from lm_core import LmCoreError, ModelUnavailable
from lm_core.tokens import Tokenizer, label

_CSS = Path("assets/components/frame.css")


def show(markup: str) -> None:
    """Our own markup; whatever a visitor or a model wrote must be escaped before it gets here."""
    st.html(f"<style>{_CSS.read_text(encoding='utf-8')}</style>{markup}")


def note(sentence: str, kind: str = "note") -> None:
    """One sentence beside the figure it is about, shown as plain text."""
    show(f'<p class="nte-{kind}" role="{"alert" if kind == "error" else "note"}">{html.escape(sentence)}</p>')


@contextmanager
def plain_errors() -> Iterator[None]:
    """Shows an error a user can cause as its sentence, and ends the block there."""
    try:
        yield
    except ModelUnavailable as error:
        note(error.what, "error")
        st.text("To fix this, run this command where the app is installed:")
        st.code(error.remedy, language=None)
    except LmCoreError as error:
        note(str(error), "error")


def prompt_tokens(ids: Sequence[int], tokenizer: Tokenizer, shown: int = 200) -> None:
    """The prompt as the model reads it: one chip a token, white space visible, the id on hover."""
    left_out = max(0, len(ids) - shown)
    chips = "".join(
        f'<span class="nte-token" title="id {i}">{html.escape(label(tokenizer.token_bytes(i)))}</span>'
        for i in ids[left_out:]
    )
    count = f"{len(ids):,} token{'' if len(ids) == 1 else 's'}"
    before = f"{count}, the last {shown} shown:" if left_out else f"{count}:"
    show(f'<p class="nte-prompt" aria-label="Prompt as tokens">{before} {chips}</p>')
