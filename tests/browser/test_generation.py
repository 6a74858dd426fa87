"""Page 3 in a real browser with the real models: step, play, go back, branch off, stop, share, open again."""

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Locator, Page, expect

from lm_core import Transformer
from lm_core.decoding.strategies import strategy
from lm_core.generation.loop import Limits, run
from lm_core.generation.trace_file import TraceFile
from lm_core.labels import label
from lm_core.scoring.perplexity import score_continuation
from tests.browser.screen import fills_a_stage, settled
from tests.browser.server import Server

Open = Callable[..., Page]


def at(server: Server, open_page: Open, view: dict[str, object] | None = None, **link: str) -> Page:
    page = open_page(server, f"/generation?{urlencode(link)}", **(view or {}))
    expect(page.locator(".generation tr[data-id]").first).to_be_visible()
    return page


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def text(page: Page) -> list[str]:
    """The generated tokens, those ahead included."""
    return page.locator(".generation .chip.made").all_inner_texts()


def state(page: Page) -> Locator:
    return page.locator(".generation .state")


def stopped(page: Page) -> Locator:
    return page.locator(".generation .turn.stopped")


def path(page: Page) -> list[int]:
    found = re.search(r"[?&]path=([\d.]+)", page.url)
    return [int(i) for i in found.group(1).split(".")] if found else []


def shown_log_p(page: Page) -> float:
    found = re.search(r"ln P = (−?[\d.]+) nats", state(page).inner_text())
    assert found
    return number(found.group(1))


def number(text: str) -> float:
    return float(text.replace("−", "-"))


# ---- the loop ----------------------------------------------------------------------------------------------------


def test_the_articles_loop_by_hand(server: Server, open_page: Open) -> None:
    page = at(server, open_page)
    button(page, "Examples").click()
    page.get_by_role("menuitem", name="The loop by hand: three rows").click()
    expect(stopped(page)).to_have_text("Stopped, end token: the model chose </s>, which ends the text.")
    assert text(page) == ["warehouse", ".", "</s>"]
    assert page.locator(".generation .chip").all_inner_texts()[:4] == ["Order", "shipped", "from", "the"]
    context = page.locator(".stations li").first  # what the end token was predicted from: four of the prompt and two
    assert context.inner_text().split("\n") == ["context", "6 tokens"]
    expect(state(page)).to_contain_text("3 tokens generated: ln P = −0.3857 nats together")  # ln(0.85 x 0.80 x 1)
    page.get_by_text("Show the code, export").click()
    settled(page)
    with page.expect_download() as download:
        button(page, "JSON, trace").click()
    trace = TraceFile.read(Path(download.value.path()).read_bytes(), "trace.json").trace
    assert (trace.text, str(trace.finish)) == ("warehouse.</s>", "end token")


def test_steps_are_the_loops_own_again_and_with_a_new_seed(server: Server, open_page: Open, model: Transformer) -> None:
    page = at(server, open_page, prompt="The package left the", t="0.8", p="0.9", seed="3", max="4")
    ids = model.tokenizer.encode("The package left the")
    expected = run(model, ids, strategy(seed=3, temperature=0.8, top_p=0.9), Limits(4))
    for count in (1, 2):
        u = expected.steps[count - 1].u
        expect(page.locator(".generation .turn")).to_contain_text(f"u = {u:.4f} lands on")
        expect(page.locator(".generation .turn")).to_contain_text("logits → temperature (49,152 left) → top-p (")
        button(page, "Step").click()
        expect(page.locator(".generation .chip.made")).to_have_count(count)
    assert page.locator(".stations li").all_inner_texts()[0].split("\n") == ["context", "6 tokens"]
    expect(page.locator(".stations li.on .name")).to_have_text("choose")
    button(page, "Again, same seed").click()
    expect(page.locator(".generation .chip.made")).to_have_count(0)
    button(page, "To the end").click()
    expect(stopped(page)).to_be_visible()
    assert text(page) == [label(model.tokenizer.token_bytes(i)) for i in expected.ids]
    assert shown_log_p(page) == pytest.approx(expected.log_probability, abs=1e-4)
    expect(page).to_have_url(re.compile("path=" + re.escape(".".join(map(str, expected.ids)))))
    button(page, "New seed").click()
    expect(page.locator(".generation .chip.made")).to_have_count(0)
    expect(page.get_by_label("Seed", exact=True)).to_have_value("4")
    expect(page).to_have_url(re.compile("seed=4"))


@pytest.mark.long("plays at the speed of the page")
def test_play_pause_and_to_the_end(server: Server, open_page: Open) -> None:
    page = at(server, open_page, prompt="Once upon a time", t="0", max="12")
    button(page, "Play").click()
    expect(button(page, "Pause")).to_be_visible()
    expect(page.locator(".generation .chip.made").nth(2)).to_be_visible()
    button(page, "Pause").click()
    expect(button(page, "Play")).to_be_visible()
    page.wait_for_timeout(800)
    count = len(text(page))
    assert 3 <= count < 12
    page.wait_for_timeout(800)
    assert len(text(page)) == count
    assert len(path(page)) == count
    button(page, "To the end").click()
    expect(stopped(page)).to_contain_text("Stopped, token limit: 12 tokens.")
    assert len(path(page)) == 12
    expect(button(page, "Step")).to_be_disabled()


# ---- back, aside, branches ---------------------------------------------------------------------------------------


@pytest.mark.long("a long walk back and forth")
def test_back_aside_and_forward(server: Server, open_page: Open, model: Transformer) -> None:
    page = at(server, open_page, prompt="The capital of France is", max="6", seed="1")
    button(page, "To the end").click()
    expect(stopped(page)).to_be_visible()
    first = text(page)
    button(page, "Back").click()
    expect(page.locator(".generation .chip.ahead")).to_have_count(1)
    page.locator(".generation .chip.made").nth(1).click()
    expect(page.locator(".generation .chip.ahead")).to_have_count(len(first) - 1)
    button(page, "Forward").click()
    expect(page.locator(".generation .chip.ahead")).to_have_count(len(first) - 2)
    page.locator(".generation .chip.made").nth(1).click()
    expect(page.locator(".generation .chip.ahead")).to_have_count(len(first) - 1)
    taken = page.locator(".generation tr[data-id] .take").nth(3)
    name = taken.inner_text()
    taken.click()
    expect(page.locator(".generation .chip.made")).to_have_count(2)
    assert text(page) == [first[0], name]
    expect(page.locator(".generation .chip.made").nth(1)).to_have_class(re.compile("hand"))
    button(page, "Step").click()
    expect(page.locator(".generation .chip.made")).to_have_count(3)
    page.get_by_text("Branches tried: 2").click()
    rows = page.locator(".generation .branches tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(1)).to_contain_text("1 by hand")
    second = path(page)
    rows.nth(0).get_by_role("button").click()
    expect(page.locator(".generation .chip.made")).to_have_count(len(first))
    assert text(page) == first
    for row, ids in ((rows.nth(0), path(page)), (rows.nth(1), second)):
        joint = score_continuation(model, model.tokenizer.encode("The capital of France is"), ids).log_probability
        assert float(row.locator("td").nth(1).get_attribute("title") or "nan") == pytest.approx(joint, abs=1e-4)


# ---- reasons to stop, windows ------------------------------------------------------------------------------------


def test_answers_kept_from_before_have_no_speed_and_it_is_said(server: Server, open_page: Open) -> None:
    page = at(server, open_page, **{"with": "table", "t": "0"})
    button(page, "To the end").click()
    expect(state(page)).to_contain_text("tokens/s")
    settled(page)
    page.reload()  # its path is in the link now: read in one pass
    expect(state(page)).to_contain_text("3 tokens generated")
    expect(state(page)).to_contain_text("none of them timed, so no tokens/s")


@pytest.mark.long("three texts of 40 tokens")
def test_what_is_withheld_forgotten_and_repeated_is_drawn(server: Server, open_page: Open) -> None:
    time = {"prompt": "Once upon a time", "t": "0"}
    page = at(server, open_page, **time, stop="city of")
    button(page, "To the end").click()
    expect(stopped(page)).to_contain_text("Stopped, stop string: “city·of” came up, over 2 tokens")
    expect(page.locator(".stations li").last).to_contain_text("stop string")
    expect(page.locator(".generation .chip.withheld")).to_have_count(2)
    settled(page)
    page.goto(f"{server.url}/generation?{urlencode({**time, 'window': 16, 'full': 'truncate left', 'max': 20})}")
    button(page, "To the end").click()
    expect(stopped(page)).to_contain_text("Stopped, token limit: 20 tokens")
    gone = page.locator(".generation .chip.gone")
    expect(state(page)).to_contain_text(f"; truncate left: {gone.count()} tokens no longer seen")
    context = page.locator(".stations li").first.locator(".figure")
    expect(context).to_have_attribute("title", re.compile(f", {gone.count()} forgotten$"))
    expect(page.locator(".generation .chip").first).to_have_class(re.compile("gone"))
    settled(page)
    page.goto(f"{server.url}/generation?{urlencode({'with': 'bigram', 't': 0, 'max': 12})}")
    button(page, "To the end").click()
    expect(stopped(page)).to_be_visible()
    expect(state(page)).to_contain_text("times in a row")


@pytest.mark.long("two answers of 20 tokens")
def test_a_chat_is_one_text(server: Server, open_page: Open) -> None:
    page = at(server, open_page, t="0", max="24")
    page.get_by_text("A chat is one text").click()
    page.get_by_label("Your message").fill("What is the capital of France?")
    button(page, "Ask: make it a chat").click()
    expect(page.locator(".generation .chip.special").first).to_be_visible()
    button(page, "To the end").click()
    expect(stopped(page)).to_have_text("Stopped, end token: the model chose <|im_end|>, which ends the text.")
    expect(page.locator(".generation .chip.special").last).to_have_text("<|im_end|>")
    assert "·Paris" in text(page)
    page.get_by_label("Your next message").fill("And of Italy?")
    button(page, "Ask: put it behind the chat").click()
    expect(page.get_by_label("Prompt", exact=True)).to_have_value(
        re.compile(r"Paris\.<\|im_end\|>\n<\|im_start\|>user\nAnd")
    )


# ---- links, traces -----------------------------------------------------------------------------------------------


@pytest.mark.long("two visits and a file between them")
def test_an_exported_trace_redraws_and_goes_on(server: Server, open_page: Open, tmp_path: Path) -> None:
    page = at(server, open_page, prompt="The capital of France is", seed="2", max="5")
    button(page, "To the end").click()
    expect(stopped(page)).to_be_visible()
    first, joint = text(page), shown_log_p(page)
    settled(page)  # the last token of the run has come; what follows it may not have
    page.get_by_text("Show the code, export").click()
    settled(page)
    with page.expect_download() as download:
        button(page, "JSON, trace").click()
    file = tmp_path / "trace.json"
    file.write_bytes(Path(download.value.path()).read_bytes())
    other = at(server, open_page, prompt="Once upon a time")
    button(other, "Step").click()
    expect(other.locator(".generation .chip.made")).to_have_count(1)
    mine = text(other)
    other.get_by_text("Open an exported trace").click()
    (tmp_path / "big.json").write_bytes(b" " * 5_000_000)
    other.locator("input[type=file]").set_input_files(tmp_path / "big.json")
    expect(other.get_by_text(re.compile(r"File must be 4\.?0?\s?MB or smaller"))).to_be_visible()
    other.locator("input[type=file]").set_input_files(file)
    expect(
        other.get_by_text("An exported trace, as it was recorded with the model smollm2-135m: 5 steps")
    ).to_be_visible()
    expect(other.locator(".generation .chip.made")).to_have_text(first)
    assert shown_log_p(other) == pytest.approx(joint, abs=1e-9)
    button(other, "Back").click()
    expect(other.locator(".generation .chip.ahead")).to_have_count(1)
    expect(button(other, "Step")).to_be_hidden()
    button(other, "Close the trace").click()
    expect(other.get_by_text("Open an exported trace")).to_be_visible()
    expect(other.locator(".generation .chip.made")).to_have_text(mine)
    other.get_by_text("Open an exported trace").click()
    other.locator("input[type=file]").set_input_files(file)
    button(other, "Go on from here with the model").click()
    expect(other.get_by_label("Prompt", exact=True)).to_have_value("The capital of France is")
    expect(other.locator(".generation .chip.made")).to_have_text(first)


# ---- popovers, keys, stage --------------------------------------------------------------------------------------


def test_controls_in_popovers_hold_what_the_page_holds(server: Server, open_page: Open) -> None:
    """A popover is drawn by the browser when it is first opened, long after the page has set its values."""
    page = at(server, open_page, prompt="Once upon a time", t="0.7", k="50", max="20", keep="3", n="20", axis="log")
    button(page, "Step").click()
    expect(page.locator(".generation .chip.made")).to_have_count(1)
    page.get_by_role("button", name="T = 0.7, filters").click()
    expect(page.get_by_role("slider", name="Temperature (0 is greedy)")).to_have_attribute("aria-valuetext", "0.70")
    expect(page.get_by_label("Top-k", exact=True)).to_have_value("50")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="When to stop").click()
    expect(page.get_by_label("Token limit (new tokens)")).to_have_value("20")
    expect(page.get_by_label("Tokens of the prefix to keep")).to_have_value("3")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="View").click()
    expect(page.get_by_role("radio", name="20", exact=True)).to_be_checked()
    expect(page.get_by_role("radio", name="logarithmic")).to_be_checked()
    page.keyboard.press("Escape")
    button(page, "Step").click()
    expect(page.locator(".generation .chip.made")).to_have_count(2)
    for part in ("t=0.7", "k=50", "max=20", "keep=3", "n=20", "axis=log"):
        expect(page).to_have_url(re.compile(rf"[?&]{re.escape(part)}(&|$)"))
    page.get_by_role("button", name="When to stop").click()
    limit = page.get_by_label("Token limit (new tokens)")
    limit.fill("3")
    limit.press("Enter")
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile("max=3"))
    button(page, "Step").click()
    expect(stopped(page)).to_contain_text("Stopped, token limit: 3 tokens.")
    seed = page.get_by_label("Seed", exact=True)
    seed.fill("-3")
    seed.press("Enter")
    expect(page.locator(".generation .problem")).to_contain_text(
        "The seed must be a whole number from 0 to 4,294,967,295"
    )
    expect(page.locator(".generation .chip.made")).to_have_count(3)


def test_quick_clicks_and_keys_all_count(server: Server, open_page: Open) -> None:
    page = at(server, open_page, prompt="Once upon a time", t="0", max="12")
    button(page, "Step").dblclick()
    expect(page.locator(".generation .chip.made")).to_have_count(2)
    for _ in range(4):
        page.keyboard.press("ArrowRight", delay=5)
    expect(page.locator(".generation .chip.made")).to_have_count(6)
    page.keyboard.press("2")
    page.keyboard.press("3")
    expect(page.locator(".generation .chip.made")).to_have_count(8)
    expect(page.locator(".generation .chip.hand")).to_have_count(2)


@pytest.mark.long("plays at the speed of the page")
def test_a_play_survives_leaving_and_ends_with_its_text(server: Server, open_page: Open) -> None:
    page = at(server, open_page, prompt="Once upon a time", t="0", max="40")
    button(page, "Play").click()
    expect(page.locator(".generation .chip.made").nth(4)).to_be_visible()
    sidebar = page.get_by_test_id("stSidebar")
    sidebar.get_by_role("link", name="Temperature").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Temperature")
    sidebar.get_by_role("link", name="Generation").click()
    expect(page.locator(".generation .chip.made").nth(4)).to_be_visible()
    button(page, "Play").click()
    expect(button(page, "Pause")).to_be_visible()
    box = page.get_by_label("Prompt", exact=True)
    box.fill("The capital of France is")
    box.press("Control+Enter")
    expect(page.locator(".generation .chip.given")).to_have_text(["The", "·capital", "·of", "·France", "·is"])
    expect(button(page, "Play")).to_be_visible()
    page.wait_for_timeout(900)
    expect(page.locator(".generation .chip.made")).to_have_count(0)


@pytest.mark.long("some thirty keys, each answered")
def test_all_of_it_by_keys(server: Server, open_page: Open) -> None:
    page = at(server, open_page, t="0", max="6")
    button(page, "Step").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".generation .chip.made")).to_have_count(1)
    live = page.locator(".generation .unseen[aria-live]")
    expect(live).to_have_text(re.compile(r"^Added space Paris, 77\.3 %\. Next: \., 68"))
    page.keyboard.press("3")
    expect(page.locator(".generation .chip.made")).to_have_count(2)
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".generation .chip.ahead")).to_have_count(1)
    expect(live).to_have_text(re.compile("^Back to space Paris"))
    rows = page.locator(".generation tr[data-id] .take")
    rows.first.focus()
    page.keyboard.press("ArrowDown")
    expect(rows.nth(1)).to_be_focused()
    expect(page.locator(".generation .facts")).to_contain_text("as the model said")
    page.keyboard.press("Enter")
    expect(page.locator(".generation .chip.made")).to_have_count(2)
    expect(rows.nth(1)).to_be_focused()
    page.locator(".generation").focus()
    page.keyboard.press("Space")
    expect(stopped(page)).to_contain_text("token limit")
    page.get_by_role("button", name="View").click()
    page.get_by_text("Keys: ← back").click()
    expect(page.locator(".generation")).to_have_attribute("data-keys", "0")
    page.keyboard.press("Escape")
    page.locator(".generation").focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(500)
    expect(page.locator(".generation .chip.ahead")).to_have_count(0)


@pytest.mark.long("writes 60 tokens")
def test_on_a_stage_sixty_tokens_fit_and_it_is_light(server: Server, open_page: Open, model: Transformer) -> None:
    prompt = "Once upon a time there was a robot"
    made_by = strategy(temperature=0.8, top_p=0.9, repetition_penalty=1.1)
    ids = run(model, model.tokenizer.encode(prompt), made_by, Limits(60)).ids
    view = {"viewport": {"width": 1280, "height": 720}, "color_scheme": "dark"}
    link = {"prompt": prompt, "t": "0.8", "p": "0.9", "rp": "1.1", "path": ".".join(map(str, ids))}
    page = at(server, open_page, view, present="1", max="60", **link)
    expect(page.locator(".generation .chip.made")).to_have_count(60)
    settled(page)
    expect(page.locator(".generation")).to_have_attribute("data-dark", "0")
    expect(stopped(page)).to_be_visible()
    fills_a_stage(page)
