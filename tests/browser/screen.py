"""What every browser test asks of a page: that it has settled, and that it fits where it is shown."""

from pathlib import Path

from playwright.sync_api import Page

LISTENING = Path(__file__).with_name("settled.js")
"""Added to a page before anything of it runs; `settled` asks it."""


def settled(page: Page) -> None:
    """Waits until all that was asked of the server is answered, and every component has drawn what came."""
    # React may still owe what the last click asks for: it is sent before the second picture from now.
    page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    page.evaluate("wire.still = 0")
    page.wait_for_function("wire.settled()", polling=20, timeout=60_000)


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
