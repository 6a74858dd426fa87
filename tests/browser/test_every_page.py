"""What every page must do; the pages come from the table of contents, so a new one is tested by being there."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from pages.parts.contents import Entry, read
from tests.browser.server import ROOT, Server, running

Open = Callable[..., Page]
ENTRIES = [read(file) for file in sorted((ROOT / "pages").glob("[0-9]*.py"))]
DROPPED = '''"""A page as short as a page can be."""

TITLE = "Dropped in"
SECTION = "Check"
ICON = "bolt"
PROMISE = "It is here because its file is here."
EXAMPLES = {"Five": {"n": "5"}}

from pages.parts.navigation import ensure_entry

ensure_entry()

import streamlit as st

from pages.parts import examples, url_state

examples.menu(EXAMPLES)
count = st.segmented_control("Count", [3, 5], key=url_state.choice("n", [3, 5], 3), required=True)
url_state.write(n=(count, 3))
st.write("n" * count)
'''


def settled(page: Page) -> None:
    """Waits until the page's script has run and its components have drawn."""
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for(timeout=60_000)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.wait_for_timeout(300)


def fills_a_stage(page: Page) -> None:
    """Nothing scrolls, and nothing is smaller than 24 px; for a page in presenter view at 1280x720."""
    main = "document.querySelector('[data-testid=stMain]')"
    page.wait_for_function(f"{main}.scrollHeight <= {main}.clientHeight")
    smallest = page.evaluate(
        """() => { let least = 99; const visit = (root) => { for (const e of root.querySelectorAll("*")) {
             if (e.shadowRoot) visit(e.shadowRoot);
             const text = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
             const seen = e.checkVisibility() && e.getBoundingClientRect().width > 2 && !e.closest("style, .unseen");
             if (text && seen) least = Math.min(least, parseFloat(getComputedStyle(e).fontSize)); } };
           visit(document.querySelector("[data-testid=stMain]")); return least; }"""
    )
    assert smallest >= 24


def opens_by_link_and_says_what_it_promises(server: Server, open_page: Open, entry: Entry) -> None:
    page = open_page(server, f"/{entry.url}")
    settled(page)
    expect(page.get_by_role("heading", level=1)).to_have_text(entry.title)
    expect(page.get_by_text(entry.promise).first).to_be_visible()


def presents_without_sidebar_in_large_type(server: Server, open_page: Open, entry: Entry) -> None:
    """And whole: nothing of a page in presenter view has to be scrolled to."""
    page = open_page(server, f"/{entry.url}?present=1", viewport={"width": 1280, "height": 720})
    settled(page)
    expect(page.get_by_test_id("stSidebar")).to_have_count(0)
    assert page.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)") >= 24
    assert "present=1" in page.url
    fills_a_stage(page)
    page.get_by_role("button", name="Leave presenter view").click()
    expect(page.get_by_test_id("stSidebar")).to_be_visible()
    assert "present" not in page.url


def passes_axe(server: Server, open_page: Open, entry: Entry, scheme: str) -> None:
    page = open_page(server, f"/{entry.url}", color_scheme=scheme)
    settled(page)
    found = Axe().run(page).response["violations"]
    # Streamlit's own markup is not ours to mend; what we draw is inside these.
    ours = (".bars", ".prompt", ".export", ".nte-")
    serious = [
        f"{violation['id']}: {node['target']}"
        for violation in found
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
        if any(part in str(node["target"]) + node["html"] for part in ours)
    ]
    assert serious == []


def fits_the_screen(server: Server, open_page: Open, entry: Entry, width: int, height: int, scheme: str) -> None:
    """No sideways scrolling; a screenshot is kept for people to look at."""
    page = open_page(server, f"/{entry.url}", viewport={"width": width, "height": height}, color_scheme=scheme)
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    folder = ROOT / "tests" / "output"
    folder.mkdir(exist_ok=True)
    page.screenshot(path=folder / f"{entry.url or 'home'}-{width}-{scheme}.png")


def every_example_restores(server: Server, open_page: Open, entry: Entry) -> None:
    """An example leads to a link, and that link opens the page without a complaint."""
    from urllib.parse import urlencode

    for link in entry.examples.values():
        page = open_page(server, f"/{entry.url}?{urlencode(link)}")
        settled(page)
        expect(page.get_by_text("The link was not followed")).to_have_count(0)
        page.context.close()


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.url or "home")
class TestEveryPage:
    def test_link(self, server: Server, open_page: Open, entry: Entry) -> None:
        opens_by_link_and_says_what_it_promises(server, open_page, entry)

    def test_presenter_view(self, server: Server, open_page: Open, entry: Entry) -> None:
        presents_without_sidebar_in_large_type(server, open_page, entry)

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_accessibility(self, server: Server, open_page: Open, entry: Entry, scheme: str) -> None:
        passes_axe(server, open_page, entry, scheme)

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize(("width", "height"), [(1440, 900), (1280, 720), (390, 844)])
    def test_screen(self, server: Server, open_page: Open, entry: Entry, width: int, height: int, scheme: str) -> None:
        fits_the_screen(server, open_page, entry, width, height, scheme)

    def test_examples(self, server: Server, open_page: Open, entry: Entry) -> None:
        every_example_restores(server, open_page, entry)


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
    opens_by_link_and_says_what_it_promises(server, open_page, entry)
    presents_without_sidebar_in_large_type(server, open_page, entry)
    passes_axe(server, open_page, entry, "dark")
    fits_the_screen(server, open_page, entry, 390, 844, "light")
    every_example_restores(server, open_page, entry)
    for page in home.context.pages:
        page.close()


def test_a_page_that_forgets_to_declare_itself_is_named(tmp_path: Path) -> None:
    file = tmp_path / "50_vague.py"
    file.write_text('TITLE = "Vague"\nSECTION = "Nowhere"\nICON = "x"\nEXAMPLES = {}\n')
    with pytest.raises(ValueError, match=r"50_vague\.py must state PROMISE at its top"):
        read(file)
