"""The real app in a real browser; any outside request, page error or server traceback fails a test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser import chromium
from tests.browser.server import Server, running

expect.set_options(timeout=20_000)  # a busy machine is no defect


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A second try for tests in a browser, where a busy machine may swap what follows within milliseconds."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=chromium.find(), args=["--no-sandbox"])


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server")) as server:
        server.wait_until("/ready")
        yield server


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a URL in a fresh context; what must never happen is checked at the end."""
    faults: list[str] = []
    contexts = []
    logs: dict[Path, int] = {}  # and how long each was before

    def open_(server: Server, path: str, **options: object) -> Page:
        context = browser.new_context(**{"reduced_motion": "reduce", **options})  # type: ignore[arg-type]
        contexts.append(context)
        logs.setdefault(server.log, server.log.stat().st_size)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(f"page error: {error}"))
        page.on("dialog", lambda dialog: faults.append(f"dialog: {dialog.message}"))
        inside = (server.url, server.url.replace("http", "ws"), "data:", "blob:")
        page.on("request", lambda r: r.url.startswith(inside) or faults.append(f"outside request: {r.url}"))
        page.goto(server.url + path)
        return page

    yield open_
    for context in contexts:
        context.close()
    for log, before in logs.items():
        text = log.read_bytes()[before:].decode()
        faults += [f"server log: {text}"] if "Traceback" in text or "ScriptRunContext" in text else []
    assert faults == []
