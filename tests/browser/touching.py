"""Touches one control as a person would, found by role and name, and reads what a page says."""

from playwright.sync_api import Locator, Page

READ = """() => { const said = []; const visit = (root) => { for (const e of root.childNodes) {
    if (e.nodeType === 3) { const t = e.textContent.trim(); if (t) said.push(t); continue; }
    if (e.nodeType !== 1 || ["STYLE", "SCRIPT"].includes(e.tagName)) continue;
    if (getComputedStyle(e).display === "none") continue;
    if (["TEXTAREA", "INPUT"].includes(e.tagName) && !["checkbox", "radio"].includes(e.type)) said.push(e.value);
    if (e.shadowRoot) visit(e.shadowRoot);
    visit(e); } };
  visit(document.querySelector('[data-testid="stMain"]')); return said.join(" ").replace(/\\s+/g, " "); }"""


def said(page: Page) -> str:
    """All the text a page shows, what stands in its boxes too, with single spaces."""
    return str(page.evaluate(READ))


def find(page: Page, role: str, name: str) -> Locator:
    """A control by role and name; "fold" is a title to be opened, "text" words to click on, "example" an entry of the
    examples, "label" a box by its label."""
    if role == "example":
        page.get_by_role("button", name="Examples").click()
        return page.get_by_role("menuitem", name=name, exact=True)
    if role in ("fold", "text"):
        return page.get_by_text(name, exact=True).first
    if role == "label":
        return page.get_by_label(name, exact=True).first
    return page.get_by_role(role, name=name, exact=True).first  # type: ignore[arg-type]


def touch(page: Page, role: str, name: str, act: str) -> None:
    """Does one thing to a control."""
    control = find(page, role, name)
    verb, _, what = act.partition(" ")
    if verb == "click":
        control.click()
    elif verb == "press":
        control.focus()
        control.press(what)
    elif verb == "fill":
        control.fill(what)
        control.press("Control+Enter" if control.evaluate("e => e.tagName") == "TEXTAREA" else "Enter")
    elif verb == "choose":
        control.click()
        page.get_by_role("option", name=what, exact=True).click()
    else:
        raise ValueError(act)
