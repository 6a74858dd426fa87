"""The address bar as state: fills a page's controls from the link, says what it refused, writes changes back.

A reader function returns the key of the control it has filled, so that a page reads
`st.toggle("Guess first", key=url_state.flag("guess"))`. What is in TRAVELLING is carried from page to page; the rest
belongs to its page. A page ends its controls with `url_state.write(...)`.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from typing import Any, TypeVar
from urllib.parse import urlencode

import streamlit as st

from lm_core import InvalidInput
from lm_core.errors import whole_number
from pages.shared import markup, timers

TRAVELLING = ("prompt", "model", "seed", "present", "scenes", "scene", "hide")
_PAGE, _GIVEN, _WRITTEN, _WRITTEN_AT, _FOLLOWED, _TRAVELLED, _KEPT, _SCENES, _STARTS, _COUNT = (
    f"_url_{word}"
    for word in ("page", "given", "written", "time", "followed", "travelled", "kept", "scenes", "starts", "count")
)
LONGEST_TEXT = 1500
"""Characters of a text that a link still holds."""
T = TypeVar("T")


def arrive(page: str) -> None:
    """Called by the frame before a page runs: notices a page just opened, or a link followed in place.

    A message may still carry an address that we have rewritten meanwhile: that is no news. Seconds later it is:
    then the visitor went back in the browser's history.
    """
    state = st.session_state
    if state.get(_PAGE) != page:
        state.pop(_FOLLOWED, None)
    # A followed link holds until the page has written it back: a message sent before may interrupt the run it started.
    followed = _FOLLOWED in state
    link = dict(state[_FOLLOWED]) if followed else st.query_params.to_dict()
    if state.get(_PAGE) != page:
        # A page opened by its name, not by a link, is as it was left.
        link = link or dict(state.get(_SCENES, {}).get(page, {}))
        state[_WRITTEN], state[_WRITTEN_AT] = [link], 0.0
        followed = True
    written = state[_WRITTEN]
    stale = link in written and time.monotonic() - state[_WRITTEN_AT] < timers.STALE
    state[_GIVEN] = None if not followed and (stale or link == written[-1]) else link
    state[_PAGE] = page
    if state[_GIVEN] is not None:
        state[_STARTS] = {}


def refuse_unknown(known: Iterable[str]) -> None:
    """Says what of a link just followed is no parameter of this page, so that a misspelt one is not lost in silence."""
    allowed = {*known, *TRAVELLING, "tour"}
    unknown = [name for name in st.session_state[_GIVEN] or {} if name not in allowed]
    if unknown:
        named = ", ".join(f"“{name[:40]}”" for name in unknown[:3])
        more = f" and {len(unknown) - 3} more" if unknown[3:] else ""
        near = get_close_matches(unknown[0], allowed, n=1) if len(unknown) == 1 else []
        meant = f" Was “{near[0]}” meant?" if near else ""
        markup.note(f"The link was not followed in one point: this page has no parameter {named}{more}.{meant}")


def arriving() -> bool:
    """Whether this run opens the page or follows a link, so that controls take new values."""
    return st.session_state[_GIVEN] is not None


def linked(name: str) -> bool:
    """Whether the link just followed names this parameter."""
    return name in (st.session_state[_GIVEN] or {})


def key_of(name: str) -> str:
    """Where the value of this page's parameter stands in the session state."""
    return f"{st.session_state[_PAGE]}_{name}"


def carried() -> dict[str, str]:
    """What goes with the reader, as it is written in a link; what has its default is absent."""
    values: dict[str, str] = st.session_state.setdefault(_TRAVELLED, {})
    return values


def carry(name: str, value: object, default: object) -> None:
    """Lets a value go with the reader to other pages."""
    if value == default:
        carried().pop(name, None)
    else:
        carried()[name] = _written(value)


def presenting() -> bool:
    """Presenter view: large type, no sidebar, only what matters. The link says `present=1`."""
    return st.query_params.get("present", carried().get("present")) == "1"


def _fill(name: str, default: T, parse: Callable[[str], T]) -> str:
    """Sets a control to what the link says, else to what travelled here, else to its default."""
    key = key_of(name)
    link = st.session_state[_GIVEN]
    if link is None and key in st.session_state:
        return key
    # A control that was out of sight for a while has lost its value to Streamlit; write() has kept it.
    value = default if link is not None else st.session_state.get(_KEPT, {}).get(key, default)
    asked = (link or {}).get(name, carried().get(name))
    if link is not None and asked is not None:
        try:
            value = parse(asked)
        except InvalidInput as error:
            markup.note(f"The link was not followed in one point: {error} The default, {_named(default)}, is used.")
    st.session_state[key] = value
    return key


def text(name: str, default: str, max_length: int | None = None) -> str:
    """A free text; what else may be wrong with it is for its reader to say."""

    def parse(given: str) -> str:
        if max_length and len(given) > max_length:
            raise InvalidInput(name, f"at most {max_length} characters", given)
        return given

    return _fill(name, default, parse)


def number(name: str, default: int, low: int, high: int) -> str:
    """A whole number in a range."""

    def parse(given: str) -> int:
        digits = given.isascii() and given.isdigit() and len(given) < 20
        return whole_number(name, int(given) if digits else given, low, high)

    return _fill(name, default, parse)


def parsed(name: str, default: object, parse: Callable[[str], object]) -> str:
    """Anything `parse` reads from text; it raises InvalidInput for what it cannot."""
    return _fill(name, default, parse)


def choice(name: str, allowed: Sequence[T], default: T) -> str:
    """One of a few values, by the way they are written."""
    by_text = {str(value): value for value in allowed}

    def parse(given: str) -> T:
        if given not in by_text:
            raise InvalidInput(name, "one of " + ", ".join(by_text), given)
        return by_text[given]

    return _fill(name, default, parse)


def flag(name: str, default: bool = False) -> str:
    """A switch: 1 is on, 0 is off."""

    def parse(given: str) -> bool:
        if given not in ("0", "1"):
            raise InvalidInput(name, "0 or 1", given)
        return given == "1"

    return _fill(name, default, parse)


def control(key: str, widget: Callable[..., T], *args: object, starts: str = "value", **options: object) -> T:
    """A widget for the value under `key`, that may stand in a popover nobody has opened yet.

    Streamlit tells the browser what a page has set in the run that sets it and no more; a control that appears later
    would start from its least value, and send that. So the value is its default, under a key of its own.
    """
    state = st.session_state
    held: dict[str, tuple[str, object]] = state.setdefault(_STARTS, {})
    if key not in held or held[key][0] not in state or state[key] != state[held[key][0]]:
        state[_COUNT] = state.get(_COUNT, 0) + 1
        held[key] = (f"{key}#{state[_COUNT]}", state[key])
    name, start = held[key]
    value = widget(*args, **{starts: start}, key=name, on_change=_take, args=(key, name), **options)
    state[key] = value
    return value


def select(label: str, options: Sequence[T], value: T, **rest: Any) -> T:
    """A selectbox that starts from a value, not from a place, for `control`."""
    return st.selectbox(label, options, index=options.index(value), **rest)


def _take(key: str, name: str) -> None:
    """What the visitor has set, before anything of the next run compares it with what the page holds.

    A message sent on the way to another scene still speaks of a control that is gone: that is no wish.
    """
    if st.session_state[_STARTS].get(key, ("",))[0] == name:
        st.session_state[key] = st.session_state[name]


def write(quiet: bool = False, **parameters: tuple[object, object]) -> None:
    """Puts each (value, default) that differs into the address bar; what travels goes along.

    `quiet` changes the address bar every other second at most, where one change follows the other.
    """
    st.session_state.pop(_FOLLOWED, None)
    st.session_state[_KEPT] = {key_of(name): value for name, (value, _) in parameters.items() if value is not None}
    wanted = {name: value for name, value in carried().items() if name not in parameters}
    link = wanted | {name: _written(value) for name, (value, default) in parameters.items() if value != default}
    _publish(link, quiet and time.monotonic() - st.session_state[_WRITTEN_AT] < timers.QUIET)


def _publish(link: dict[str, str], quiet: bool = False) -> None:
    state = st.session_state
    own = {name: value for name, value in link.items() if name not in TRAVELLING}
    state[_SCENES] = {**state.get(_SCENES, {}), state[_PAGE]: own}
    if quiet:
        return
    if st.query_params.to_dict() != link:
        st.query_params.from_dict(link)
    if state[_WRITTEN][-1] != link:
        state[_WRITTEN], state[_WRITTEN_AT] = [*state[_WRITTEN], link][-50:], time.monotonic()


def link_with(**parameters: str) -> str:
    """The query of a link to this scene, with some values as they stand at this moment."""
    return urlencode({**st.session_state[_WRITTEN][-1], **parameters})


def scene() -> dict[str, str]:
    """The link to this scene, as the page last had it."""
    return carried() | st.session_state.get(_SCENES, {}).get(st.session_state[_PAGE], {})


def follow(link: dict[str, str], replaces: Iterable[str]) -> None:
    """Goes to another scene of this page; of what it replaces only what it names is left. For callbacks."""
    gone = set(replaces)
    whole = {name: value for name, value in st.query_params.to_dict().items() if name not in gone} | link
    st.session_state[_FOLLOWED] = whole
    st.query_params.from_dict(whole)


def enter(link: dict[str, str]) -> None:
    """Lets the page be as a link says and nothing else: what travelled here stays behind. Before a page runs."""
    carried().clear()
    st.session_state[_FOLLOWED] = link
    st.query_params.from_dict(link)


def forget() -> None:
    """Lets every page be as at first. For callbacks."""
    kept = {name: value for name, value in carried().items() if name == "model"}
    st.session_state[_SCENES], st.session_state[_TRAVELLED], st.session_state[_FOLLOWED] = {}, kept, kept
    st.query_params.from_dict(kept)


def present(on: bool) -> None:
    """Enters or leaves presenter view, the scene kept; a talk ends with it. For callbacks."""
    carry("present", on, False)
    for name in ("scenes", "scene", "hide"):
        carried().pop(name, None)
    kept = {n: v for n, v in st.query_params.to_dict().items() if n not in ("present", "scenes", "scene", "hide")}
    _publish(kept | carried())


def _written(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def _named(value: object) -> str:
    """A default as a reader would call it."""
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "nothing"
    if value is None or isinstance(value, bool):
        return "on" if value else "off"
    if value == "":
        return "nothing"
    return str(value)


def short(text: str, default: str) -> str:
    """The text as a link holds it: the default stands for one that is too long."""
    return text if len(text) <= LONGEST_TEXT else default
