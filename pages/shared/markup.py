"""HTML that all pages share: numbers as text, tables, notes, and errors as plain sentences."""

import html
import math
import string
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from lm_core import LmCoreError, ModelUnavailable


def show(markup: str) -> None:
    """Our own markup; whatever a visitor or a model wrote must be escaped before it gets here."""
    st.html(markup)


def percent(probability: float, digits: int = 2) -> str:
    """A probability as it is read: 77.3 %, 0.93 %, < 0.01 %; never rounded to 0 or 100.

    >>> percent(0.7726), percent(0.0093), percent(3e-9), percent(0.0), percent(1e-6, digits=4), percent(0.9998)
    ('77.3 %', '0.93 %', '< 0.01 %', '0 %', '0.0001 %', '99.98 %')
    """
    hundred, least = 100 * probability, 10**-digits
    if 0 < hundred < least * (1 - 1e-9):
        return f"< {least:.{digits}f} %"
    if 100 - least < hundred < 100:
        return f"> {100 - least:.{digits}f} %"
    if hundred in (0, 100):
        return f"{hundred:.0f} %"
    return f"{hundred:.{max(1, digits - 1) if 10 <= hundred <= 99.9 else digits}f} %"


def nats(log_probability: float) -> str:
    """A logarithm of a probability, or a loss, with a minus sign that is one.

    >>> nats(-2.302585), nats(-math.inf), nats(math.inf)
    ('−2.3026', '−∞', '∞')
    """
    return f"{log_probability:.4f}".replace("inf", "∞").replace("-", "−")


def figure(value: float) -> str:
    """A perplexity in four digits.

    >>> figure(2.82842), figure(math.inf), figure(math.nan)
    ('2.828', '∞', '–')
    """
    return "∞" if value == math.inf else "–" if math.isnan(value) else f"{value:,.4g}"


def plain_text(text: str) -> str:
    r"""A text that stays as it is where Streamlit reads Markdown.

    >>> plain_text("**x** :red[y] $z$")
    '\\*\\*x\\*\\* \\:red\\[y\\] \\$z\\$'
    """
    return "".join(f"\\{c}" if c in string.punctuation else c for c in text)


def note(sentence: str, kind: str = "note") -> None:
    """One sentence beside the figure it is about, shown as plain text."""
    show(f'<p class="nte-{kind}" role="{"alert" if kind == "error" else "note"}">{html.escape(sentence)}</p>')


@contextmanager
def plain_errors() -> Iterator[None]:
    """The one place that turns an error a user can cause into its sentence; the block ends there."""
    try:
        yield
    except ModelUnavailable as error:
        note(error.what, "error")
        st.write("To fix this, run this command where the app is installed, then reload the page:")
        st.code(error.remedy, language=None)
    except LmCoreError as error:
        note(str(error), "error")
