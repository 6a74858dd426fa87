"""One visitor means harm; the others notice nothing. Each protection of ours has a control that fails without it."""

import asyncio
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus, WebSocketException

from lm_core.serving import limits
from tests.browser.server import ROOT, Server, running
from tests.reliability import cases
from tests.reliability.visitors import Visitor, own_words, run

MIB = 2**20
CAP = next(limit.default for limit in limits.LIMITS if limit.key == "MEMORY")
"""Of the server's memory; in this process another stands, since tests hold several models at once."""
SMALL = {"UPLOADED": 20 * MIB, "ALL_UPLOADS": 28 * MIB, "SESSIONS": cases(8, 32)}
"""Limits that a test can reach in little time; the code that keeps them is the same."""


@contextmanager
def small_server(folder: Path, changed: str = "") -> Iterator[Server]:
    settings = "".join(f"os.environ['NEXT_TOKEN_EXPLORER_{k}'] = '{v}'\n" for k, v in SMALL.items())
    with running(folder, changed=f"import os\n{settings}{changed}") as server:
        server.wait_until("/ready")
        yield server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with small_server(tmp_path_factory.mktemp("server")) as server:
        yield server


def facts(server: Server) -> dict[str, Any]:
    return dict(json.loads(server.get("/ready")[1]))


async def typing_beside(server: Server, harm: Callable[[Visitor], Any], others: int = cases(4, 29)) -> Any:
    """What `harm` by one visitor returns, while the others type; an error of theirs is the test's."""
    visitors = [Visitor(server.url, number) for number in range(others + 1)]
    await asyncio.gather(*(visitor.open() for visitor in visitors))
    one, *rest = visitors
    *_, found = await asyncio.gather(
        *(visitor.keys(own_words(visitor.number, 1), key=0.1) for visitor in rest), harm(one)
    )
    for visitor in visitors:
        await visitor.close()
    return found


async def garbage(visitor: Visitor) -> int | None:
    await visitor.send(b"\xff\xfe no protobuf \x00")
    await visitor.send(b"")
    await asyncio.sleep(0.5)
    return None


async def too_large(visitor: Visitor) -> int | None:
    await visitor.send(b"x" * (26 * 10**6 + 2**20))
    return await visitor.closed()


def message(**fields: bool) -> Callable[[Visitor], Any]:
    async def send(visitor: Visitor) -> None:
        ask = BackMsg()
        for name, value in fields.items():
            setattr(ask, name, value)
        await visitor.send(ask.SerializeToString())
        await asyncio.sleep(0.5)

    return send


@pytest.mark.parametrize(
    ("harm", "ends"),
    [
        (garbage, None),
        (too_large, 1009),
        (message(clear_cache=True), None),
        (message(debug_shutdown_runtime=True), None),
        (message(set_run_on_save=True), None),
    ],
    ids=["garbage", "26 MB", "clear the cache", "shut down", "run on save"],
)
def test_frames_that_mean_harm_hurt_nobody_else(server: Server, harm: Callable[[Visitor], Any], ends: int) -> None:
    assert run(typing_beside(server, harm)) == ends
    assert facts(server)["loads"] == 1
    assert facts(server)["memory"] < CAP


@pytest.mark.soak  # the control: what it shows does not change with a line of ours
def test_a_model_in_streamlits_own_cache_would_be_loaded_again(tmp_path: Path) -> None:
    """The control to "clear the cache"."""
    changed = """
import streamlit as st
from lm_core.serving import registry
inner = type(registry).get
@st.cache_resource
def cached(name):
    registry._served.pop(name, None)
    return inner(registry, name)
type(registry).get = lambda self, name="smollm2-135m": cached(name)
"""
    with small_server(tmp_path, changed) as server:
        before = facts(server)["loads"]
        run(typing_beside(server, message(clear_cache=True), others=2))
        assert facts(server)["loads"] == before + 1


# ---- uploads


class Uploader:
    """Puts files as the frontend does, asked for or not."""

    def __init__(self, server: Server, session: str) -> None:
        self._address, self._session = urlparse(server.url).netloc, session
        _, _, headers = server.get("/_stcore/health")
        self._cookie = headers["set-cookie"].split(";")[0]

    def send(self, method: str, name: str, size: int = 0) -> int:
        connection = http.client.HTTPConnection(self._address, timeout=30)
        body = b"--b\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\n" + b"x" * size + b"\r\n--b--\r\n"
        headers = {"Cookie": self._cookie, "X-Xsrftoken": self._cookie.split("=", 1)[1]}
        headers["Content-Type"] = "multipart/form-data; boundary=b"
        try:
            path = f"/_stcore/upload_file/{self._session}/{name}"
            connection.request(method, path, body if method == "PUT" else None, headers)
            return connection.getresponse().status
        finally:
            connection.close()

    def break_off(self, name: str, size: int) -> None:
        """Begins to send a file, and leaves before its end."""
        host, port = self._address.split(":")
        head = [f"PUT /_stcore/upload_file/{self._session}/{name} HTTP/1.1", f"Host: {self._address}"]
        head += [f"Cookie: {self._cookie}", f"X-Xsrftoken: {self._cookie.split('=', 1)[1]}"]
        head += ["Content-Type: multipart/form-data; boundary=b", f"Content-Length: {size}", ""]
        head += ["--b", "Content-Disposition: form-data; name=f; filename=f", "", ""]
        with socket.create_connection((host, int(port))) as line:
            line.sendall("\r\n".join(head).encode() + b"x" * (size - 1_000))
            time.sleep(0.2)


def flood(server: Server, visitors: int, files: int) -> list[list[int]]:
    """What each visitor's uploads of 4 MiB are answered."""

    async def visit() -> list[list[int]]:
        group = [Visitor(server.url, number, "about") for number in range(visitors)]
        for visitor in group:
            await visitor.open()
        found = []
        for visitor in group:
            uploader = Uploader(server, visitor.session)
            found.append([await asyncio.to_thread(uploader.send, "PUT", f"f{i}", 4 * MIB) for i in range(files)])
        again = Uploader(server, group[0].session)
        await asyncio.to_thread(again.send, "DELETE", "f0")
        found.append([await asyncio.to_thread(again.send, "PUT", "again", MIB)])
        for visitor in group:
            await visitor.close()
        return found

    return run(visit())


def test_an_upload_flood_ends_at_a_visitors_share_and_at_everybodys(server: Server) -> None:
    """20 MiB a visitor, 28 MiB together; what is removed makes room, and so does whoever leaves."""
    for _ in range(2):
        first, second, again = flood(server, visitors=2, files=8)
        assert first == [204] * 4 + [413] * 4
        assert second == [204] * 2 + [503] * 6
        assert again == [204]
    assert facts(server)["ready"]
    assert facts(server)["memory"] < CAP


@pytest.mark.soak  # the control: what it shows does not change with a line of ours
def test_without_the_limits_the_flood_goes_through(tmp_path: Path) -> None:
    """The control: Streamlit itself limits the single file only."""
    changed = "from pages.server import asgi\nasgi.MIDDLEWARE[:] = asgi.MIDDLEWARE[1:]\n"
    with small_server(tmp_path, changed) as server:
        assert flood(server, visitors=1, files=8)[0] == [204] * 8


def test_one_file_has_a_largest_size_and_a_token_is_asked_for(server: Server) -> None:
    async def visit() -> list[int]:
        visitor = Visitor(server.url, 0, "about")
        await visitor.open()
        uploader = Uploader(server, visitor.session)
        large = await asyncio.to_thread(uploader.send, "PUT", "large", 17 * MIB)
        uploader._cookie = "_streamlit_xsrf=made-up"
        forged = await asyncio.to_thread(uploader.send, "PUT", "small", 10)
        stranger = await asyncio.to_thread(Uploader(server, "nobody").send, "PUT", "small", 10)
        await visitor.close()
        return [large, forged, stranger]

    assert run(visit()) == [413, 403, 400]


def test_what_was_broken_off_takes_no_room(server: Server) -> None:
    async def visit() -> list[int]:
        visitor = Visitor(server.url, 0, "about")
        await visitor.open()
        uploader = Uploader(server, visitor.session)
        for number in range(8):  # more than everybody's share
            await asyncio.to_thread(uploader.break_off, f"b{number}", 4 * MIB)
        answers = [await asyncio.to_thread(uploader.send, "PUT", f"f{i}", 4 * MIB) for i in range(5)]
        await visitor.close()
        return answers

    assert run(visit()) == [204] * 4 + [413]


@pytest.mark.long("starts a server")
def test_while_memory_is_short_uploads_are_refused_and_nobody_is_moved_elsewhere(tmp_path: Path) -> None:
    with running(tmp_path, changed=f"import os\nos.environ['NEXT_TOKEN_EXPLORER_MEMORY'] = '{256 * MIB}'") as server:
        server.wait_until("/ready?for=proxy")
        status, reason, _ = server.get("/ready")
        assert (status, json.loads(reason)["reason"]) == (503, "Memory is short.")
        assert flood(server, visitors=1, files=1) == [[503], [503]]


def test_what_is_refused_for_its_token_makes_no_room(server: Server) -> None:
    async def visit() -> list[int]:
        visitor = Visitor(server.url, 0, "about")
        await visitor.open()
        uploader = Uploader(server, visitor.session)
        cookie = uploader._cookie
        answers = [await asyncio.to_thread(uploader.send, "PUT", f"f{i}", 4 * MIB) for i in range(4)]
        uploader._cookie = "_streamlit_xsrf=made-up"
        answers += [await asyncio.to_thread(uploader.send, method, "f0") for method in ("DELETE", "PUT")]
        uploader._cookie = cookie
        answers.append(await asyncio.to_thread(uploader.send, "PUT", "more", 4 * MIB))
        await visitor.close()
        return answers

    assert run(visit()) == [204] * 4 + [403, 403, 413]


# ---- doors


@pytest.mark.parametrize(
    "path",
    [
        "/../app.py", "/..%2fapp.py", "/static/../../app.py", "/static/..%2f..%2f..%2fetc%2fpasswd",
        "/media/../../../etc/passwd", "/component/../../app.py", "/app/static/%2e%2e/%2e%2e/app.py", "/%00",
        "//etc/passwd",
    ],
)  # fmt: skip
def test_no_path_leads_to_a_file(server: Server, path: str) -> None:
    status, body, _ = server.get(path)
    assert b"root:" not in body
    assert b"lm_core" not in body
    assert status in (200, 307, 400, 403, 404)  # 200: the page that every unknown address shows


def test_a_page_of_another_origin_is_not_let_in(server: Server) -> None:
    async def visit() -> None:
        address = server.url.replace("http", "ws") + "/_stcore/stream"
        async with connect(address, subprotocols=["streamlit"], origin="http://evil.example") as socket:  # type: ignore[arg-type]
            await socket.recv()

    with pytest.raises((InvalidStatus, WebSocketException)):
        run(visit())


def test_a_full_room_says_so_and_has_room_again(server: Server) -> None:
    async def visit() -> tuple[list[bool], bool]:
        group = [Visitor(server.url, number, "about") for number in range(SMALL["SESSIONS"] + 1)]
        for visitor in group:
            await visitor.open()
        full = ["The room is full" in visitor.shown for visitor in group]
        await group[0].close()
        await asyncio.sleep(0.5)
        late = Visitor(server.url, 99, "about")
        await late.open()
        for visitor in [*group[1:], late]:
            await visitor.close()
        return full, "The room is full" in late.shown

    assert run(visit()) == ([False] * SMALL["SESSIONS"] + [True], False)


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        ("QUEUE", "many", 'must be a whole number from 1 to 1,099,511,627,776 (visitors), but is "many".'),
        ("MODELS", "here", 'must be "name=path; name=path", but a part of it is "here".'),
        ("ENGINES", "a=vllm+http://b as c", 'says "as c", but the models here are smollm2-135m.'),
    ],
)
def test_a_setting_that_is_none_stops_the_start_with_a_sentence(setting: str, value: str, sentence: str) -> None:
    environment = {**os.environ, f"NEXT_TOKEN_EXPLORER_{setting}": value}
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", "0"]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 1
    assert f"NEXT_TOKEN_EXPLORER_{setting} {sentence}" in run.stderr.splitlines()
    assert "Traceback" not in run.stderr


def upgraded(server: Server, **headers: str) -> int:
    """The status of a request for a session with these headers."""
    connection = http.client.HTTPConnection(urlparse(server.url).netloc, timeout=20)
    connection.putrequest("GET", "/_stcore/stream", skip_host=True)
    wanted = {"Host": urlparse(server.url).netloc, "Upgrade": "websocket", "Connection": "Upgrade"}
    key = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13"}
    for name, value in {**wanted, **key, "Sec-WebSocket-Protocol": "streamlit", **headers}.items():
        connection.putheader(name, value)
    connection.endheaders()
    try:
        return connection.getresponse().status
    finally:
        connection.close()


def test_foreign_names_and_foreign_pages_get_no_session(server: Server) -> None:
    """A name that resolves to this machine (DNS rebinding), and a page of another program on it."""
    host = urlparse(server.url).netloc
    port = host.rpartition(":")[2]
    assert upgraded(server) == upgraded(server, Origin=server.url) == 101
    assert upgraded(server, Host=f"localhost:{port}", Origin=f"http://localhost:{port}") == 101
    assert upgraded(server, Host=f"evil.example:{port}", Origin=f"http://evil.example:{port}") == 403
    assert upgraded(server, Origin="http://localhost:9999") == 403
    assert upgraded(server, Origin="http://evil.example") == 403
    assert upgraded(server, Origin="null") == 403
    status, said, _ = server.get("/", Host="evil.example")
    assert status == 421
    assert "NEXT_TOKEN_EXPLORER_HOSTS" in said.decode()
    assert server.get("/ready", Host="10.1.2.3")[0] == 200  # what a container or a proxy asks


@pytest.mark.long("waits until sessions have ended")
def test_few_descriptors_are_said_and_what_a_session_held_is_given_back(tmp_path: Path) -> None:
    """Of 150 that may be open: who comes when they run short is told so; once the others have gone, there is room."""
    few = "import resource, sys\nresource.setrlimit(resource.RLIMIT_NOFILE, (150, 150))\n"
    few += "os.environ['NEXT_TOKEN_EXPLORER_SESSIONS'] = '60'\n"
    with small_server(tmp_path, f"{few}sys.argv.append('--server.disconnectedSessionTTL=1')\n") as small:
        run(waves(small))


async def waves(server: Server) -> None:
    """Visitors come until they are refused, and go."""
    free = facts(server)["free_descriptors"]
    assert free < 150
    visitors: list[Visitor] = []
    while len(visitors) < 40 and not any("can open no more connections" in text for text in _last(visitors)):
        visitors.append(Visitor(server.url, len(visitors), "about"))
        await visitors[-1].open()
    assert len(visitors) < 40
    status, said, _ = server.get("/ready")
    assert (status, json.loads(said)["reason"]) == (503, "File descriptors are short.")
    assert server.get("/ready?for=proxy")[0] == 200
    for visitor in visitors:
        await visitor.close()
    end = time.monotonic() + 30
    while facts(server)["free_descriptors"] < free - 3:
        assert time.monotonic() < end, "what the sessions held was not given back"
        await asyncio.sleep(0.5)
    again = Visitor(server.url, 99, "about")
    await again.open()
    assert "can open no more connections" not in " ".join(again.shown)
    await again.close()


def _last(visitors: list[Visitor]) -> list[str]:
    return visitors[-1].shown if visitors else []
