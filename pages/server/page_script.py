"""A script in Streamlit's page itself, which loads it again where one of its own scripts was cut off on the way."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pages.shared import components

_HEAD = b"<head>"


class PageScript:
    """Puts the script first in the head of every HTML page that a browser goes to, which is then not compressed.

    What is no page passes unchanged.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        source = (components.FOLDER / "page" / "cut_scripts.js").read_bytes()
        self._script = b"<head><script>\n" + source + b"</script>"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or b"text/html" not in dict(scope["headers"]).get(b"accept", b""):
            await self.app(scope, receive, send)
            return
        plain = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        held: Message = {}
        body = bytearray()

        async def put(message: Message) -> None:
            if message["type"] == "http.response.start":
                if not _is_page(message):
                    await send(message)
                    return
                held.update(message)
            elif not held:
                await send(message)
            else:
                body.extend(message.get("body", b""))
                if not message.get("more_body", False):
                    await self._page(held, bytes(body), send)

        await self.app({**scope, "headers": plain}, receive, put)

    async def _page(self, start: Message, body: bytes, send: Send) -> None:
        body = body.replace(_HEAD, self._script, 1)
        kept = [(name, value) for name, value in start["headers"] if name not in (b"content-length", b"etag")]
        await send({**start, "headers": [*kept, (b"content-length", str(len(body)).encode())]})
        await send({"type": "http.response.body", "body": body})


def _is_page(start: Message) -> bool:
    headers = dict(start["headers"])
    return b"content-encoding" not in headers and headers.get(b"content-type", b"").startswith(b"text/html")
