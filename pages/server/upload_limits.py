"""ASGI middleware: upload quotas per visitor and in total."""

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.runtime import get_instance

from lm_core.serving import limits, process_resources

_UPLOADS = "/_stcore/upload_file/"
_LEAST = 1024
"""Bytes a file counts for at least: what is kept of it is more than what is in it."""


class UploadLimits:
    """Counts the bytes of each visitor's uploads, as they come in; Streamlit itself limits the single file only.

    Refuses with 413 what goes beyond a visitor's share, with 503 what goes beyond the server's, or comes while its
    memory is short. A file's bytes count until it is removed or its visitor has gone.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._held: dict[str, dict[str, int]] = {}
        """Bytes by visitor and file. Anybody can invent a visitor: one has an entry only while a file is there."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or _UPLOADS not in path or scope["method"] not in ("PUT", "DELETE"):
            await self.app(scope, receive, send)
            return
        visitor, _, file = path.split(_UPLOADS, 1)[1].partition("/")
        if scope["method"] == "DELETE":

            async def removed(message: Message) -> None:
                if message["type"] == "http.response.start" and message["status"] < 300:  # not where it was refused
                    self._hold(visitor, file, 0)
                await send(message)

            await self.app(scope, receive, removed)
            return
        self._forget_those_gone()
        announced = int(dict(scope["headers"]).get(b"content-length", b"0") or 0)
        if refusal := self._refusal(visitor, announced):
            await refusal(scope, receive, send)
            return
        before, received = self._held.get(visitor, {}).get(file, 0), 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            self._hold(visitor, file, before + received)  # what it replaces lies there until it has come
            if self._refusal(visitor, 0):  # more than announced
                return {"type": "http.disconnect"}
            return message

        kept = False

        async def answered(message: Message) -> None:
            nonlocal kept
            if message["type"] == "http.response.start":
                kept = message["status"] < 300
            await send(message)

        try:
            await self.app(scope, counted, answered)
        finally:  # also where it was broken off: nothing of it lies there then
            self._hold(visitor, file, max(received, _LEAST) if kept else before)

    def _hold(self, visitor: str, file: str, size: int) -> None:
        files = self._held.setdefault(visitor, {})
        if size:
            files[file] = size
        else:
            files.pop(file, None)
        if not files:
            del self._held[visitor]

    def _refusal(self, visitor: str, more: int) -> PlainTextResponse | None:
        own = sum(self._held.get(visitor, {}).values()) + more
        every = sum(sum(files.values()) for files in self._held.values()) + more
        if own > limits.UPLOADED:
            return PlainTextResponse("Your uploads take too much room. Remove one, or reload the page.", 413)
        if every > limits.ALL_UPLOADS or process_resources.resident() > limits.MEMORY:
            return PlainTextResponse("The server's memory is short. Try again in a few minutes.", 503)
        return None

    def _forget_those_gone(self) -> None:
        runtime = get_instance()
        for visitor in [key for key in self._held if not runtime.is_active_session(key)]:
            del self._held[visitor]
