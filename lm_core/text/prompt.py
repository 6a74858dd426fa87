"""Text as a person typed or pasted it to token ids, chats included.

Whatever was cut or replaced is said in `notes`, one plain sentence each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from lm_core.distribution import Distribution
from lm_core.errors import PromptError, whole_number
from lm_core.text.byte_pair_encoding import ByteLevelBPE
from lm_core.text.tokenizers import Tokenizer

MAX_CHARACTERS = 100_000  # above this even cutting text into tokens takes noticeable time


@dataclass(frozen=True)
class Prompt:
    """The text a model really sees, its ids, and a sentence for each thing that was done to it."""

    text: str
    ids: tuple[int, ...]
    notes: tuple[str, ...]


def read_prompt(text: str, tokenizer: Tokenizer, max_tokens: int) -> Prompt:
    """The end of `text` that fits in `max_tokens`: what comes next depends most on what came last.

    Raises PromptError for an empty text.
    """
    whole_number("max_tokens", max_tokens, 1)
    if not text:
        raise PromptError("prompt", 'at least one character, for example "The capital of France is"', text)
    kept = text[-MAX_CHARACTERS:]
    valid = kept.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    usable, unknown = (valid, ()) if tokenizer.encodable(valid) else tokenizer.without_unknown(valid)
    ids = tokenizer.encode(usable)
    if not ids:
        some = ", ".join(_some_known(tokenizer))
        raise PromptError("prompt", f"text this model has tokens for, such as {some}", text)
    used = ids[-max_tokens:]
    notes = (*_on_length(text, kept, ids, used), *_on_content(kept, valid, usable, unknown, used, tokenizer))
    return Prompt(usable if len(used) == len(ids) else tokenizer.decode(used), tuple(used), notes)


def _on_length(text: str, kept: str, ids: list[int], used: list[int]) -> Iterator[str]:
    if len(kept) < len(text):
        yield f"The text is very long: only the last {len(kept):,} of its {len(text):,} characters were read."
    if len(used) < len(ids):
        left_out = len(ids) - len(used)
        first = "the first one is" if left_out == 1 else f"the first {left_out:,} are"
        yield f"The last {len(used):,} of {len(ids):,} tokens are used; {first} left out."


def _some_known(tokenizer: Tokenizer) -> Iterator[str]:
    """A few tokens that a person can type."""
    ids = (i for i in range(tokenizer.vocab_size) if i not in tokenizer.special_ids)
    words = [tokenizer.token_bytes(i).decode(errors="replace").strip() for i in islice(ids, 2_000)]
    plain = [word for word in words if word.isalpha() and word.isascii()]
    return islice(plain or [word for word in words if word.isprintable()], 5)


def _on_content(
    kept: str, valid: str, usable: str, unknown: tuple[str, ...], used: list[int], tokenizer: Tokenizer
) -> Iterator[str]:
    if broken := valid.count("\ufffd") - kept.count("\ufffd"):
        yield f"{broken:,} lone surrogate(s), which are not valid Unicode, were replaced by U+FFFD."
    if unknown:
        names = sorted({f"U+{ord(piece):04X}" if len(piece) == 1 else f"“{piece[:30]}”" for piece in unknown})
        what = "character(s)" if all(len(piece) == 1 for piece in unknown) else "word(s)"
        yield f"{len(unknown):,} {what} that this model has no token for were left out: {', '.join(names[:8])}."
    if usable.isspace():
        yield f"The prompt is only white space ({len(usable):,} characters); the bars show what follows it."
    if special := sorted(tokenizer.special_ids.intersection(used)):
        special_names = ", ".join(f"{tokenizer.decode([i])} (id {i})" for i in special)
        yield f"Read as special tokens, not as plain text: {special_names}."


@dataclass(frozen=True)
class Advice:
    """One sentence about a prompt that may not do what its writer expects, and a text that would."""

    sentence: str
    offer: str
    text: str


def supports_chat(tokenizer: Tokenizer) -> bool:
    """Whether a model's tokens can spell a chat as SmolLM2's do: one token opens a turn, another closes it."""
    marks = "<|im_start|><|im_end|>"
    return tokenizer.encodable(marks) and set(tokenizer.encode(marks)) <= set(tokenizer.special_ids)


def chat_turn(question: str) -> str:
    """A question as SmolLM2's chat format spells it (ChatML), ready for the assistant's first token.

    >>> print(chat_turn("Why?").splitlines()[-2])
    Why?<|im_end|>
    """
    system = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
    turns = (("system", system), ("user", question))
    return "".join(f"<|im_start|>{role}\n{text}<|im_end|>\n" for role, text in turns) + "<|im_start|>assistant\n"


def next_turn(transcript: str, question: str) -> str:
    """A chat with one more question behind it: the whole of it is one text, and the model goes on from its end.

    >>> next_turn("<|im_start|>assistant\\nHi.<|im_end|>", "Why?").splitlines()[1:3]
    ['Hi.<|im_end|>', '<|im_start|>user']
    """
    ended = transcript if transcript.endswith("<|im_end|>") else f"{transcript}<|im_end|>"
    return f"{ended}\n<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"


def advise(text: str, belief: Distribution, tokenizer: Tokenizer) -> Iterator[Advice]:
    """What a writer of this prompt should know before reading its bars.

    `belief` is the next-token distribution after the text; a half-written word shows in it, not in the text.
    """
    if not isinstance(tokenizer, ByteLevelBPE):
        return  # words of a closed vocabulary bring no spaces, and there is no chat
    if text != (trimmed := text.rstrip(" ")) and trimmed:
        sentence = "The prompt ends in a space, but tokens bring their own: most words can no longer follow."
        yield Advice(sentence, "Remove the space", trimmed)
    elif text.endswith("?"):
        sentence = "This model continues text; it answers a question only as a turn in a chat."
        if supports_chat(tokenizer):
            yield Advice(sentence, "Ask it as a chat", chat_turn(text))
    elif text[-1:].islower() or text[-1:].isupper():
        going_on = word_goes_on(belief, tokenizer)
        head, space, word = text.rpartition(" ")
        if going_on > 0.2 and space and head.strip():
            sentence = f"The last word, “{word[-40:]}”, looks unfinished to the model: {going_on:.0%} on its going on."
            yield Advice(sentence, "Remove that word", head)


@lru_cache(maxsize=8)
def _lengthening(tokenizer: Tokenizer) -> NDArray[np.bool_]:
    """True for each token that begins with a small letter and no space, so that it lengthens the last word."""
    first = (tokenizer.token_bytes(i).decode(errors="replace")[:1] for i in range(tokenizer.vocab_size))
    return np.fromiter((character.islower() for character in first), bool)


def word_goes_on(belief: Distribution, tokenizer: Tokenizer) -> float:
    """The probability that the next token lengthens the last word instead of starting something new."""
    return float(belief.probabilities[_lengthening(tokenizer)].sum())
