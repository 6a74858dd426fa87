"""Controls for the decoding strategy: temperature, filters and their order, repetition penalty, seed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, fields, replace

import streamlit as st

from lm_core.decoding.filters import MinP, RepetitionPenalty, Temperature, TopK, TopP
from lm_core.decoding.strategies import Sample, Strategy, strategy
from lm_core.errors import InvalidInput, real_number
from pages.shared import markup, on_demand, url_state
from pages.shared.controls import sampling_settings

_HIGHEST_PENALTY = 10.0
_GOOD = "_strategy_choice"
_FIELDS: tuple[tuple[str, str, float, float], ...] = (
    ("t", "Temperature (0 is greedy)", sampling_settings.HIGHEST, 0.05),
    ("k", "Top-k", sampling_settings.MOST, 1),
    ("p", "Top-p", 1.0, 0.05),
    ("m", "Min-p", 1.0, 0.01),
    ("rp", "Repetition penalty on what the text holds", _HIGHEST_PENALTY, 0.1),
)
_ORDER_NAMES = {order: name for name, order in sampling_settings.PRESETS.items()}


@dataclass(frozen=True)
class StrategyChoice:
    """What the controls say."""

    settings: sampling_settings.Settings
    penalty: float | None
    """On tokens that the text holds already; None is off."""

    def strategy(self) -> Strategy:
        """The same for `lm_core`. At T = 0 nothing is drawn, and only the penalty can change what is likeliest."""
        now = self.settings
        if now.t == 0:
            return strategy(repetition_penalty=self.penalty)
        filters = {"temperature": None if now.t == 1 else now.t, "top_k": now.k, "top_p": now.p, "min_p": now.m}
        return strategy(("repetition_penalty", *now.order), now.seed, repetition_penalty=self.penalty, **filters)

    def code(self) -> str:
        """The call of `lm_core` that makes it."""
        penalty = f", repetition_penalty={self.penalty!r}" if self.penalty is not None else ""
        if self.settings.t == 0:
            return f"strategy({penalty.removeprefix(', ')})"
        order = ("repetition_penalty", *self.settings.order) if penalty else self.settings.order
        named = {"temperature": self.settings.t, "top_k": self.settings.k, "top_p": self.settings.p}
        given = {**named, "min_p": self.settings.m}
        said = "".join(f", {name}={value!r}" for name, value in given.items() if value not in (None, 1.0))
        return f"strategy({order!r}, seed={self.settings.seed}{penalty}{said})"


def in_words(made_by: Strategy) -> str:
    """A strategy as a table names it.

    >>> in_words(strategy(seed=3, temperature=0.8, top_p=0.9)), in_words(strategy())
    ('seed 3, T = 0.8, top-p 0.9', 'greedy')
    """
    said = [f"seed {made_by.chooser.seed}"] if isinstance(made_by.chooser, Sample) else ["greedy"]
    for step in made_by.filters:
        match step:
            case Temperature(value):
                said.append(f"T = {value:g}")
            case TopK(k):
                said.append(f"top-k {k}")
            case TopP(p):
                said.append(f"top-p {p:g}")
            case MinP(p):
                said.append(f"min-p {p:g}")
            case RepetitionPenalty(value):
                said.append(f"penalty {value:g}")
            case _:
                said.append(type(step).__name__)
    return ", ".join(said)


def _penalty(text: str) -> float:
    value: object = text
    with suppress(ValueError):
        value = float(text) if len(text) < 30 else text
    return real_number(
        "rp", value, f"a number above 0 and at most {_HIGHEST_PENALTY:g}", lambda v: 0 < v <= _HIGHEST_PENALTY
    )


def read_strategy() -> StrategyChoice:
    """The controls behind one button; what they say."""
    keys = {
        field.name: sampling_settings.declare(field.name, field.default)
        for field in fields(sampling_settings.Settings)
        if field.name in ("t", "k", "p", "m", "order")
    }
    penalty_key = url_state.parsed("rp", None, _penalty)
    held = {name: st.session_state[key] for name, key in keys.items()}
    title = "Greedy" if held["t"] == 0 else f"T = {held['t']:g}"
    more = any(held[name] is not None for name in "kpm") or st.session_state[penalty_key] is not None
    with st.popover(f"{title}, filters" if more else title, icon=":material/tune:", key="_strategy"):
        for name, label, highest, step in _FIELDS:
            key = penalty_key if name == "rp" else keys[name]
            if name == "t":
                high = sampling_settings.WIDE if held["t"] > sampling_settings.HIGHEST else highest
                on_demand.control(key, st.slider, label, 0.0, high, step=step)
            else:
                least = 1 if name == "k" else 0.0
                on_demand.control(key, st.number_input, label, least, highest, step=step, placeholder="off")
        orders = list(dict.fromkeys([*sampling_settings.PRESETS.values(), held["order"]]))
        on_demand.control(
            keys["order"], on_demand.select, "Order as in", orders,
            format_func=lambda order: _ORDER_NAMES.get(order, "-".join(order)),
        )  # fmt: skip
    values = {name: st.session_state[key] for name, key in keys.items()}
    settings = replace(sampling_settings.Settings(), **values, seed=url_state.value("seed"))
    choice = _checked(StrategyChoice(settings, st.session_state[penalty_key]))
    for name in keys:
        url_state.put(name, getattr(choice.settings, name))
    url_state.put("rp", choice.penalty)
    return choice


def _checked(choice: StrategyChoice) -> StrategyChoice:
    """The choice, or the last one that held, with a sentence about what is wrong with this one."""
    try:
        choice.strategy()
    except InvalidInput as error:
        markup.note(str(error), "error")
        good: StrategyChoice = st.session_state.get(_GOOD, StrategyChoice(sampling_settings.Settings(), None))
        return replace(good, settings=replace(good.settings, seed=choice.settings.seed))
    st.session_state[_GOOD] = choice
    return choice
