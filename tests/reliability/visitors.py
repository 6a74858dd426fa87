"""Visitors without browsers, many in one process: each speaks Streamlit's websocket protocol as its frontend does.

A visitor sends every widget's state, the hashes of messages it holds and what a browser tells of itself, exactly as
recorded from Chromium; the box's rule, one question at a time and then the latest text, is kept too.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

from tests.browser.server import Server

KEY = 0.4
"""Seconds between two keys at 30 words a minute, five letters a word."""
WORDS = tuple(
    "the parcel was delivered to a house near river and nobody could say when it had left town because every letter "  # noqa: SIM905
    "about order number seven got lost between two old cities".split()
)


T = TypeVar("T")


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Its result, from a thread of its own: a browser that is driven may hold this one's event loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


class Failed(Exception):
    """The server showed an exception, or ended a run without success."""


@dataclass
class Visitor:
    """One session; `number` makes what it types its own."""

    url: str
    number: int = 0
    page: str = "next_token"
    query: str = ""
    finished: int = 0
    """Reruns that came to their end."""
    answers: list[float] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    """What was drawn last, as JSON, by the component's name."""
    cookie: str = ""
    """Sent when it connects."""
    session: str = ""
    """How the server calls it."""
    shown: list[str] = field(default_factory=list)
    """HTML and headings drawn by the last rerun, as their source."""
    _widgets: dict[str, WidgetState] = field(default_factory=dict)
    _hashes: list[str] = field(default_factory=list)
    _script: str = ""
    _socket: ClientConnection | None = None
    _box: dict[str, object] = field(default_factory=dict)

    async def open(self) -> float:
        """Connects and waits for the page; seconds."""
        start = time.perf_counter()
        address = self.url.replace("http", "ws") + "/_stcore/stream"
        self._socket = await connect(address, subprotocols=["streamlit"], max_size=None, open_timeout=60,
                                     additional_headers={"Cookie": self.cookie} if self.cookie else None)  # fmt: skip
        await self._ask()
        return time.perf_counter() - start

    async def send(self, data: bytes) -> None:
        """Anything at all."""
        assert self._socket is not None
        await self._socket.send(data)

    async def closed(self) -> int | None:
        """Waits until the server has hung up; why, by the protocol's code."""
        assert self._socket is not None
        await asyncio.wait_for(self._socket.wait_closed(), 30)
        return self._socket.close_code

    async def close(self) -> None:
        if self._socket is not None:
            await self._socket.close()

    async def type(self, text: str, committed: bool = False) -> float:
        """The prompt box holds `text`; seconds until the page is drawn."""
        start = time.perf_counter()
        sent = {"text": text, "version": self._box["version"]}
        box = next(key for key in self._widgets if key.endswith("_prompt_box"))
        self._widgets[box].json_value = json.dumps({"draft": sent} | ({"committed": sent} if committed else {}))
        await self._ask()
        return time.perf_counter() - start

    async def keys(self, words: Sequence[str], key: float = KEY) -> list[float]:
        """Types the words behind the text; seconds from each key to the first picture that knows of it."""
        text = str(self._box["text"])
        pressed: list[float] = []
        taken: list[float] = []
        typed = asyncio.Event()

        async def fingers() -> None:
            nonlocal text
            for letter in "".join(f" {word}" for word in words):
                await asyncio.sleep(key)
                text += letter
                pressed.append(time.perf_counter())
                typed.set()

        typing = asyncio.create_task(fingers())
        while not typing.done() or len(taken) < len(pressed):
            if len(taken) == len(pressed):
                typed.clear()
                await asyncio.wait({typing, waiter := asyncio.create_task(typed.wait())}, return_when="FIRST_COMPLETED")
                waiter.cancel()
                continue
            known = len(pressed)
            self.answers.append(await self.type(text))
            now = time.perf_counter()
            taken += [now - at for at in pressed[len(taken) : known]]
        return taken

    async def _ask(self) -> None:
        assert self._socket is not None
        ask = BackMsg()
        rerun = ask.rerun_script
        rerun.query_string = self.query
        rerun.widget_states.widgets.extend(self._widgets.values())
        rerun.page_name = "" if self._script else self.page
        rerun.page_script_hash = self._script
        rerun.cached_message_hashes.extend(self._hashes)
        about = rerun.context_info
        about.timezone, about.locale, about.url, about.color_scheme = "UTC", "en-US", f"{self.url}/{self.page}", "light"
        self._hashes, self.shown = [], []
        await self._socket.send(ask.SerializeToString())
        begun = False
        while True:
            answer = ForwardMsg.FromString(await asyncio.wait_for(self._socket.recv(), 120))  # type: ignore[arg-type]
            kind = answer.WhichOneof("type")
            begun = begun or kind == "new_session"
            if kind == "delta":
                self._hear(answer)
            elif kind == "new_session":
                self.session = answer.new_session.initialize.session_id
            elif kind == "navigation":
                self._script = answer.navigation.page_script_hash
            elif kind == "script_finished" and begun:
                if answer.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                    continue  # the page itself asked to be run again
                if answer.script_finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
                    raise Failed(f"visitor {self.number}: the script does not compile")
                self.finished += 1
                return

    def _hear(self, answer: ForwardMsg) -> None:
        """Keeps what a browser would send back: the states of widgets, the hashes of what it holds."""
        element = answer.delta.new_element
        kind = element.WhichOneof("type")
        if answer.hash and answer.metadata.cacheable:
            self._hashes.append(answer.hash)
        if kind == "exception":
            raise Failed(f"visitor {self.number}: {element.exception.type} {element.exception.message}")
        if kind == "bidi_component":
            drawn = element.bidi_component
            self.texts[drawn.component_name] = drawn.json
            if drawn.id.endswith("_prompt_box"):
                self._box = json.loads(drawn.json)
                self._widgets.setdefault(drawn.id, WidgetState(id=drawn.id))
        elif kind in ("html", "heading"):
            self.shown.append(element.html.body if kind == "html" else element.heading.body)
        elif kind == "selectbox" and element.selectbox.id not in self._widgets:
            chosen = element.selectbox.options[element.selectbox.default] if element.selectbox.options else ""
            self._widgets[element.selectbox.id] = WidgetState(id=element.selectbox.id, string_value=chosen)
        elif kind == "checkbox" and element.checkbox.id not in self._widgets:
            self._widgets[element.checkbox.id] = WidgetState(
                id=element.checkbox.id, bool_value=element.checkbox.default
            )
        elif kind == "text_input" and element.text_input.id not in self._widgets:
            self._widgets[element.text_input.id] = WidgetState(id=element.text_input.id, string_value="")


def visit(server: Server, page: str, query: str) -> str:
    """What the page shows as HTML to one visitor who opens a link to it and leaves; it has a title."""

    async def look() -> list[str]:
        visitor = Visitor(server.url, 0, "" if page == "home" else page, query)
        await visitor.open()
        await visitor.close()
        return visitor.shown

    shown = run(look())
    assert shown
    return " ".join(shown)


def own_words(number: int, count: int) -> list[str]:
    """What a visitor types, different for each."""
    return random.Random(number).choices(WORDS, k=count)


@dataclass(frozen=True)
class Class:
    """How long things took for a class, in seconds, and what went wrong."""

    opened: list[float]
    burst: list[float]
    steady: list[float]
    """From a key to the first picture that knows of it."""
    answers: list[float]
    """From a message, sent while typing, to the end of its rerun."""
    failures: list[str]


async def run_class(url: str, visitors: int, words: int, page: str = "next_token", query: str = "") -> Class:
    """All open at once, all change a word in one instant, then each types for itself, begun at different times."""
    group = [Visitor(url, number, page, query) for number in range(visitors)]
    failures: list[str] = []

    async def safely(action: object) -> list[float]:
        try:
            found = await action  # type: ignore[misc]
            return found if isinstance(found, list) else [found]
        except Exception as error:
            failures.append(f"{type(error).__name__}: {error}"[:200])
            return []

    async def type_on(visitor: Visitor) -> list[float]:
        await asyncio.sleep(random.Random(visitor.number).uniform(0, 2))
        return await visitor.keys(own_words(visitor.number, words))

    opened = await asyncio.gather(*(safely(visitor.open()) for visitor in group))
    burst = await asyncio.gather(
        *(safely(v.type(f"The carrier {WORDS[v.number % len(WORDS)]} number {v.number}")) for v in group)
    )
    steady = await asyncio.gather(*(safely(type_on(visitor)) for visitor in group))
    for visitor in group:
        await visitor.close()
    answers = [visitor.answers for visitor in group]
    return Class(*(sorted(x for found in part for x in found) for part in (opened, burst, steady, answers)), failures)


def p95(values: Sequence[float]) -> float:
    """The smallest value that 95 % do not exceed; nan for none.

    >>> p95([0.1] * 95 + [9.0] * 5)
    0.1
    """
    ordered = sorted(values)
    return ordered[-(-95 * len(ordered) // 100) - 1] if ordered else float("nan")
