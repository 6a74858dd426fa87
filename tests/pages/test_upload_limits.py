"""Uploads as ASGI sees them: what anybody invents leaves nothing behind, and every file counts."""

from typing import Any

import pytest

from pages.server import upload_limits
from pages.server.upload_limits import UploadLimits
from tests.reliability.visitors import run

FOLDER = "/_stcore/upload_file/"


class Runtime:
    """Every visitor whose name begins with "real" is here."""

    def is_active_session(self, visitor: str) -> bool:
        return visitor.startswith("real")


@pytest.fixture
def uploads(monkeypatch: pytest.MonkeyPatch) -> UploadLimits:
    monkeypatch.setattr(upload_limits, "get_instance", Runtime)

    async def streamlit(scope: Any, receive: Any, send: Any) -> None:
        """Takes files of visitors who are here, and says 204 to every DELETE, as Streamlit does."""
        message: dict[str, Any] = {"more_body": scope["method"] == "PUT"}
        while message.get("more_body"):
            message = await receive()
        known = scope["method"] == "DELETE" or "/real" in scope["path"]
        await send({"type": "http.response.start", "status": 204 if known else 400, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    return UploadLimits(streamlit)


def ask(uploads: UploadLimits, method: str, path: str, body: bytes = b"") -> int:
    """The status of one request."""
    said: list[int] = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            said.append(message["status"])

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {"type": "http", "method": method, "path": FOLDER + path, "headers": []}
    run(uploads(scope, receive, send))
    return said[0]


def test_invented_visitors_leave_no_entry(uploads: UploadLimits) -> None:
    for number in range(200):
        assert ask(uploads, "DELETE", f"invented-{number}/f") == 204
        assert ask(uploads, "PUT", f"invented-{number}/f", b"x") == 400
    assert uploads._held == {}


def test_a_file_counts_until_it_is_removed(uploads: UploadLimits) -> None:
    assert ask(uploads, "PUT", "real/a", b"x" * 5_000) == 204
    assert ask(uploads, "PUT", "real/b") == 204
    assert uploads._held == {"real": {"a": 5_000, "b": 1_024}}  # what is kept of an empty file is not nothing
    for name in "ab":
        assert ask(uploads, "DELETE", f"real/{name}") == 204
    assert uploads._held == {}
