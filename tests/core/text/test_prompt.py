"""Everything a visitor may paste: what is used, and the sentence that says what was done."""

import pytest

from lm_core import ByteLevelBPE, Distribution, InvalidInput, Transformer
from lm_core.errors import PromptError
from lm_core.text import prompt
from tests.authority import Authority


def test_plain_text_is_taken_as_it_is(model: Transformer) -> None:
    read = prompt.read_prompt("The capital of France is", model.tokenizer, max_tokens=100)
    assert read.ids == (504, 3575, 282, 4649, 314)
    assert read.text == "The capital of France is"
    assert read.notes == ()


@pytest.mark.parametrize(
    "text",
    ["🙂 👩‍👩‍👧", "שלום עולם", "<script>alert(1)</script>", "$x$", ":red[a]", "![](http://x)", "a\0b", "**b** `c`"],
)
def test_strange_text_is_data(model: Transformer, text: str) -> None:
    read = prompt.read_prompt(text, model.tokenizer, max_tokens=100)
    assert (read.text, read.notes) == (text, ())
    assert model.tokenizer.decode(read.ids) == text


def test_ten_thousand_words_keep_their_end(model: Transformer) -> None:
    text = " ".join(f"word{i}" for i in range(10_000))
    every = len(model.tokenizer.encode(text))
    read = prompt.read_prompt(text, model.tokenizer, max_tokens=1024)
    assert len(read.ids) == 1024
    assert read.text.endswith("word9999")
    assert read.notes == (f"The last 1,024 of {every:,} tokens are used; the first {every - 1024:,} are left out.",)


def test_a_very_long_text_is_cut_before_it_is_tokenised(model: Transformer) -> None:
    read = prompt.read_prompt("ab " * 100_000, model.tokenizer, max_tokens=8)
    assert read.notes[0] == "The text is very long: only the last 100,000 of its 300,000 characters were read."
    assert len(read.notes) == 2


def test_lone_surrogates_are_replaced_and_pairs_joined(model: Transformer) -> None:
    read = prompt.read_prompt("a\ud800b \ud83d\ude42", model.tokenizer, max_tokens=100)
    assert read.text == "a\ufffdb 🙂"
    assert read.notes == ("1 lone surrogate(s), which are not valid Unicode, were replaced by U+FFFD.",)


def test_characters_without_a_token_are_left_out_and_named(model: Transformer) -> None:
    read = prompt.read_prompt("a\x04b\x04\x16", model.tokenizer, max_tokens=100)
    assert read.text == "ab"
    assert read.notes == ("3 character(s) that this model has no token for were left out: U+0004, U+0016.",)
    with pytest.raises(PromptError, match="text this model has tokens for"):
        prompt.read_prompt("\x04", model.tokenizer, max_tokens=100)


def test_special_tokens_are_named(model: Transformer) -> None:
    read = prompt.read_prompt("<|im_start|>user\nHi<|im_end|>", model.tokenizer, max_tokens=100)
    assert read.ids[0] == 1
    assert read.notes == ("Read as special tokens, not as plain text: <|im_start|> (id 1), <|im_end|> (id 2).",)


def test_white_space_alone_is_said(model: Transformer) -> None:
    (sentence,) = prompt.read_prompt(" \n\t", model.tokenizer, max_tokens=100).notes
    assert sentence == "The prompt is only white space (3 characters); the bars show what follows it."


def test_an_empty_prompt_is_refused_with_an_example(model: Transformer) -> None:
    with pytest.raises(PromptError, match='at least one character, for example "The capital of France is"'):
        prompt.read_prompt("", model.tokenizer, max_tokens=100)
    with pytest.raises(InvalidInput, match="`max_tokens` must be a whole number >= 1"):
        prompt.read_prompt("a", model.tokenizer, max_tokens=0)


def advice_for(model: Transformer, text: str) -> list[prompt.Advice]:
    belief = Distribution(model.next_logits([model.tokenizer.encode(text)])[0])
    return list(prompt.advise(text, belief, model.tokenizer))


@pytest.mark.parametrize(
    ("text", "offer"),
    [
        ("The capital of France is ", "The capital of France is"),
        ("The capital of Fran", "The capital of"),
        ("Order shipped from the ware", "Order shipped from the"),
    ],
)
def test_a_trailing_space_or_half_a_word_is_noticed(model: Transformer, text: str, offer: str) -> None:
    (advice,) = advice_for(model, text)
    assert advice.text == offer


@pytest.mark.parametrize(
    "text", ["The capital of France is", "The package left the", "1 + 1 =", "日本", "Hi.\n", "word"]
)
def test_ordinary_prompts_get_no_advice(model: Transformer, text: str) -> None:
    assert advice_for(model, text) == []


def test_a_question_is_offered_as_a_chat_turn_as_transformers_writes_it(
    model: Transformer, authority: Authority
) -> None:
    (advice,) = advice_for(model, "Where is my parcel?")
    turns = [{"role": "user", "content": "Where is my parcel?"}]
    assert advice.text == authority.chat(turns)


def test_mass_on_going_on_by_hand() -> None:
    """Tokens "a" and "b" lengthen a word; "A", "." and " " do not."""
    tokenizer = ByteLevelBPE.build(["a", "b", "A", ".", "Ġ"], merges=[], special_ids=[])
    assert prompt.word_goes_on(Distribution([0.0] * 5), tokenizer) == pytest.approx(2 / 5)
