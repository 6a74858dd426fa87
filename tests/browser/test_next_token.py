"""Page 1 in a real browser with the real model: type, read, compare, take, export, share, by mouse and by keys."""

import csv
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Locator, Page, expect

from lm_core import Distribution, Transformer
from lm_core.labels import label
from pages.shared import url_state
from tests.browser.screen import settled
from tests.browser.server import Server, running

Open = Callable[..., Page]


def head(page: Page, spoken: str) -> Locator:
    return page.get_by_role("rowheader", name=spoken, exact=True)


def row(page: Page, spoken: str) -> str:
    return page.get_by_role("row").filter(has=head(page, spoken)).inner_text()


def box(page: Page) -> Locator:
    return page.get_by_label("Prompt", exact=True)


def commit(page: Page, text: str) -> None:
    box(page).fill(text)
    box(page).press("Control+Enter")


def labels(page: Page) -> list[str]:
    return page.locator("tr[data-id] th.token").all_inner_texts()


@pytest.mark.long("starts a server")
def test_a_deep_link_is_the_first_request_of_a_fresh_server(tmp_path: Path, open_page: Open) -> None:
    """Streamlit would run the page file without app.py here; the model is not even loaded yet."""
    with running(tmp_path) as fresh:
        fresh.wait_until("/_stcore/health")
        page = open_page(fresh, "/next_token?prompt=Once%20upon%20a&n=5")
        expect(head(page, "space time")).to_be_visible(timeout=60_000)
        expect(box(page)).to_have_value("Once upon a")
        expect(page.locator("tr[data-id]")).to_have_count(5)
        expect(page.get_by_role("link", name="Home")).to_be_visible()
        expect(page.get_by_text("Page not found")).to_have_count(0)
        page.close()


def test_promise_prompt_and_answer_without_scrolling(server: Server, open_page: Open) -> None:
    page = open_page(server, "/next_token")
    for width, height in ((1280, 720), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        expect(head(page, "space Paris")).to_be_in_viewport(ratio=1)
        expect(page.get_by_text("Every token the model knows")).to_be_in_viewport(ratio=1)
        expect(box(page)).to_be_in_viewport(ratio=1)
    assert "77.3 %" in row(page, "space Paris")


def test_first_load_is_light(server: Server, open_page: Open) -> None:
    """At most 2 MB on the wire, everything a fresh browser fetches to show page 1."""
    page = open_page(server, None, own=True)
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    received: list[float] = []
    session.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    session.on("Network.webSocketFrameReceived", lambda event: received.append(len(event["response"]["payloadData"])))
    page.goto(server.url + "/next_token")
    expect(head(page, "space Paris")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert 100_000 < sum(received) <= 2_000_000


def test_typing_answers_without_committing(server: Server, open_page: Open, model: Transformer) -> None:
    page = open_page(server, "/next_token")
    expect(head(page, "space Paris")).to_be_visible()
    box(page).press("End")
    page.keyboard.type(" not")
    ids = model.tokenizer.encode("The capital of France is not")
    top = Distribution(model.next_logits([ids])[0]).top(10)
    expect(page.locator("tr[data-id] th.token")).to_have_text(
        [label(model.tokenizer.token_bytes(row.id)) for row in top]
    )
    expect(page.locator(".tokens li")).to_have_text(["The", "·capital", "·of", "·France", "·is", "·not"])
    assert "prompt" not in page.url
    box(page).blur()
    expect(page).to_have_url(re.compile(r"prompt=The(\+|%20)capital(\+|%20)of(\+|%20)France(\+|%20)is(\+|%20)not$"))


@pytest.mark.long("holds answers back")
def test_while_an_answer_is_on_its_way_only_the_latest_text_waits(server: Server, open_page: Open) -> None:
    sent: list[str] = []
    page = open_page(server, None, own=True)
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    page.goto(server.url + "/next_token")
    expect(head(page, "space Paris")).to_be_visible()
    before = len(sent)
    text = "Once upon a time there was a very small model that liked to guess"
    box(page).fill("")
    box(page).press_sequentially(text, delay=5)
    expect(page.locator(".tokens .count")).to_have_text("14 tokens")
    expect(page.locator(".tokens li").last).to_have_text("·guess")
    assert len(sent) - before < len(text) / 2


def test_figures_in_the_browser_are_the_models(server: Server, open_page: Open, model: Transformer) -> None:
    page = open_page(server, "/next_token")
    text = "The carrier scan says the parcel was"
    commit(page, text)
    expect(head(page, "space delivered")).to_be_visible()
    best = Distribution(model.next_logits([model.tokenizer.encode(text)])[0]).top(1).rows[0]
    cells = row(page, "space delivered").split("\t")
    assert cells[0] == "1"
    percent = f"{best.probability:.1%}".replace("%", " %")
    assert cells[3:] == [percent, f"−{-best.log_probability:.3f}", f"{best.logit:.3f}"]
    head(page, "space delivered").hover()
    facts = page.get_by_text("rank 1, probability").inner_text()
    shown = float(re.search(r"probability ([\d.e-]+),", facts).group(1))  # type: ignore[union-attr]
    # The server may have read part of the prompt from its cache: float32 then differs in the fifth digit.
    assert shown == pytest.approx(best.probability, rel=1e-4)
    width = page.locator("tr[data-id] .fill").first.evaluate("bar => parseFloat(bar.style.width)")
    assert width == pytest.approx(100 * shown, abs=1e-4)


def test_rows_answer_to_click_keys_and_digits(server: Server, open_page: Open) -> None:
    page = open_page(server, "/next_token")
    facts = page.locator(".facts")
    head(page, "space the").click()
    expect(facts).to_contain_text("·the (id 260): rank 2")
    page.keyboard.press("ArrowDown")
    expect(facts).to_contain_text("rank 3")
    page.keyboard.press("7")
    expect(facts).to_contain_text("rank 7")
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(box(page)).to_have_value("The capital of France is Paris")
    expect(page.locator(".tokens .count")).to_have_text("6 tokens")
    expect(page.locator("tr[data-id] th.token").first).not_to_have_text("·Paris")  # the bars come after the box
    page.keyboard.press("2")  # the focus is still in the bars
    expect(facts).to_contain_text("rank 2,")
    page.keyboard.press("Enter")
    expect(page.locator(".tokens .count")).to_have_text("7 tokens")
    page = open_page(server, "/next_token?n=5")
    head(page, "space the").click()
    page.keyboard.press("6")  # there are five rows
    expect(facts).to_contain_text("rank 2")


def test_two_prompts_are_compared_on_the_screen_and_in_the_picture(
    server: Server, open_page: Open, model: Transformer
) -> None:
    page = open_page(server, "/next_token?n=5&axis=log&b=" + quote("The capital of Italy is"))
    rows = page.locator("tr[data-id]")
    expect(rows.first.locator(".fill")).to_have_count(2)
    paris = model.tokenizer.encode(" Paris")[0]
    texts = ("The capital of France is", "The capital of Italy is")
    first, second = (
        Distribution(model.next_logits([model.tokenizer.encode(t)])[0]).probabilities[paris] for t in texts
    )
    row = page.locator(f'tr[data-id="{paris}"] td')
    moved = row.last.inner_text().replace("\u2212", "-")
    assert float(moved) == pytest.approx(100 * (second - first), rel=5e-3)
    page.get_by_text("Show the code").click()
    settled(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="SVG").click()
    svg = Path(download.value.path()).read_text(encoding="utf-8")
    widths = [float(w) for w in re.findall(r'width="([\d.]+)" height="8"', svg)][:2]
    assert widths == pytest.approx([420 * (1 + math.log10(p) / 6) for p in (first, second)], rel=1e-3)


def test_adding_a_token_keeps_what_is_typed_meanwhile(server: Server, open_page: Open) -> None:
    """Keys pressed before the token has arrived."""
    page = open_page(server, "/next_token")
    head(page, "space Paris").click()
    page.get_by_role("button", name="Add ·Paris to the prompt").click()
    box(page).press("End")
    page.keyboard.type(", so")
    expect(page.locator(".tokens li").last).to_have_text("·so")
    expect(box(page)).to_have_value("The capital of France is Paris, so")


@pytest.mark.long("waits out the time in which an older address is old news")
def test_the_back_button_goes_back_to_the_scene_before(server: Server, open_page: Open) -> None:
    page = open_page(server, "/next_token")
    expect(head(page, "space Paris")).to_be_visible()
    for text in ("One two", "Three four"):
        commit(page, text)
        expect(page).to_have_url(re.compile(text.replace(" ", ".")))
    page.wait_for_timeout(
        1_000 * url_state.STALE + 200
    )  # right after a change an old address only means an old message
    page.go_back()
    expect(box(page)).to_have_value("One two")
    expect(page.locator(".tokens li")).to_have_text(["One", "·two"])


def test_the_link_copied_in_the_middle_of_a_text_is_the_texts(server: Server, open_page: Open) -> None:
    page = open_page(server, "/next_token", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_text("Show the code").click()
    copy = page.get_by_role("button", name="Copy link")
    expect(copy).to_be_visible()
    box(page).press("End")
    page.keyboard.type(" not")
    expect(page.locator(".tokens li").last).to_have_text("·not")
    expect(page.locator('[data-testid="stCode"]')).to_contain_text("France is not")
    copy.click()
    expect(page.get_by_text("Link copied.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").endswith("?prompt=The+capital+of+France+is+not")


@pytest.mark.long("waits as long as a text must be left alone")
def test_a_text_left_alone_counts_as_finished(server: Server, open_page: Open) -> None:
    page = open_page(server, "/next_token")
    expect(head(page, "space Paris")).to_be_visible()
    box(page).press("End")
    page.keyboard.type(" not")
    expect(page).to_have_url(re.compile("prompt=The.capital.of.France.is.not$"))
    page.reload()
    expect(box(page)).to_have_value("The capital of France is not")


def test_digits_act_only_in_the_bars_and_can_be_switched_off(server: Server, open_page: Open) -> None:
    page = open_page(server, "/next_token")
    facts = page.locator(".facts")
    box(page).press("End")
    page.keyboard.type("3")
    expect(box(page)).to_have_value("The capital of France is3")
    assert "rank" not in facts.inner_text()
    page.get_by_role("button", name="View").click()
    page.get_by_text("Keys 1 to 9 select a row while").click()
    page.keyboard.press("Escape")
    page.locator("tr[data-id]").first.click()
    expect(facts).to_contain_text("rank 1,")
    page.keyboard.press("5")
    expect(facts).to_contain_text("rank 1,")


def test_one_polite_announcement_for_each_committed_change(server: Server, open_page: Open) -> None:
    page = open_page(server, "/next_token")
    expect(head(page, "space Paris")).to_be_visible()
    said = page.locator('.bars [aria-live="polite"]')
    page.evaluate(
        "() => { window.said = []; const walk = root => { for (const e of root.querySelectorAll('*')) {"
        "if (e.shadowRoot) walk(e.shadowRoot); if (e.matches('.bars [aria-live]')) new MutationObserver("
        "() => window.said.push(e.textContent)).observe(e, { childList: true }); } }; walk(document); }"
    )
    box(page).press("End")
    box(page).press_sequentially(". The capital of Italy is", delay=30)
    expect(head(page, "space Rome")).to_be_visible()
    assert page.evaluate("window.said") == []
    box(page).press("Control+Enter")
    expect(said).to_have_text(re.compile(r"Most likely next: .+, \d"))
    assert len(page.evaluate("window.said")) == 1


@pytest.mark.long("starts a server and a browser context")
def test_a_copied_link_restores_the_scene_in_a_fresh_browser_and_server(
    server: Server, other: Server, open_page: Open
) -> None:
    page = open_page(server, "/next_token", permissions=["clipboard-read", "clipboard-write"])
    expect(head(page, "space Paris")).to_be_visible()
    commit(page, "The package left the\nold")
    page.get_by_text("Compare two prompts").click()
    page.get_by_label("Prompt (B)").fill("The order left <the> $new$ 100%")
    page.get_by_label("Prompt (B)").blur()
    page.get_by_role("button", name="View").click()
    page.get_by_role("radio", name="20").click()
    page.get_by_role("radio", name="logarithmic").click()
    page.keyboard.press("Escape")
    page.get_by_label("Find any word").fill("warehouse")
    page.get_by_label("Find any word").press("Enter")
    expect(page.locator(".nte-found")).to_have_count(2)
    expect(page.locator("tr[data-id]")).to_have_count(20)
    page.get_by_text("Show the code").click()
    page.get_by_role("button", name="Copy link").click()  # at once: it waits until it can be pressed
    expect(page.get_by_text("Link copied.")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()").removeprefix(server.url)
    before = (labels(page), page.locator(".nte-found").all_inner_texts(), page.locator(".nte-table").inner_text())
    fresh = open_page(other, link, own=True)
    expect(fresh.locator("tr[data-id]")).to_have_count(20, timeout=60_000)
    expect(fresh.get_by_label("Prompt (A)")).to_have_value("The package left the\nold")
    expect(fresh.get_by_label("Prompt (B)")).to_have_value("The order left <the> $new$ 100%")
    expect(fresh.locator(".bars .axis")).to_contain_text("0.1 %")
    expect(fresh.locator(".nte-table")).to_be_visible()
    expect(fresh.locator(".nte-found")).to_have_count(2)
    assert (labels(fresh), fresh.locator(".nte-found").all_inner_texts()) == before[:2]
    assert fresh.locator(".nte-table").inner_text() == before[2]
    fresh.close()


def test_leaving_for_another_page_in_the_middle_of_a_text(server: Server, open_page: Open) -> None:
    """The text is not committed yet; the click must still lead away, and the text must come along."""
    page = open_page(server, "/next_token")
    expect(head(page, "space Paris")).to_be_visible()
    box(page).press("End")
    page.keyboard.type(" not")
    expect(page.locator(".tokens li").last).to_have_text("·not")  # with the space alone there are as many tokens
    page.get_by_role("link", name="Home").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Next-Token Explorer")
    stood = page.get_by_role("textbox", name="Type the beginning of a text")
    expect(stood).to_have_value("The capital of France is not")


def test_everything_can_be_taken_along(server: Server, open_page: Open, model: Transformer, tmp_path: Path) -> None:
    page = open_page(server, "/next_token?prompt=" + quote('He said "no" to\nthe'))
    expect(page.locator("tr[data-id]")).to_have_count(10)
    page.get_by_text("Show the code").click()
    expect(page.get_by_role("button", name="PNG")).to_be_visible()
    settled(page)
    saved = {}
    for name in ("CSV, all tokens", "JSON, as shown", "SVG", "PNG"):
        with page.expect_download() as download:
            page.get_by_role("button", name=name).click()
        saved[name] = tmp_path / download.value.suggested_filename
        download.value.save_as(saved[name])
    ids = model.tokenizer.encode('He said "no" to\nthe')
    belief = Distribution(model.next_logits([ids])[0])
    with saved["CSV, all tokens"].open(encoding="utf-8-sig", newline="") as file:
        table = list(csv.DictReader(file))
    assert len(table) == 49_152
    assert sum(float(line["probability"]) for line in table) == pytest.approx(1, abs=1e-12)
    facts = json.loads(saved["JSON, as shown"].read_text(encoding="utf-8"))
    assert facts["prompts"][0]["ids"] == ids
    assert [line["id"] for line in facts["rows"]] == [row.id for row in belief.top(10)]
    assert facts["rows"][0]["p"] == float(table[0]["probability"])
    assert saved["PNG"].read_bytes().startswith(b"\x89PNG")
    assert "<svg" in saved["SVG"].read_text(encoding="utf-8")


def test_nul_and_lone_surrogates_from_the_address_bar(server: Server, open_page: Open) -> None:
    """%00 is NUL; %ED%A0%80 is how a lone surrogate would be spelled, which no browser takes as text."""
    page = open_page(server, "/next_token?prompt=a%00b%ED%A0%80c")
    expect(page.locator("tr[data-id]")).to_have_count(10)
    expect(page.locator(".tokens li").nth(1)).to_have_text("␀")
    commit(page, "a\x04b")
    expect(page.get_by_text("1 character(s) that this model has no token for were left out: U+0004.")).to_be_visible()
    expect(box(page)).to_have_value("a\x04b")


def test_the_frontend_is_compressed_and_ready_is_said(server: Server) -> None:
    status, body, _ = server.get("/ready")
    said = json.loads(body)
    assert (status, said["ready"], said["loads"]) == (200, True, 1)
    index = server.get("/")[1].decode()
    script = re.search(r'src="\./?(/?static/js/[^"]+)"', index)
    assert script is not None
    path = "/" + script.group(1).lstrip("/")
    plain, packed = server.get(path), server.get(path, **{"Accept-Encoding": "gzip"})
    assert packed[2]["content-encoding"] == "gzip"
    assert len(packed[1]) < len(plain[1]) / 2
    assert server.get(path, **{"Accept-Encoding": "gzip"})[1] == packed[1]


def test_a_script_whose_fetch_was_cut_off_is_fetched_again(server: Server, open_page: Open) -> None:
    """A browser keeps it that a module could not be had; one that the script imports too."""
    page = open_page(server, "/about")
    for name in ("prompt_box/prompt_box.js", "shared/dom.js"):
        page.route(f"**/components/**/{name}", lambda route: route.abort(), times=1)
    page.goto(f"{server.url}/next_token")
    expect(box(page)).to_be_enabled()
    expect(box(page)).to_have_value("The capital of France is")


@pytest.mark.parametrize("script", ["static/js/index.", "static/js/react-dom.", "static/js/Html."])
def test_a_script_of_streamlits_own_that_was_cut_off_loads_the_page_again(
    server: Server, open_page: Open, script: str
) -> None:
    """What it begins with, what that imports, and what it asks for later; the link holds what was set."""
    page = open_page(server, "/about")
    page.route(f"**/{script}*", lambda route: route.abort(), times=1)
    page.goto(f"{server.url}/next_token?prompt=Once")
    expect(box(page)).to_have_value("Once", timeout=15_000)
    expect(page.get_by_text("Failed to fetch")).to_have_count(0)
