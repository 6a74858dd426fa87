"""A talk: scenes in order, each a link, moved through by keys. The address bar holds the talk and the scene.

A scene always starts as it was written, whatever was done to it before. `hide=` in a link hides controls that a talk
or a lesson does without; the page works on.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import streamlit as st

from lm_core.errors import InvalidInput
from pages.shared import markup, page_declarations, url_state
from pages.shared.page_declarations import Entry

TALKS = Path("assets/talks")
TITLES = {"temperature": "Temperature, ten minutes", "inside": "Inside a Transformer, five minutes"}
MOST = 60
LONGEST_LINK = 6_000
"""Characters of scenes that a link may hold."""
_WANTED, _HEARD, _HIDE = "_talk_wanted", "_talk_heard", "_talk_hide"
_SCENES, _AT = "scenes", "scene"
HIDEABLE = {
    "title": "h1",
    "examples": ".st-key-_example",
    "view": ".st-key-_view",
    "prompt": '[class*="_prompt_box"], [class*="_line_box"], [class*="_row_box"]',
    "choices": '[data-testid="stButtonGroup"]',
    "notes": ".nte-note",
    "folds": '[data-testid="stExpander"]',
    "seed": "",
    "darts": "",
    "strip": "",
    "filters": "",
    "reset": "",
}
"""Name -> where it stands on a page; those without a place stand inside the temperature component."""


@dataclass(frozen=True)
class Scene:
    """What is shown, and what may be said."""

    title: str
    address: str
    notes: str


@dataclass(frozen=True)
class Talk:
    """Scenes, and where one stands, counted from 1. `source` is what the link says: a name or the scenes themselves."""

    source: str
    scenes: tuple[Scene, ...]
    at: int

    @property
    def scene(self) -> Scene:
        return self.scenes[self.at - 1]

    def link(self, at: int) -> dict[str, str]:
        """The parameters of one of its scenes."""
        _, link = page_declarations.target(self.scenes[at - 1].address)
        return {**link, "present": "1", _SCENES: self.source, _AT: str(at)}


@lru_cache(maxsize=32)
def read(text: str) -> tuple[Scene, ...]:
    """Scenes of a text: a line `title | address` each; `#` begins a remark, spaces at the beginning a speaker's note.

    >>> read("# two scenes\\nHot | temperature?t=2\\n    Say it.\\nCold | temperature?t=0.5")[0]
    Scene(title='Hot', address='temperature?t=2', notes='Say it.')
    >>> read("Nowhere | moon")
    Traceback (most recent call last):
    ...
    lm_core.errors.InvalidInput: `scenes` must be lines of `title | page?...` (line 1 is none), but is 'Nowhere | moon'.
    """
    scenes: list[Scene] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        if line[0].isspace() and scenes:
            last = scenes[-1]
            scenes[-1] = Scene(last.title, last.address, f"{last.notes} {line.strip()}".strip())
            continue
        title, bar, address = (part.strip() for part in line.partition("|"))
        try:
            page_declarations.target(address)
        except KeyError:
            bar = ""
        if not (title and bar and address):
            raise InvalidInput(_SCENES, f"lines of `title | page?...` (line {number} is none)", line)
        scenes.append(Scene(title, address, ""))
    if not 1 <= len(scenes) <= MOST:
        raise InvalidInput(_SCENES, f"1 to {MOST} scenes", len(scenes))
    return tuple(scenes)


def _named(source: str) -> str:
    """The text of a talk: of a file that is shipped, or the source itself."""
    names = {file.stem: file for file in sorted(TALKS.glob("*.txt"))}
    return names[source].read_text(encoding="utf-8") if source in names else source


def _said() -> dict[str, str]:
    return {**url_state.carried(), **st.query_params.to_dict()}


def current() -> Talk | None:
    """The talk this visitor is in. Raises InvalidInput for scenes that cannot be read, or a number of none."""
    if not url_state.presenting():
        return None
    said = _said()
    if (source := said.get(_SCENES)) is None:
        return None
    scenes = read(_named(source))
    at = said.get(_AT, "1")
    if not (at.isascii() and at.isdigit() and len(at) < 4 and 1 <= int(at) <= len(scenes)):
        raise InvalidInput(_AT, f"a whole number from 1 to {len(scenes)}", at)
    return Talk(source, scenes, int(at))


def on_event() -> None:
    """Callback of the stage: which scene the speaker wants.

    After a change of page Streamlit may call it again for a wish it has carried out. Carrying it out twice would put
    back what the speaker has moved meanwhile.
    """
    wanted = getattr(st.session_state.get("_stage"), "wanted", None)
    if not isinstance(wanted, dict) or not isinstance(wanted.get("scene"), int):
        return
    if (stamp := str(wanted.get("stamp"))) != st.session_state.get(_HEARD):
        st.session_state[_WANTED], st.session_state[_HEARD] = wanted["scene"], stamp


def move(entry: Entry) -> Talk | None:
    """Goes to the scene that is wanted, or back to the one that stands if the browser asks for another page.

    Called before a page runs. A talk that cannot be read is said, and the page shown as it is.
    """
    try:
        running = current()
    except InvalidInput as error:
        markup.note(f"The link was not followed in one point: {error} The page is shown without a talk.")
        return None
    wanted = st.session_state.pop(_WANTED, None)
    if running is None:
        return None
    if _AT not in _said():
        wanted = 1  # the link of a whole talk; what it hides, it hides in every scene
        st.session_state[_HIDE] = st.query_params.get("hide", "")
    at = wanted if isinstance(wanted, int) and 1 <= wanted <= len(running.scenes) else running.at
    target, _ = page_declarations.target(running.scenes[at - 1].address)
    if wanted is not None or target.url != entry.url:
        hidden = st.session_state.get(_HIDE)
        link = {**({"hide": hidden} if hidden else {}), **running.link(at)}
        url_state.enter(link)
        if target.url != entry.url:
            st.switch_page(target.file, query_params=link)
    for name in (_SCENES, _AT):
        url_state.carry(name, running.link(at)[name], None)
    return Talk(running.source, running.scenes, at)


def render(running: Talk | None) -> dict[str, object]:
    """What the component on a stage has to know."""
    place = {"scene": running.at, "count": len(running.scenes)} if running else {"scene": 0, "count": 0}
    return {**place, "heard": st.session_state.get(_HEARD, "")}


def render_overview() -> None:
    """The talks that are shipped, or one of the visitor's own: scenes, notes, and the way to begin."""
    opened = st.expander(
        "Talks: temperature, inside a Transformer, or scenes of your own", on_change="rerun", key="_talk"
    )
    if not opened.open:
        return
    with opened, markup.plain_errors():
        shipped = st.segmented_control(
            "Talk", list(TITLES), default=next(iter(TITLES)), format_func=TITLES.__getitem__, key="_talk_name",
            required=True, label_visibility="collapsed",
        )  # fmt: skip
        file = st.file_uploader("Scenes of your own, a text file", type="txt", key="_talk_file")
        source = file.getvalue().decode("utf-8-sig", errors="replace") if file else str(shipped)
        scenes = read(_named(source))
        if len(source) > LONGEST_LINK:
            raise InvalidInput(_SCENES, f"at most {LONGEST_LINK:,} characters, so that a link holds them", len(source))
        target, _ = page_declarations.target(scenes[0].address)
        st.page_link(
            target.file, label=f"Begin: {len(scenes)} scenes", icon=":material/present_to_all:",
            query_params=Talk(source, scenes, 1).link(1),
        )  # fmt: skip
        st.caption("PageDown and PageUp, or the arrows, change the scene; in a text box the arrows stay in it.")
        for scene in scenes:
            page_declarations.show_link(scene.address, markup.plain_text(scene.title))
            st.caption(markup.plain_text(scene.notes))
        st.code(_named(source), language=None)


def parse_hidden(text: str) -> str:
    """Names with commas between. Raises InvalidInput naming one that nothing is called by.

    >>> parse_hidden("title, view")
    'title,view'
    """
    given = [name.strip() for name in text.split(",") if name.strip()]
    for name in given:
        if name not in HIDEABLE:
            raise InvalidInput("hide", "names of " + ", ".join(HIDEABLE), name)
    return ",".join(given)


def hide_controls() -> None:
    """Hides what the link names; it goes along to other pages."""
    hidden = str(st.session_state[url_state.parsed("hide", "", parse_hidden)])
    url_state.carry("hide", hidden, "")
    if not hidden:
        return
    names = hidden.split(",")
    places = ", ".join(HIDEABLE[name] for name in names if HIDEABLE[name])
    rules = f"{places} {{ display: none; }}" if places else ""
    inside = "".join(f"--show-{name}: none; " for name in names if not HIDEABLE[name])
    markup.show(f"<style>{rules} :root {{ {inside} }}</style>")
