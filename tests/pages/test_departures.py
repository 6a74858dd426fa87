"""Who leaves while a page is on its way to them leaves no traceback in the log."""

import pytest
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from pages.server.asgi import Departures
from tests.reliability.visitors import run


async def streamlit(scope: Scope, receive: Receive, send: Send) -> None:
    """What Streamlit's endpoint does when the line breaks between two messages."""
    websocket = WebSocket(scope, receive, send)
    await websocket.accept()
    try:
        await websocket.send_bytes(b"a page")
    except WebSocketDisconnect:
        assert websocket.application_state is WebSocketState.DISCONNECTED
    try:
        await websocket.receive_bytes()
    except RuntimeError:
        raise TypeError("text frames are not supported") from None


async def connect() -> Message:
    return {"type": "websocket.connect"}


async def broken(message: Message) -> None:
    if message["type"] == "websocket.send":
        raise OSError


async def whole(_: Message) -> None:
    pass


def test_a_line_that_breaks_is_no_error() -> None:
    with pytest.raises(TypeError):  # the control: without it, a traceback is written
        run(streamlit({"type": "websocket"}, connect, broken))
    run(Departures(streamlit)({"type": "websocket"}, connect, broken))


def test_an_error_while_the_visitor_is_there_is_one() -> None:
    async def failing(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        run(Departures(failing)({"type": "websocket"}, connect, whole))
