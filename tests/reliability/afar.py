"""Opens page 1 in a browser wherever this is run, and prints what came: bars, bytes, outside requests. For a test."""

import json
import sys

from playwright.sync_api import sync_playwright

from tests.browser import chromium


def main(url: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=["--no-sandbox"])
        page = browser.new_page()
        came: list[float] = []
        outside: list[str] = []
        inside = (url, url.replace("http", "ws"), "data:", "blob:")
        page.on("request", lambda request: request.url.startswith(inside) or outside.append(request.url))
        wire = page.context.new_cdp_session(page)
        wire.send("Network.enable")
        wire.on("Network.loadingFinished", lambda event: came.append(event["encodedDataLength"]))
        wire.on(
            "Network.webSocketFrameReceived", lambda event: came.append(len(event["response"]["payloadData"]) * 0.75)
        )
        page.goto(f"{url}/next_token")
        page.get_by_role("rowheader", name="space Paris", exact=True).wait_for(timeout=60_000)
        page.wait_for_timeout(1_000)
        sys.stdout.write(json.dumps({"bytes": sum(came), "outside": outside}))
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
