"""The real app in a real browser; any outside request, page error or server traceback fails a test.

A worker keeps one browser, one tab and one server. Opening a link in the tab is a new session on the server, which is
the isolation that tests rely on, and costs less than half of what a fresh context does, because scripts stay compiled.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser import chromium
from tests.browser.screen import LISTENING
from tests.browser.server import Server, running

expect.set_options(timeout=20_000)  # a busy machine is no defect
PLAIN = {"viewport": {"width": 1280, "height": 720}, "color_scheme": "light", "reduced_motion": "reduce"}
"""How a page is shown unless a test says otherwise."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # A page is open for seconds: compiling its scripts once more, for speed, costs more than it gains; and so does
        # a process of its own that plays the GPU.
        args = ["--no-sandbox", "--disable-gpu", "--in-process-gpu", "--js-flags=--no-opt --no-maglev"]
        yield playwright.chromium.launch(executable_path=chromium.find(), args=args)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server")) as server:
        server.wait_until("/ready")
        yield server


@pytest.fixture(scope="session")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Another server, for links that restore a scene elsewhere."""
    with running(tmp_path_factory.mktemp("other")) as server:
        server.wait_until("/ready")
        yield server


class Tabs:
    """The tab that stays, further ones for the length of a test, and what must never happen in any."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._warm: Page | None = None
        self._free = True
        self._opened: list[Page] = []
        self._contexts: list[BrowserContext] = []
        self.faults: list[str] = []
        self.servers: list[Server] = []

    def take(self, own: bool, options: dict[str, object]) -> Page:
        """The warm tab if it is free, else a new one beside it; `own` gives one of a context of its own."""
        if own or not options.keys() <= {*PLAIN, "permissions"}:
            self._contexts.append(self._context(options))
            return self._watched(self._contexts[-1].new_page())
        if self._warm is None or self._warm.is_closed():
            self._warm, self._free = self._watched(self._context({}).new_page()), True
        page = self._warm if self._free else self._watched(self._warm.context.new_page())
        self._free = False
        self._opened.append(page)
        given = {**PLAIN, **options}
        page.set_viewport_size(given["viewport"])  # type: ignore[arg-type]
        page.emulate_media(color_scheme=given["color_scheme"], reduced_motion=given["reduced_motion"])  # type: ignore[arg-type]
        if "permissions" in options:
            page.context.grant_permissions(options["permissions"])  # type: ignore[arg-type]
        return page

    def _context(self, options: dict[str, object]) -> BrowserContext:
        context = self._browser.new_context(**{**PLAIN, **options})  # type: ignore[arg-type]
        context.add_init_script(path=LISTENING)
        return context

    def _watched(self, page: Page) -> Page:
        page.on("pageerror", lambda error: self.faults.append(f"page error: {error}"))
        page.on("dialog", lambda dialog: self.faults.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: self._look(request.url))
        return page

    def _look(self, url: str) -> None:
        inside = [start for s in self.servers for start in (s.url, s.url.replace("http", "ws"))]
        if not url.startswith((*inside, "data:", "blob:", "about:")):
            self.faults.append(f"outside request: {url}")

    def clear(self) -> None:
        """Leaves nothing of a test: no tab but the warm one, which is empty, no storage, cookie or permission."""
        for context in self._contexts:
            context.close()
        for page in self._opened:
            if not page.is_closed():
                if page.url.startswith("http"):
                    page.evaluate("sessionStorage.clear()")
                page.goto("about:blank") if page is self._warm else page.close()
        if self._warm is not None and not self._warm.is_closed():
            # Only now: a page that is still there could write once more what it keeps.
            storage = self._warm.context.new_cdp_session(self._warm)
            for origin in {server.url for server in self.servers}:
                storage.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "local_storage"})
            storage.detach()
            self._warm.context.clear_cookies()
            self._warm.context.clear_permissions()
        self._contexts, self._opened, self._free, self.faults, self.servers = [], [], True, [], []


@pytest.fixture(scope="session")
def tabs(browser: Browser) -> Tabs:
    return Tabs(browser)


@pytest.fixture
def open_page(tabs: Tabs) -> Iterator[Callable[..., Page]]:
    """Opens a path of a server in a tab, or with None nothing yet; what must never happen is checked at the end.

    `timers` shortens waits of the product, in milliseconds by their names in assets/components/shared/timers.js.
    """
    logs: dict[Path, int] = {}  # and how long each was before

    def open_(
        server: Server, path: str | None, own: bool = False, timers: dict[str, int] | None = None, **options: object
    ) -> Page:
        logs.setdefault(server.log, server.log.stat().st_size)
        tabs.servers.append(server)
        page = tabs.take(own or timers is not None, options)
        if timers is not None:
            page.add_init_script(f"globalThis.timers = {json.dumps(timers)}")
        if path is not None:
            page.goto(server.url + path)
        return page

    yield open_
    faults = tabs.faults
    tabs.clear()
    for log, before in logs.items():
        text = log.read_bytes()[before:].decode()
        faults += [f"server log: {text}"] if "Traceback" in text or "ScriptRunContext" in text else []
    assert not faults, "\n".join(faults)
