"""The frontend's files are packed once for all visitors, and only whole ones."""

import ast
import gzip
import re

import pytest
from starlette.types import Message, Receive, Scope, Send

from pages.server.asgi import CompressFrontend
from pages.server.page_script import PageScript
from tests.browser.server import ROOT
from tests.reliability.visitors import run

SCOPE = {"type": "http", "path": "/static/a.js", "method": "GET", "headers": [(b"accept-encoding", b"gzip")]}


def test_the_page_sent_for_a_path_that_is_not_there_is_not_kept() -> None:
    """Anybody can invent such paths."""
    page = [(b"content-type", b"text/html; charset=utf-8")]

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": page})
        await send({"type": "http.response.body", "body": b"<html>"})

    async def asked() -> tuple[list[Message], CompressFrontend]:
        packing, sent = CompressFrontend(app), []

        async def send(message: Message) -> None:
            sent.append(message)

        async def receive() -> Message:
            return {"type": "http.disconnect"}

        await packing({**SCOPE, "path": "/static/invented.js"}, receive, send)
        return sent, packing

    sent, packing = run(asked())
    assert (sent[0]["headers"], sent[1]["body"]) == (page, b"<html>")
    assert packing._packed == {}


@pytest.mark.parametrize("path", ["/static/./a.js", "/static//a.js", "/static/b/../a.js"])
def test_another_spelling_of_a_path_is_passed_on_and_not_kept(path: str) -> None:
    reached: list[str] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        reached.append(scope["path"])

    async def silent() -> Message:
        return {"type": "http.disconnect"}

    async def deaf(_: Message) -> None:
        raise AssertionError

    packing = CompressFrontend(app)
    run(packing({**SCOPE, "path": path}, silent, deaf))
    assert reached == [path]
    assert packing._packed == {}


def test_a_file_cut_short_is_not_kept_for_everybody() -> None:
    cuts = iter([True, False, True])  # the third is never asked for

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"6")]})
        cut = next(cuts)
        await send({"type": "http.response.body", "body": b"abc" if cut else b"abcdef", "more_body": cut})

    async def asked() -> list[tuple[int, bytes]]:
        packing, found = CompressFrontend(app), []
        for _ in range(3):
            sent: list[Message] = []

            async def send(message: Message, sent: list[Message] = sent) -> None:
                sent.append(message)

            async def receive() -> Message:
                return {"type": "http.disconnect"}

            await packing(SCOPE, receive, send)
            found.append((sent[0]["status"], sent[1]["body"]))
        return found

    first, *later = run(asked())
    assert first == (503, b"")
    assert [(status, gzip.decompress(body)) for status, body in later] == [(200, b"abcdef")] * 2


def test_what_a_component_shows_before_its_script_has_come_takes_no_input() -> None:
    """On a slow wire the markup is there seconds earlier: a click or a letter would be lost."""
    controls = []
    for file in (ROOT / "pages").rglob("*.py"):
        texts = [node.value for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
                 if isinstance(node, ast.Constant) and isinstance(node.value, str)]  # fmt: skip
        for text in texts:
            for control in re.finditer(r"<(textarea|input|button|select)\b[^>]*>", text):
                shown = text[: control.start()].rsplit("<div", 1)[-1]
                controls.append((control[0], "disabled" in control[0] or " hidden" in shown.split(">")[0]))
    assert len(controls) >= 7
    assert [control for control, waits in controls if not waits] == []


def test_a_page_begins_with_the_script_that_loads_it_again() -> None:
    """Pages alone, and with their true length; a file passes as it is."""

    def app(kind: bytes) -> PageScript:
        async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
            headers = [(b"content-type", kind), (b"content-length", b"28"), (b"etag", b'"1"')]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b"<html><head>", "more_body": True})
            await send({"type": "http.response.body", "body": b"</head></html>"})

        return PageScript(answer)

    async def asked(kind: bytes) -> list[Message]:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        async def receive() -> Message:
            return {"type": "http.disconnect"}

        await app(kind)({**SCOPE, "path": "/", "headers": [(b"accept", b"text/html,*/*")]}, receive, send)
        return sent

    start, end = run(asked(b"text/html; charset=utf-8"))
    assert end["body"].startswith(b"<html><head><script>")
    assert b"vite:preloadError" in end["body"]
    assert dict(start["headers"])[b"content-length"] == str(len(end["body"])).encode()
    assert b"etag" not in dict(start["headers"])
    plain = run(asked(b"text/javascript"))
    assert b"".join(part["body"] for part in plain[1:]) == b"<html><head></head></html>"
