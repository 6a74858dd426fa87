"""Expanders below the text: what to notice, repetition, strategies compared, a chat as one text, a full window."""

from __future__ import annotations

import html

import streamlit as st

from lm_core.decoding.strategies import Strategy, strategy
from lm_core.generation.beam_search import beam_search
from lm_core.generation.branch_tree import Branch, BranchTree
from lm_core.generation.context_window import ContextPolicy, apply_policy
from lm_core.generation.loop import Limits
from lm_core.generation.repetition import repeated_phrase
from lm_core.labels import label
from lm_core.scoring.perplexity import Score
from lm_core.text import prompt
from pages.generation import component, state, strategy_controls
from pages.shared import callbacks, markup, on_demand, tables, url_state
from pages.shared.controls import offered_models, prompt_box
from pages.shared.pictures import bars, formulas

_COMPARED, _WIDTH = 12, 4
_COMPARISON = "_generation_comparison"
_KEYS = "_generation_keys"
_BEST = f"best found by a beam of width {_WIDTH}"
_LOOP = {"prompt": "Order shipped from the", "t": "0", "steps": "40"}
_APOLOGY = {"prompt": "We apologize for the", "t": "0", "steps": "40"}
_WINDOWS = {
    "8,001 tokens in a window of 8,000": (7_001, 1_001, 8_000),
    "Token 1,000 of an answer": (200, 1_000, 8_000),
}
_THIS = "This text"
_KEPT = 100
_CALMED = {**_LOOP, "rp": "1.1"}


def view_controls(size: int) -> component.ViewSettings:
    """The controls of how it is shown."""
    bars.follow_size(size)
    does = "Keys: ← back, → step, 1 to 9 take a row, space plays"
    count, axis = bars.view_controls(size, component.SIZES, does, _KEYS)
    return component.ViewSettings(count, axis, bool(st.session_state[_KEYS]))


@on_demand.expander("What to notice", key="_generation_notice")
def notice_expander(tree: BranchTree, choice: strategy_controls.StrategyChoice) -> None:
    """Expander of sentences, each with the values on the screen."""
    before, at = len(tree.prompt_ids), tree.at
    gone = f", without the {len(tree.forgotten)} it has forgotten" if tree.forgotten else ""
    lines = [
        f"For token {at + 1} the model reads the prompt’s {before} tokens and the {at} it has generated{gone}: "
        f"{before + at - len(tree.forgotten)} in all. Each answer becomes part of the next question.",
        "The keys and values of tokens already read are kept (KV cache): a step reads one new token, "
        "but that token still attends to all the others. That is why speed is counted in tokens per second."
        + (" When the window forgets, positions move, and what is left is read anew." if gone else ""),
        "Shade and underline of a token say how surprised the model was: below 50 %, 10 % and 1 %. A thick frame was "
        "taken by hand, a dashed one lies ahead.",
        "The probabilities of the steps multiply to the probability of the text; their logarithms add up to ln P.",
        "u runs through the tokens in order of their ids, not of their probabilities. Token n is always drawn with the "
        "n-th number of the seed: going back and on again gives the same text."
        if choice.settings.t
        else "Greedy draws nothing: the same prompt gives the same text for everybody.",
    ]
    markup.show("<ul>" + "".join(f"<li>{html.escape(line)}</li>" for line in lines) + "</ul>")


def formulas_expander(tree: BranchTree) -> None:
    """Expander: ln P, loss and perplexity of the text so far, and the draw of the last token."""
    place = formulas.expander("generation")
    if place is None:
        return
    with place:
        taken = tree.steps[: tree.at]
        if not taken:
            markup.note("Take a step first: nothing has been generated whose probability could be worked out.")
            return
        lines = formulas.of_score(Score(tuple(step.log_probability for step in taken)))
        last = taken[-1]
        if last.u is not None:
            lines.append(formulas.Line("the last draw", "u decides: Σ p of smaller ids ≤ u", f"u = {last.u:.6f}"))
        formulas.render(lines, (
            "from lm_core.scoring import Score\n\n"
            f"score = Score({tuple(round(step.log_probability, 6) for step in taken)!r})\n"
            "print(score.log_probability, score.cross_entropy, score.perplexity)\n"
        ))  # fmt: skip


@on_demand.expander("When greedy goes in circles", key="_generation_circles")
def repetition_expander(tree: BranchTree) -> None:
    """Expander on greedy loops: the article's, made up, and one that this model falls into."""
    found = repeated_phrase(tree.here)
    st.write("**Illustration, made up:** “We apologize for the inconvenience. We apologize for the inconvenience. …”")
    st.write(
        "Greedy always takes the likeliest token. Once a phrase makes itself likeliest, nothing leads out. "
        "A repetition penalty lowers the logits of tokens that are there already; drawing leads out by chance."
    )
    if found:
        names = "".join(label(tree.model.tokenizer.token_bytes(i)) for i in found.ids)
        shown = f'<span class="nte-token">{html.escape(names)}</span>'
        markup.show(f"<p>On this page, right now: {shown} has come {found.times} times in a row.</p>")
    resets = url_state.declared().keys() - state.KEPT_BY_EXAMPLES | {"prompt"}
    with st.container(horizontal=True):
        for title, scene in (
            ("A circle this model falls into", _LOOP),
            ("The same with a penalty of 1.1", _CALMED),
            ("The apology, really run", _APOLOGY),
        ):
            st.button(title, on_click=url_state.follow, args=(scene, resets), key=f"_run_{title}")


@on_demand.expander("Greedy, drawn, best found", key="_generation_compare")
def comparison_expander(tree: BranchTree, choice: strategy_controls.StrategyChoice) -> None:
    """Expander: greedy, drawn and best found, over equally many tokens, as branches with their accounts."""
    st.write(
        "Greedy takes the best next token, which need not lead to the best text. A beam search keeps the "
        f"{_WIDTH} best beginnings. All three run {_COMPARED} tokens, or to their end, and become branches. A text "
        "that ends early has fewer factors: compare texts of one length by ln P, others by perplexity."
    )
    st.button(
        f"Run all three, {_COMPARED} tokens each", key="_generation_three", type="primary",
        on_click=callbacks.want, args=("all three",),
    )  # fmt: skip
    if callbacks.wanted("all three"):
        with st.spinner("Running greedy, drawn and a beam search."):
            st.session_state[_COMPARISON] = (tree, _three(tree, choice))
        callbacks.done("all three")
        st.rerun()  # the picture above shows them
    kept = st.session_state.get(_COMPARISON)
    if kept and kept[0] is tree:
        _table(tree, kept[1])


def _three(tree: BranchTree, choice: strategy_controls.StrategyChoice) -> dict[str, Branch]:
    """Runs them in turn and comes back to where the reader was."""
    place, limits = (tree.path, tree.at), tree.limits
    greedy = strategy(repetition_penalty=choice.penalty)
    drawn = choice.strategy() if choice.settings.t else strategy(seed=choice.settings.seed)
    # The visitor's own stops would end the three at different lengths.
    fair = Limits(_COMPARED, policy=limits.policy, keep=limits.keep, window=limits.window)
    found = {}
    try:
        tree.limit(fair)
        for made_by in (greedy, drawn):
            tree.follow((), made_by)
            list(tree.run(made_by))
            found[strategy_controls.in_words(made_by)] = tree.branch(tree.path[: tree.at])
        best = beam_search(tree.model, tree.prompt_ids, _WIDTH, fair)
        tree.follow(max(best, key=lambda each: each.log_probability).ids, Strategy(), _BEST)
        found[_BEST] = tree.branch(tree.path)
    finally:
        tree.limit(limits)
        tree.follow(place[0], Strategy())
        tree.move(place[1])
    return found


def _table(tree: BranchTree, found: dict[str, Branch]) -> None:
    rows = []
    for name, branch in sorted(found.items(), key=lambda item: -item[1].log_probability):
        text = label(tree.model.tokenizer.decode(branch.ids).encode())
        figures = (len(branch.ids), markup.nats(branch.log_probability), f"{branch.perplexity:.3f}")
        rows.append([name, *figures, tables.words(text)])
    tables.render(["chosen by", "tokens", "ln P (nats)", "perplexity", "text"], rows)


def chat_expander(tree: BranchTree, offered: offered_models.OfferedModel, text: str) -> None:
    """Expander: a conversation is one growing text with special tokens; ask, and it becomes the prompt."""
    if offered.kind != offered_models.PRETRAINED or not prompt.supports_chat(tree.model.tokenizer):
        return
    opened = st.expander("A chat is one text", on_change="rerun", key="_generation_chat")
    if not opened.open:
        return
    with opened:
        markup.show(
            "<p>To the model a conversation is one text. Special tokens mark whose turn it is: "
            '<span class="nte-token">&lt;|im_start|&gt;</span> opens a turn, <span class="nte-token">&lt;|im_end|&gt;'
            "</span> closes it. The assistant’s turn is the continuation, and the model ends it by choosing the "
            "closing token itself.</p>"
        )
        so_far = text + tree.model.tokenizer.decode(tree.here)
        goes_on = "<|im_start|>" in so_far
        with st.form("_generation_ask", border=False):
            st.text_input(
                "Your next message" if goes_on else "Your message", key="_generation_message", max_chars=500,
                placeholder="for example: What is the capital of France?",
            )  # fmt: skip
            title = "Ask: put it behind the chat" if goes_on else "Ask: make it a chat"
            st.form_submit_button(title, on_click=_ask, args=(offered.prompt, so_far if goes_on else None))


def _ask(name: str, chat: str | None) -> None:
    """Puts the visitor's message into the prompt box, behind the chat so far if there is one."""
    question = str(st.session_state["_generation_message"])
    if question.strip():
        prompt_box.set_text(name, prompt.chat_turn(question) if chat is None else prompt.next_turn(chat, question))


@on_demand.expander("When the context window is full", key="_generation_window")
def context_window_expander(tree: BranchTree) -> None:
    """A preset or this text; one row a policy, and two ways that need more than a policy."""
    room = tree.limits.room(tree.model)
    scenes = {**({_THIS: (len(tree.prompt_ids), tree.limits.max_new_tokens, room)} if room else {}), **_WINDOWS}
    name = st.segmented_control("Case", list(scenes), default=next(iter(scenes)), key="_generation_case", required=True)
    length, wanted, window = scenes[name if name in scenes else next(iter(scenes))]
    read = length + wanted - 1
    st.write(
        f"A prompt of **{length:,} tokens** and **{wanted:,} new ones** in a window of {window:,}. To predict new "
        f"token {wanted:,} the model would read the prompt and the {wanted - 1:,} before it: **{read:,}**."
    )
    _policies(length, wanted, window, tree.limits.keep if name == _THIS else _KEPT)
    cache = tree.model.new_cache()
    longer = (
        f"{cache.bytes_per_token * (length + wanted) / 2**20:,.1f} MiB of keys and values" if cache else "more memory"
    )
    st.write(
        "Two more ways, which no policy does for you. **Summarise:** the model first writes a short version of the "
        "oldest part. That costs a generation of its own, and every detail it leaves out. **A longer context:** "
        f"a model that reads more. Here {length + wanted:,} tokens take {longer}; each step attends to all of them."
    )


def _policies(length: int, wanted: int, window: int, keep: int) -> None:
    keep = min(keep, window - 2)
    rows = []
    for policy in ContextPolicy:
        end = apply_policy(length, wanted, window, policy, keep)
        name = f"{policy} ({keep} tokens)" if policy is ContextPolicy.KEEP_PREFIX else str(policy)
        if not end.generated:
            said = "refused before anything runs"
        elif end.generated < wanted:
            said = f"stops after {end.generated:,} new tokens: context full"
        else:
            said = f"all {wanted:,} come out"
        figures = (f"{end.seen:,}", f"{end.forgotten:,}") if end.generated else ("–", "–")
        rows.append([name, tables.words(said), *figures])
    tables.render(["policy", "what happens", "seen at the end", "no longer seen"], rows)
