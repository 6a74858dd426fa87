"""The ASGI side of the app: warm-up, readiness, files of the components, compression, clean ends."""

import asyncio
import gc
import gzip
import os
import posixpath
import signal
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import streamlit as st
from anyio import to_thread
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lm_core.serving import faults, limits, process_resources, registry
from pages.server import ended_sessions
from pages.server.origin_check import OriginCheck
from pages.server.page_script import PageScript
from pages.server.upload_limits import UploadLimits
from pages.shared import components
from pages.shell import waiting_room

_warming_error: list[str] = []


def warm() -> None:
    """Loads the default model, then takes everything loaded so far out of the garbage collector's sight."""
    try:
        if error := registry.warm():
            _warming_error.append(str(error))
    except Exception as error:  # a server without a model still serves its other pages
        faults.note("warm-up", error)
        _warming_error.append(f"The model could not be loaded ({type(error).__name__}).")
    gc.collect()
    gc.freeze()  # a collection over torch's half a million objects stops all visitors for 290 ms


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """Answers at once and warms beside it, so that an early visitor sees the page load, not a dead address.

    At the end every training run is saved, and no process stays behind.
    """
    waiting_room.connect_queue()
    process_resources.raise_descriptor_limit()
    threading.Thread(target=warm, name="warm-up", daemon=True).start()
    watching = asyncio.create_task(ended_sessions.watch())
    yield
    watching.cancel()
    if "lm_core.training_runs.scheduler" in sys.modules:  # else nobody has trained, and torch need not be loaded for it
        from lm_core.training_runs import scheduler

        await to_thread.run_sync(scheduler.close)


def check_settings() -> None:
    """Ends the process with a sentence where the environment sets a limit to what it cannot be."""
    if limits.REFUSED:
        sys.exit("\n".join(limits.REFUSED))


def end_cleanly() -> None:
    """Lets a server that is asked to end do so with exit code 0.

    The web server would end, put everything away, and then kill itself with the signal that it was sent; it is told to
    end without having heard of a signal. Called while it starts.
    """
    web_server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    if hasattr(web_server, "should_exit"):
        signal.signal(signal.SIGTERM, lambda *_: setattr(web_server, "should_exit", True))


async def ready(request: Request) -> JSONResponse:
    """200 once the default model has answered a prompt; 503 while it loads, with the reason it cannot, or while
    memory or descriptors are short. The last two are left out `?for=proxy`, which would take the visitors away from a
    process that is full: they would lose what they have there."""
    facts = {
        "process": os.getpid(),
        "loads": registry.loads,
        "memory": process_resources.resident(),
        "threads": threading.active_count(),
        "free_descriptors": process_resources.free_descriptors(),
    }
    short = ""
    if request.query_params.get("for") != "proxy":
        short = "Memory is short." if process_resources.resident() > limits.MEMORY else ""
        short = short or ("File descriptors are short." if waiting_room.short_of_descriptors() else "")
    if registry.warmed() and not short:
        return JSONResponse({"ready": True, **facts})
    reason = _warming_error[0] if _warming_error else "The model is loading."
    reason = short if registry.warmed() else reason
    return JSONResponse({"ready": False, "reason": reason, **facts}, status_code=503)


class CompressFrontend:
    """Gzips scripts and styles, Streamlit's and ours, once each; Streamlit itself sends them uncompressed, because its
    own middleware would compress them anew for every visitor."""

    _SUFFIXES = (".js", ".css", ".json", ".svg", ".wasm")

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        # A file's name carries a hash of its content, so a path always means the same bytes. Other spellings of a path,
        # and those of no file, for which Streamlit sends its page, are passed on and not kept: anybody can invent them.
        self._packed: dict[str, tuple[Message, bytes]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        accepted = dict(scope.get("headers", ())).get(b"accept-encoding", b"")
        known = path.startswith(("/static/", f"{components.ADDRESS}/{components.version()}/"))
        named = known and path.endswith(self._SUFFIXES) and posixpath.normpath(path) == path
        wanted = named and b"gzip" in accepted
        if not wanted or scope.get("method") != "GET":
            await self.app(scope, receive, send)
            return
        start, body = self._packed.get(path) or await self._fetch(scope, receive)
        if start["status"] == 200 and (b"content-encoding", b"gzip") in start["headers"]:
            self._packed[path] = start, body
        await send(start)
        await send({"type": "http.response.body", "body": body})

    async def _fetch(self, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
        """What the app answers, compressed if it is a whole file. One cut short, because who asked first left, would
        otherwise be kept for everybody: it is answered with 503, and asked for again."""
        start: Message = {}
        body = bytearray()
        ended = False

        async def collect(message: Message) -> None:
            nonlocal ended
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                body.extend(message.get("body", b""))
                ended = not message.get("more_body", False)

        await self.app(scope, receive, collect)
        if start["status"] != 200 or dict(start["headers"]).get(b"content-type", b"").startswith(b"text/html"):
            return start, bytes(body)
        if not ended or int(dict(start["headers"]).get(b"content-length", len(body))) != len(body):
            return {"type": "http.response.start", "status": 503, "headers": []}, b""
        packed = await to_thread.run_sync(gzip.compress, body, 6)
        kept = [(name, value) for name, value in start["headers"] if name not in (b"content-length", b"etag")]
        length = (b"content-length", str(len(packed)).encode())
        start["headers"] = [*kept, (b"content-encoding", b"gzip"), (b"vary", b"Accept-Encoding"), length]
        return start, packed


class Departures:
    """Ends the conversation with a visitor who has left without a word.

    Streamlit takes what Starlette says when the line broke for a breach of its protocol, and would write a traceback
    for each visitor whose line breaks while a message of theirs is being read.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self.app(scope, receive, send)
            return
        gone = False

        async def heard() -> Message:
            nonlocal gone
            message = await receive()
            gone = gone or message["type"] == "websocket.disconnect"
            return message

        async def said(message: Message) -> None:
            nonlocal gone
            try:
                await send(message)
            except OSError:
                gone = True
                raise

        try:
            await self.app(scope, heard, said)
        except (RuntimeError, TypeError):
            if not gone:
                raise


class ComponentFiles(StaticFiles):
    """Files whose address holds a version: a browser keeps them for good, and asks for each once."""

    def file_response(self, *args: Any, **more: Any) -> Response:
        response = super().file_response(*args, **more)
        response.headers["cache-control"] = "public, max-age=31536000, immutable"
        return response


ROUTES = [
    Route("/ready", ready),
    Mount(components.ADDRESS + "/{version}", ComponentFiles(directory=components.FOLDER)),
]
MIDDLEWARE = [
    Middleware(OriginCheck), Middleware(UploadLimits), Middleware(CompressFrontend), Middleware(PageScript),
    Middleware(Departures),
]  # fmt: skip
