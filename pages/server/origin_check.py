"""The names this server answers to, and whose pages may open a session on it.

Without this, a page on the internet can reach a server on the visitor's own machine: by a name of its own that resolves
to 127.0.0.1 (DNS rebinding), or from another port of that machine.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import config
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

HOSTS = "NEXT_TOKEN_EXPLORER_HOSTS"
"""Environment variable: the names visitors use, with commas between; `*` answers to every name."""
LOCAL = ("localhost", "127.0.0.1", "::1")
_FOR_MACHINES = ("/ready", "/_stcore/health")
"""A proxy or container asks these by an address of its own."""


def names(given: str, known: Iterable[str] = ()) -> list[str]:
    """What the server answers to: this machine's own names, those of Streamlit's settings, and those given.

    >>> names("explorer.example.org, 10.0.0.7")
    ['localhost', '127.0.0.1', '::1', 'explorer.example.org', '10.0.0.7']
    """
    return list(dict.fromkeys([*LOCAL, *known, *given.replace(",", " ").split()]))


def allow_own_names() -> None:
    """Called once, while the server starts."""
    known = list(config.get_option("server.allowedHosts"))
    if config.is_manually_set("browser.serverAddress"):
        known.append(config.get_option("browser.serverAddress"))
    config.set_option("server.allowedHosts", names(os.environ.get(HOSTS, ""), known))


def is_own_page(origin: str, host: str) -> bool:
    """Whether a page of this origin may open a session: it came from here, or from a name the operator has given."""
    try:
        parts = urlsplit(origin)
        name = parts.hostname
    except ValueError:
        return False
    if parts.netloc == host or origin in config.get_option("server.corsAllowedOrigins"):
        return True
    # Behind a proxy the port, or the name itself, may be another than this process sees.
    return name is not None and name not in LOCAL and is_host_allowed(name)


class OriginCheck:
    """ASGI middleware: refuses requests to foreign names with a sentence, and sessions for foreign pages."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", ()))
        host = headers.get(b"host", b"").decode("latin-1")
        if scope["type"] == "http" and scope["path"] not in _FOR_MACHINES and not is_host_allowed(host):
            said = f"This server does not answer to “{host[:80]}”. Whoever runs it can allow the name: {HOSTS}=...\n"
            await PlainTextResponse(said, 421)(scope, receive, send)
            return
        origin = headers.get(b"origin", b"").decode("latin-1")
        if scope["type"] == "websocket" and (not is_host_allowed(host) or (origin and not is_own_page(origin, host))):
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        await self.app(scope, receive, send)
