"""Expander on the context window: what each policy does when a text outgrows it, and what that costs."""

from __future__ import annotations

import streamlit as st

from lm_core.generation.branch_tree import BranchTree
from lm_core.generation.context_window import ContextPolicy, apply_policy
from pages.shared import on_demand, tables

_SCENES = {
    "8,001 tokens in a window of 8,000": (7_001, 1_001, 8_000),
    "Token 1,000 of an answer": (200, 1_000, 8_000),
}
_THIS = "This text"
_KEPT = 100


@on_demand.expander("When the context window is full", key="_generation_window")
def expander(tree: BranchTree) -> None:
    """A preset or this text; one row a policy, and two ways that need more than a policy."""
    room = tree.limits.room(tree.model)
    scenes = {**({_THIS: (len(tree.prompt_ids), tree.limits.max_new_tokens, room)} if room else {}), **_SCENES}
    name = st.segmented_control("Case", list(scenes), default=next(iter(scenes)), key="_generation_case", required=True)
    prompt, wanted, window = scenes[name if name in scenes else next(iter(scenes))]
    read = prompt + wanted - 1
    st.write(
        f"A prompt of **{prompt:,} tokens** and **{wanted:,} new ones** in a window of {window:,}. To predict new "
        f"token {wanted:,} the model would read the prompt and the {wanted - 1:,} before it: **{read:,}**."
    )
    _table(prompt, wanted, window, tree.limits.keep if name == _THIS else _KEPT)
    cache = tree.model.new_cache()
    longer = (
        f"{cache.bytes_per_token * (prompt + wanted) / 2**20:,.1f} MiB of keys and values" if cache else "more memory"
    )
    st.write(
        "Two more ways, which no policy does for you. **Summarise:** the model first writes a short version of the "
        "oldest part. That costs a generation of its own, and every detail it leaves out. **A longer context:** "
        f"a model that reads more. Here {prompt + wanted:,} tokens take {longer}; each step attends to all of them."
    )


def _table(prompt: int, wanted: int, window: int, keep: int) -> None:
    keep = min(keep, window - 2)
    rows = []
    for policy in ContextPolicy:
        end = apply_policy(prompt, wanted, window, policy, keep)
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
