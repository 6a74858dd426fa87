"""The prompt box: answers as one types, and shows the tokens of the text.

Each box keeps a draft, which the figures follow key by key, and a committed text, which the address bar follows: a text
is committed when the box is left, on Ctrl+Enter, or when the page itself sets it.
"""

from dataclasses import dataclass, replace
from secrets import token_hex

import streamlit as st

from lm_core import Distribution
from lm_core.errors import PromptError
from lm_core.labels import character_parts, label
from lm_core.models import LanguageModel
from lm_core.serving import limits
from lm_core.text import prompt
from lm_core.text.tokenizers import Tokenizer
from pages.shared import components, markup, url_state

DEFAULT = "The capital of France is"
_CHIPS = 300

_HTML = """<div class="prompt">
  <label><span></span><textarea rows="1" spellcheck="false" autocomplete="off" disabled></textarea></label>
  <div class="tokens" role="group" aria-label="Tokens of the prompt" hidden>
    <span class="count"></span><ol></ol><button type="button" aria-pressed="false">ids</button>
  </div>
</div>"""
_component = st.components.v2.component(
    "prompt_box",
    html=_HTML,
    css=components.styles("prompt_box/prompt_box.css"),
    js=components.script("prompt_box/prompt_box.js"),
)


@dataclass(frozen=True)
class PromptAnswer:
    """What the model makes of a text."""

    name: str
    """Of the box the text stands in."""
    text: str
    settled: bool
    """Whether the visitor has finished this text, rather than being in the middle of typing it."""
    prompt: prompt.Prompt
    belief: Distribution
    tokenizer: Tokenizer

    def label(self, token_id: int) -> str:
        """A token as it is shown."""
        return label(self.tokenizer.token_bytes(token_id))

    def append(self, token_id: int, onto: object = None) -> None:
        """Writes one more token behind `onto`, the text that stood in the box when it was asked for. For callbacks.

        Keys pressed since then may have come first. Without `onto`: behind whatever the box holds by now.
        """
        text = onto if isinstance(onto, str) else _standing(self.name)[0]
        set_text(self.name, text + self.tokenizer.decode([token_id]), onto=text)


@dataclass(frozen=True)
class PromptBox:
    """What stands in a box; there is no answer to a text that no model can read."""

    text: str
    committed: str
    answer: PromptAnswer | None


_VISIT = "_prompt_visit"
"""Tells a browser that comes back to another server process that this one knows nothing of what was typed."""


def set_text(name: str, text: str, onto: str | None = None) -> None:
    """Places a text in this page's box, committed; for callbacks, and before the box is drawn.

    `onto` is the text it continues, so that keys pressed on the way to the browser are not lost.
    """
    key = url_state.key_of(name)
    st.session_state[key] = text
    st.session_state[f"{key}_onto"] = onto
    st.session_state[f"{key}_version"] = st.session_state.get(f"{key}_version", 0) + 1


def _standing(name: str) -> tuple[str, str]:
    """The draft and the committed text of this page's box."""
    key = url_state.key_of(name)
    base, version = st.session_state[key], st.session_state[f"{key}_version"]
    live = st.session_state.get(f"{key}_box", {})
    return _sent(live.get("draft"), version, base), _sent(live.get("committed"), version, base)


def _sent(message: object, version: int, base: str) -> str:
    """What a browser sent, unless it is about a text that the page has since replaced, or is no text at all."""
    if isinstance(message, dict) and message.get("version") == version and isinstance(message.get("text"), str):
        return str(message["text"])
    return base


def render(
    model: LanguageModel,
    name: str,
    heading: str,
    default: str = DEFAULT,
    compact: bool = False,
    chips: bool = True,
    begin: tuple[int, ...] = (),
) -> PromptBox:
    """Draws the box, says what was done to its text, and answers it. `compact` leaves out heading and tokens.

    `chips` False leaves out the tokens alone, where the page shows them elsewhere. `begin` is what this model reads
    before any text.
    """
    key = url_state.text(name, default)
    latest = f"{key}_latest"
    if url_state.arriving() or f"{key}_version" not in st.session_state:
        set_text(name, st.session_state[key])
    elif f"{key}_box" not in st.session_state and latest in st.session_state:
        set_text(name, st.session_state[latest])  # out of sight for a while, it has lost what was typed
    text, committed = _standing(name)
    st.session_state[latest] = text
    url_state.put(name, committed)
    version = st.session_state[f"{key}_version"]
    if name == "prompt":
        url_state.carry("prompt", text, DEFAULT)
    onto = st.session_state[f"{key}_onto"]
    visit = st.session_state.setdefault(_VISIT, token_hex(4))
    data = {
        "visit": visit,
        "name": name,
        "label": heading,
        "text": text,
        "version": version,
        "onto": onto,
        "compact": compact,
    }
    if not text:
        _draw(key, {**data, "tokens": None})
        markup.note(f"{heading} is empty. Type a text to be continued, for example: {default}")
        return PromptBox(text, committed, None)
    with markup.plain_errors():
        try:
            room = min(limits.PROMPT_TOKENS, (model.context_length or limits.PROMPT_TOKENS) - len(begin))
            read = prompt.read_prompt(text, model.tokenizer, room)
        except PromptError:
            _draw(key, {**data, "tokens": None})
            raise
        _draw(key, {**data, **(_tokens(read.ids, model) if chips and not compact else {"tokens": None})})
        for sentence in read.notes:
            markup.note(sentence)
        read = replace(read, ids=(*begin, *read.ids))
        belief = Distribution(model.next_logits([read.ids])[0])
        return PromptBox(text, committed, PromptAnswer(name, text, text == committed, read, belief, model.tokenizer))
    return PromptBox(text, committed, None)


def _tokens(ids: tuple[int, ...], model: LanguageModel) -> dict[str, object]:
    """The chips: one a token, the last ones if there are many."""
    tokens = [model.tokenizer.token_bytes(i) for i in ids[-_CHIPS:]]
    shown = [
        {"id": i, "label": label(token), "part": str(part or "")}
        for i, token, part in zip(ids[-_CHIPS:], tokens, character_parts(tokens))
    ]
    count = f"{len(ids):,} token{'s' if len(ids) > 1 else ''}"
    return {"tokens": shown, "count": count if len(shown) == len(ids) else f"{count}, the last {len(shown)}"}


def _draw(key: str, data: dict[str, object]) -> None:
    _component(data=data, key=f"{key}_box", on_draft_change=lambda: None, on_committed_change=lambda: None)
