"""Finds a Chromium for the browser tests, or gets one: `python -m tests.browser.chromium`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = (
    "chromium-headless-shell",  # the browser without its window: a page costs two thirds of what it does in the others
    "google-chrome", "google-chrome-stable", "chromium", "chromium-browser", "chrome",
)  # fmt: skip
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
ADVICE = "No browser found for the browser tests: install Google Chrome or Chromium, then run `make test` again."


def find() -> str | None:
    """The path of an installed Chrome or Chromium, else of Playwright's own download, else None."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    if MAC.exists():
        return str(MAC)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).exists() else None


def install() -> None:
    """Tries Debian's packages where we may install them, then Playwright's download."""
    if shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        subprocess.run(["apt-get", "update", "-qq"])
        for package in ("chromium-headless-shell", "chromium"):
            if find() is None:
                subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", package])
    if find() is None:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"])


if __name__ == "__main__":
    if find() is None:
        install()
    if find() is None:
        sys.exit(ADVICE)
