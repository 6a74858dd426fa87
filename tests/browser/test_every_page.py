"""What every page must do; the pages come from the table of contents, so a new one is tested by being there."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from pages.shared.page_declarations import Entry, read
from tests.browser.screen import fills_a_stage, settled
from tests.browser.server import ROOT, Server, running
from tests.reliability import LONG

Open = Callable[..., Page]
ENTRIES = [read(file) for file in sorted((ROOT / "pages").glob("[0-9]*.py"))]
DROPPED = '''"""A page as short as a page can be."""

TITLE = "Dropped in"
SECTION = "Check"
ICON = "bolt"
PROMISE = "It is here because its file is here."
EXAMPLES = {"Five": {"n": "5"}}
PARAMETERS = ("n",)

from pages.shell.navigation import ensure_entry
ensure_entry()

import streamlit as st
from pages.shared import url_state
from pages.shared.controls import page_toolbar

page_toolbar.examples(EXAMPLES)
count = st.segmented_control("Count", [3, 5], key=url_state.choice("n", [3, 5], 3), required=True)
url_state.write()
st.write("n" * count)
'''


SCREENS = [(1440, 900), (1280, 720), (390, 844)]
SOONER = {"kv_cache": "new=4"}
"""What lets a page that measures come to its end sooner."""
OURS = (".bars", ".prompt", ".export", ".nte-")
"""What we draw is inside these; Streamlit's own markup is not ours to mend."""


def says_what_it_promises(page: Page, entry: Entry) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(entry.title)
    expect(page.get_by_text(entry.promise).first).to_be_visible()


def fits_the_screen(page: Page, entry: Entry, scheme: str) -> None:
    """No sideways scrolling at any size; make soak keeps a picture of each for people to look at."""
    folder = ROOT / "tests" / "output"
    folder.mkdir(exist_ok=True)
    for width, height in SCREENS:
        page.set_viewport_size({"width": width, "height": height})
        settled(page)
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), width
        if LONG:
            page.screenshot(path=folder / f"{entry.url or 'home'}-{width}-{scheme}.png")


def passes_axe(page: Page, rules: tuple[str, ...] = ()) -> None:
    """All rules of axe, or those that are named."""
    options = {"resultTypes": ["violations"], **({"runOnly": list(rules)} if rules else {})}
    serious = [
        f"{violation['id']}: {node['target']}"
        for violation in Axe().run(page, options=options).response["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
        if any(part in str(node["target"]) + node["html"] for part in OURS)
    ]
    assert serious == []


def presents_without_sidebar_in_large_type(page: Page) -> None:
    """And whole: nothing of a page in presenter view has to be scrolled to; and it can be left."""
    settled(page)
    expect(page.get_by_test_id("stSidebar")).to_have_count(0)
    assert page.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)") >= 24
    assert "present=1" in page.url
    fills_a_stage(page)
    page.get_by_role("button", name="Leave presenter view").click()
    expect(page.get_by_test_id("stSidebar")).to_be_visible()
    settled(page)
    assert "present" not in page.url


def does_what_every_page_must(open_page: Open, server: Server, entry: Entry) -> None:
    """One load for the link, three screens and axe in light and in dark; one more for presenter view."""
    page = open_page(server, f"/{entry.url}?{SOONER.get(entry.url, '')}")
    settled(page)
    says_what_it_promises(page, entry)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        if scheme == "light" or LONG:  # a scheme changes no width
            fits_the_screen(page, entry, scheme)
        page.set_viewport_size({"width": 1280, "height": 720})
        settled(page)
        passes_axe(page, () if scheme == "light" else ("color-contrast",))
    page.emulate_media(color_scheme="light")
    page.goto(f"{server.url}/{entry.url}?present=1&{SOONER.get(entry.url, '')}")
    presents_without_sidebar_in_large_type(page)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.url or "home")
@pytest.mark.long("axe, six screens and a link of a page in one load")
def test_it_does_what_every_page_must(server: Server, open_page: Open, entry: Entry) -> None:
    does_what_every_page_must(open_page, server, entry)


@pytest.fixture
def copy_with_a_dropped_page(tmp_path: Path) -> Iterator[tuple[Server, Entry]]:
    root = tmp_path / "copy"
    ignored = shutil.ignore_patterns(".*", "__pycache__", "tests")
    shutil.copytree(ROOT, root, ignore=ignored)
    shutil.copytree(ROOT / ".streamlit", root / ".streamlit")
    file = root / "pages" / "99_dropped_in.py"
    file.write_text(DROPPED, encoding="utf-8")
    with running(tmp_path, root=root) as server:
        server.wait_until("/ready")
        yield server, read(file)


def test_a_dropped_in_page_is_everywhere(copy_with_a_dropped_page: tuple[Server, Entry], open_page: Open) -> None:
    server, entry = copy_with_a_dropped_page
    assert len(DROPPED.splitlines()) <= 20
    home = open_page(server, "/")
    settled(home)
    expect(home.get_by_role("link", name="Check: Dropped in")).to_be_visible()
    home.get_by_role("link", name="Dropped in", exact=True).click()
    expect(home.get_by_role("heading", level=1)).to_have_text("Dropped in")
    says_what_it_promises(home, entry)
    fits_the_screen(home, entry, "light")
    page = open_page(server, f"/{entry.url}?n=5")
    settled(page)
    expect(page.get_by_text("nnnnn")).to_be_visible()
    page.goto(f"{server.url}/{entry.url}?present=1")
    presents_without_sidebar_in_large_type(page)
    for page in home.context.pages:
        page.close()
