"""An empty tab in which modules of assets/components can be imported, with no server behind it."""

from playwright.sync_api import Browser, Page, Route

from tests.browser.server import ROOT

ADDRESS = "http://components.test"


def empty_tab(browser: Browser, markup: str = "") -> Page:
    """Shows `markup`; `import("/generation/generation.js")` gives that file."""

    def answer(route: Route) -> None:
        name = route.request.url.removeprefix(f"{ADDRESS}/")
        if name:
            route.fulfill(path=ROOT / "assets" / "components" / name)
        else:
            route.fulfill(body=f"<!doctype html><meta charset=utf-8>{markup}", content_type="text/html")

    page = browser.new_page()
    page.route(f"{ADDRESS}/**", answer)
    page.goto(f"{ADDRESS}/")
    return page
