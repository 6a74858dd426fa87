"""The address bar as state: fills a page's controls from the link, says what it refused, writes changes back.

A reader function declares a parameter, fills its control and returns the control's key, so that a page reads
`st.toggle("Guess first", key=url_state.flag("guess"))`. What is in TRAVELLING is carried from page to page; the rest
belongs to its page. A page ends its controls with `url_state.write()`, which puts into the link whatever was declared
and is not at its default.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import urlencode

import streamlit as st

from lm_core import InvalidInput
from lm_core.errors import whole_number
from pages.shared import markup, on_demand
from pages.shared.page_parameters import Parameter, Run, browser_holds, written

TRAVELLING = ("prompt", "model", "seed", "present", "scenes", "scene", "hide")
_RUN, _WRITTEN, _WRITTEN_AT, _FOLLOWED, _TRAVELLED, _KEPT, _SCENES = (
    f"_url_{word}" for word in ("run", "written", "time", "followed", "travelled", "kept", "scenes")
)
LONGEST_TEXT = 1500
"""Characters of a text that a link still holds."""
STALE = 3.0
"""Seconds after a change of the address: a message with an older address is old news by then, not a step back."""
QUIET = 2.0
"""Seconds between two changes of the address where one change follows the other, as in a playing run."""
_ABSENT = object()
T = TypeVar("T")


def _run() -> Run:
    found: Run = st.session_state[_RUN]
    return found


def arrive(page: str) -> None:
    """Called by the frame before a page runs: notices a page just opened, or a link followed in place.

    A message may still carry an address that we have rewritten meanwhile: that is no news. Seconds later it is:
    then the visitor went back in the browser's history.
    """
    state = st.session_state
    opens = _RUN not in state or state[_RUN].page != page
    if opens:
        state.pop(_FOLLOWED, None)
    # A followed link holds until the page has written it back: a message sent before may interrupt the run it started.
    followed = _FOLLOWED in state
    link = dict(state[_FOLLOWED]) if followed else st.query_params.to_dict()
    if opens:
        # A page opened by its name, not by a link, is as it was left.
        link = link or dict(state.get(_SCENES, {}).get(page, {}))
        state[_WRITTEN], state[_WRITTEN_AT] = [link], 0.0
        followed = True
    written = state[_WRITTEN]
    stale = link in written and time.monotonic() - state[_WRITTEN_AT] < STALE
    state[_RUN] = Run(page, None if not followed and (stale or link == written[-1]) else link)
    if state[_RUN].given is not None:
        on_demand.restart()


def begin(known: Iterable[str]) -> list[str]:
    """Called by the frame when a page begins; what of a link just followed is no parameter of this page."""
    run = _run()
    run.declared.clear()  # what the frame has read before, it carries itself
    return [name for name in run.given or {} if name not in {*known, *TRAVELLING, "tour"}]


def arriving() -> bool:
    """Whether this run opens the page or follows a link, so that controls take new values."""
    return _run().given is not None


def linked(name: str) -> bool:
    """Whether the link just followed names this parameter."""
    return name in (_run().given or {})


def key_of(name: str) -> str:
    """Where the value of this page's parameter stands in the session state."""
    return f"{_run().page}_{name}"


def value(name: str) -> Any:
    """What this page's parameter stands at, once it is declared."""
    return st.session_state[key_of(name)]


def declared() -> dict[str, Parameter]:
    """The parameters that this run has declared so far."""
    return _run().declared


def carried() -> dict[str, str]:
    """What goes with the reader, as it is written in a link; what has its default is absent."""
    values: dict[str, str] = st.session_state.setdefault(_TRAVELLED, {})
    return values


def carry(name: str, value: object, default: object) -> None:
    """Lets a value go with the reader to other pages."""
    if value == default:
        carried().pop(name, None)
    else:
        carried()[name] = written(value)


def presenting() -> bool:
    """Presenter view: large type, no sidebar, only what matters. The link says `present=1`."""
    return st.query_params.get("present", carried().get("present")) == "1"


def parsed(
    name: str,
    default: Any,
    parse: Callable[[str], Any],
    written: Callable[[Any], str] = written,
    longest: int | None = None,
) -> str:
    """Declares a parameter and sets its control: to what the link says, what travelled here, or its default.

    `parse` reads a value from text, or raises InvalidInput; `written` writes it.
    """
    run = _run()
    key, link = f"{run.page}_{name}", run.given
    run.declared[name] = Parameter(default, written, longest or LONGEST_TEXT)
    if link is None and key in st.session_state:
        if not browser_holds(key):
            st.session_state[key] = st.session_state[key]  # set anew, so that the browser is told again
        return key
    # A control that was out of sight for a while has lost its value to Streamlit; write() has kept it.
    value = default if link is not None else st.session_state.get(_KEPT, {}).get(key, default)
    asked = (link or {}).get(name, carried().get(name))
    if link is not None and asked is not None:
        try:
            value = parse(asked)
        except InvalidInput as error:
            markup.note(
                f"The link was not followed in one point: {error} The default, {_named(default, written)}, is used."
            )
    st.session_state[key] = value
    return key


def text(name: str, default: str, max_length: int | None = None) -> str:
    """A free text; what else may be wrong with it is for its reader to say."""

    def parse(given: str) -> str:
        if max_length and len(given) > max_length:
            raise InvalidInput(name, f"at most {max_length} characters", given)
        return given

    return parsed(name, default, parse, longest=max_length)


def number(name: str, default: int, low: int, high: int) -> str:
    """A whole number in a range."""

    def parse(given: str) -> int:
        digits = given.isascii() and given.isdigit() and len(given) < 20
        return whole_number(name, int(given) if digits else given, low, high)

    return parsed(name, default, parse)


def choice(name: str, allowed: Sequence[T], default: T) -> str:
    """One of a few values, by the way they are written."""
    by_text = {str(value): value for value in allowed}

    def parse(given: str) -> T:
        if given not in by_text:
            raise InvalidInput(name, "one of " + ", ".join(by_text), given)
        return by_text[given]

    key = parsed(name, default, parse)
    if st.session_state[key] is None and None not in allowed:
        # A browser that was not told what stands here, because the connection broke, sends that nothing does.
        st.session_state[key] = st.session_state.get(_KEPT, {}).get(key, default)
    return key


def flag(name: str, default: bool = False) -> str:
    """A switch: 1 is on, 0 is off."""

    def parse(given: str) -> bool:
        if given not in ("0", "1"):
            raise InvalidInput(name, "0 or 1", given)
        return given == "1"

    return parsed(name, default, parse)


def put(name: str, value: object, always: bool = False) -> None:
    """The link is to hold this, whatever stands in the control; `always`: also where it is the default."""
    run = _run()
    parameter = run.declared[name]
    text = parameter.written(value)
    run.put[name] = None if text == parameter.written(parameter.default) and not always else text


def write(quiet: bool = False) -> dict[str, str]:
    """Ends the controls of a page: what it declared and is not at its default goes into the address bar, with what
    travels; returned too.

    It cannot wait for the end of the page: until then a message sent before would be taken for a link just followed.
    `quiet` changes the address bar every other second at most, where one change follows the other.
    """
    state, run = st.session_state, _run()
    state.pop(_FOLLOWED, None)
    held = {name: state.get(f"{run.page}_{name}", _ABSENT) for name in run.declared}
    values = {name: value for name, value in held.items() if value is not _ABSENT}
    state[_KEPT] = {f"{run.page}_{name}": value for name, value in values.items() if value is not None}
    texts = {name: run.declared[name].in_link(value) for name, value in values.items()} | run.put
    link = {name: text for name, text in carried().items() if name not in texts}
    link |= {name: text for name, text in texts.items() if text is not None}
    _publish(link, quiet and time.monotonic() - state[_WRITTEN_AT] < QUIET)
    return link


@contextmanager
def controls() -> Iterator[None]:
    """Around the controls of a page: the link is written after them, also where one of them is refused."""
    try:
        yield
    finally:
        write()


def _publish(link: dict[str, str], quiet: bool = False) -> None:
    state = st.session_state
    own = {name: value for name, value in link.items() if name not in TRAVELLING}
    state[_SCENES] = {**state.get(_SCENES, {}), _run().page: own}
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
    return carried() | st.session_state.get(_SCENES, {}).get(_run().page, {})


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


def _named(default: object, written: Callable[[Any], str]) -> str:
    """A default as a reader would call it."""
    if default is None or isinstance(default, bool):
        return "on" if default else "off"
    return written(default) or "nothing"
