"""Sampling settings of a page: from the link and from the component, checked by `lm_core`."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any

import streamlit as st

from lm_core.decoding.strategies import ORDERS, Strategy, strategy
from lm_core.errors import InvalidInput, real_number, whole_number
from pages.shared import page_parameters, url_state

STEPS = ("temperature", "top_k", "top_p", "min_p")
NAMES = ("t", "k", "p", "m", "order", "seed", "darts", "wide")
"""Of the settings in a link."""
PRESETS = {name: tuple(step for step in order if step in STEPS) for name, order in ORDERS.items()}
HIGHEST, WIDE = 2.0, 5.0
MOST = 1_000_000
"""The largest top-k; no vocabulary is larger."""
_LAST_SEED = 2**32 - 1


@dataclass(frozen=True)
class Settings:
    """What the controls say; None is off."""

    t: float = 1.0
    k: int | None = None
    p: float | None = None
    m: float | None = None
    order: tuple[str, ...] = PRESETS["transformers"]
    seed: int = 0
    darts: bool = False
    wide: bool = False

    def strategy(self) -> Strategy:
        """The same for `lm_core`."""
        return strategy(self.order, self.seed, temperature=self.t, top_k=self.k, top_p=self.p, min_p=self.m)

    def code(self) -> str:
        """The call of `lm_core` that makes it."""
        named = {"temperature": self.t, "top_k": self.k, "top_p": self.p, "min_p": self.m}
        preset = next((name for name, order in PRESETS.items() if order == self.order), None)
        given = "".join(f", {name}={value!r}" for name, value in named.items() if value is not None)
        return f"strategy({preset or self.order!r}, seed={self.seed}{given})"


def _temperature(value: object) -> float:
    return abs(real_number("t", value, f"a number from 0 to {WIDE:g}", lambda t: 0 <= t <= WIDE))  # -0 is 0


def _share(name: str) -> Callable[[object], float]:
    return lambda value: real_number(name, value, "a number from 0 to 1", lambda p: 0 <= p <= 1)


def _order(value: object) -> tuple[str, ...]:
    names = PRESETS.get(value, ()) if isinstance(value, str) else tuple(value) if isinstance(value, list) else ()
    names = names or (tuple(value.split("-")) if isinstance(value, str) else ())
    if sorted(map(str, names)) != sorted(STEPS):
        allowed = f"one of {', '.join(PRESETS)}, or each of {'-'.join(STEPS)} once in another order"
        raise InvalidInput("order", allowed, value)
    return names


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput("switch", "on or off", value)
    return value


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "t": _temperature,
    "k": lambda value: whole_number("k", value, 1, MOST),
    "p": _share("p"),
    "m": _share("m"),
    "order": _order,
    "seed": lambda value: whole_number("seed", value, 0, _LAST_SEED),
    "darts": _flag,
    "wide": _flag,
}


def parser(name: str) -> Callable[[str], Any]:
    """A parser of what a link says: the number in the text, then the same check as for the component."""

    def parse(text: str) -> Any:
        if name == "order":
            return _order(text)
        if name in ("darts", "wide"):
            if text not in ("0", "1"):
                raise InvalidInput(name, "0 or 1", text)
            return text == "1"
        try:
            number = float(text) if len(text) < 30 and text.isascii() else math.nan
        except ValueError:
            number = math.nan
        value = int(number) if number.is_integer() and name in ("k", "seed") else number
        try:
            return _CHECKS[name](value)
        except InvalidInput as error:
            raise InvalidInput(name, error.allowed, text) from None

    return parse


def declare(name: str, default: object) -> str:
    """Declares one setting as a parameter of the page; returns the key it stands under."""
    written = {"order": _order_in_link, "t": "{:.10g}".format}.get(name, page_parameters.written)
    return url_state.parsed(name, default, parser(name), written)


def _order_in_link(order: tuple[str, ...]) -> str:
    return next((name for name, preset in PRESETS.items() if preset == order), "-".join(order))


@dataclass(frozen=True)
class Scene:
    """The settings on a page and where they come from."""

    now: Settings
    """What holds."""
    started: Settings
    """What the component was given when a link, an example or the page last set it."""
    version: int
    """How often that happened."""


def scene(component: str) -> Scene:
    """The settings of the component of this name: what it sent, else what the link says."""
    default, given = Settings(), {}
    for field in fields(Settings):
        key = url_state.key_of(field.name)
        if field.name != "seed":  # it goes with the reader, so the frame has read it already
            key = declare(field.name, getattr(default, field.name))
        given[field.name] = st.session_state[key]
    version_key, base_key = f"{component}_version", f"{component}_base"
    dropped = component not in st.session_state  # out of sight for a while, it has lost what was set
    if url_state.arriving() or version_key not in st.session_state or dropped:
        st.session_state[version_key] = st.session_state.get(version_key, 0) + 1
        st.session_state[base_key] = Settings(**{**given, "wide": given["wide"] or given["t"] > HIGHEST})
    started, version = st.session_state[base_key], st.session_state[version_key]
    now = _sent(st.session_state.get(component, {}).get("settings"), version) or started
    for name, value in asdict(now).items():
        st.session_state[url_state.key_of(name)] = value
    url_state.put("wide", now.wide and now.t <= HIGHEST)  # a higher temperature says it by itself
    url_state.carry("seed", now.seed, default.seed)
    return Scene(now, started, version)


def _sent(message: object, version: int) -> Settings | None:
    """What the component sent, if it is about the scene that stands and holds nothing strange."""
    if not isinstance(message, dict) or message.get("version") != version:
        return None
    try:
        given = {name: message[name] for name in _CHECKS if message.get(name) is not None}
        return Settings(**{name: _CHECKS[name](value) for name, value in given.items()})
    except InvalidInput:
        return None
