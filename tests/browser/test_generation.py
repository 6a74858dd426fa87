"""Page 3 in a real browser with the real models: step, play, go back, branch off, stop, share, open again."""

import csv
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Locator, Page, expect

from lm_core import Transformer
from lm_core.decoding import strategy
from lm_core.generation import Limits, run
from lm_core.labels import label
from lm_core.recording import Recording
from lm_core.scoring import score_continuation
from tests.browser.screen import fills_a_stage, settled
from tests.browser.server import Server, running

Open = Callable[..., Page]


def at(server: Server, open_page: Open, view: dict[str, object] | None = None, **link: str) -> Page:
    page = open_page(server, f"/generation?{urlencode(link)}", **(view or {}))
    expect(page.locator(".walk tr[data-id]").first).to_be_visible()
    return page


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def text(page: Page) -> list[str]:
    """The generated tokens, those ahead included."""
    return page.locator(".walk .chip.made").all_inner_texts()


def state(page: Page) -> Locator:
    return page.locator(".walk .state")


def stopped(page: Page) -> Locator:
    return page.locator(".walk .turn.stopped")


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
    assert page.locator(".walk .chip").all_inner_texts()[:4] == ["Order", "shipped", "from", "the"]
    expect(state(page)).to_contain_text("3 tokens generated: ln P = −0.3857 nats together")  # ln(0.85 x 0.80 x 1)
    page.get_by_text("Show the code, export").click()
    with page.expect_download() as download:
        button(page, "JSON, trace").click()
    trace = Recording.read(Path(download.value.path()).read_bytes(), "trace.json").trace
    assert (trace.text, str(trace.finish)) == ("warehouse.</s>", "end token")


def test_steps_are_the_loops_own(server: Server, open_page: Open, model: Transformer) -> None:
    page = at(server, open_page, prompt="The package left the", t="0.8", p="0.9", seed="3")
    ids = model.tokenizer.encode("The package left the")
    expected = run(model, ids, strategy(seed=3, temperature=0.8, top_p=0.9), Limits(4))
    for count in range(1, 5):
        u = expected.steps[count - 1].u
        expect(page.locator(".walk .turn")).to_contain_text(f"u = {u:.4f} lands on")
        expect(page.locator(".walk .turn")).to_contain_text("logits → temperature (49,152 left) → top-p (")
        button(page, "Step").click()
        expect(page.locator(".walk .chip.made")).to_have_count(count)
    assert text(page) == [label(model.tokenizer.token_bytes(i)) for i in expected.ids]
    assert shown_log_p(page) == pytest.approx(expected.log_probability, abs=1e-4)
    expect(page).to_have_url(re.compile("path=" + re.escape(".".join(map(str, expected.ids)))))
    assert page.locator(".stations li").all_inner_texts()[0].split("\n") == ["context", "8 tokens"]
    expect(page.locator(".stations li.on .name")).to_have_text("choose")


def test_words_a_small_model_does_not_know_are_said(server: Server, open_page: Open) -> None:
    page = at(server, open_page, **{"with": "bigram", "line": "the zebra left the"})
    expect(page.get_by_text("1 word(s) that this model has no token for were left out: “zebra”.")).to_be_visible()
    assert page.locator(".walk .chip.given").all_inner_texts() == ["<bos>", "the", "left", "the"]
    page.get_by_label("Prompt", exact=True).fill("zebra")
    expect(
        page.get_by_text("`prompt` must be text this model has tokens for, such as the, package, reached")
    ).to_be_visible()


def test_play_pause_and_to_the_end(server: Server, open_page: Open) -> None:
    page = at(server, open_page, prompt="Once upon a time", t="0", max="12")
    button(page, "Play").click()
    expect(button(page, "Pause")).to_be_visible()
    expect(page.locator(".walk .chip.made").nth(2)).to_be_visible()
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


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("bigram", ["package", "left", "the", "package", "left", "the"]),
        ("transformer", ["local", "warehouse", ".", "<eos>"]),
    ],
)
def test_the_same_loop_on_small_models(server: Server, open_page: Open, kind: str, expected: list[str]) -> None:
    page = at(server, open_page, **{"with": kind, "t": "0", "max": "6"})
    assert page.locator(".walk .chip").first.inner_text() == "<bos>"
    button(page, "To the end").click()
    expect(stopped(page)).to_be_visible()
    assert text(page) == expected


# ---- back, aside, branches ---------------------------------------------------------------------------------------


def test_back_aside_and_forward(server: Server, open_page: Open, model: Transformer) -> None:
    page = at(server, open_page, prompt="The capital of France is", max="6", seed="1")
    button(page, "To the end").click()
    expect(stopped(page)).to_be_visible()
    first = text(page)
    button(page, "Back").click()
    expect(page.locator(".walk .chip.ahead")).to_have_count(1)
    page.locator(".walk .chip.made").nth(1).click()
    expect(page.locator(".walk .chip.ahead")).to_have_count(len(first) - 1)
    button(page, "Forward").click()
    expect(page.locator(".walk .chip.ahead")).to_have_count(len(first) - 2)
    page.locator(".walk .chip.made").nth(1).click()
    expect(page.locator(".walk .chip.ahead")).to_have_count(len(first) - 1)
    taken = page.locator(".walk tr[data-id] .take").nth(3)
    name = taken.inner_text()
    taken.click()
    expect(page.locator(".walk .chip.made")).to_have_count(2)
    assert text(page) == [first[0], name]
    expect(page.locator(".walk .chip.made").nth(1)).to_have_class(re.compile("hand"))
    button(page, "Step").click()
    expect(page.locator(".walk .chip.made")).to_have_count(3)
    page.get_by_text("Branches tried: 2").click()
    rows = page.locator(".walk .branches tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(1)).to_contain_text("1 by hand")
    second = path(page)
    rows.nth(0).get_by_role("button").click()
    expect(page.locator(".walk .chip.made")).to_have_count(len(first))
    assert text(page) == first
    for row, ids in ((rows.nth(0), path(page)), (rows.nth(1), second)):
        joint = score_continuation(model, model.tokenizer.encode("The capital of France is"), ids).log_probability
        assert float(row.locator("td").nth(1).get_attribute("title") or "nan") == pytest.approx(joint, abs=1e-4)


def test_again_gives_the_same_and_a_new_seed_another_text(server: Server, open_page: Open) -> None:
    page = at(server, open_page, prompt="Once upon a time", seed="4", max="8")
    button(page, "To the end").click()
    expect(stopped(page)).to_be_visible()
    first = text(page)
    button(page, "Again, same seed").click()
    expect(page.locator(".walk .chip.made")).to_have_count(0)
    button(page, "To the end").click()
    expect(stopped(page)).to_be_visible()
    assert text(page) == first
    button(page, "New seed").click()
    expect(page.locator(".walk .chip.made")).to_have_count(0)
    expect(page.get_by_label("Seed", exact=True)).to_have_value("5")
    button(page, "To the end").click()
    expect(stopped(page)).to_be_visible()
    assert text(page) != first
    expect(page).to_have_url(re.compile("seed=5"))


def test_greedy_drawn_and_best_found_become_branches(server: Server, open_page: Open) -> None:
    page = at(server, open_page, prompt="The package left the", max="3")
    button(page, "Step").click()
    expect(page.locator(".walk .chip.made")).to_have_count(1)
    page.get_by_text("Greedy, drawn, best found").click()
    button(page, "Run all three, 12 tokens each").click()
    table = page.locator(".nte-table").first.locator("tbody tr")
    expect(table).to_have_count(3, timeout=60_000)
    joint = {row.locator("th").inner_text(): number(row.locator("td").nth(1).inner_text()) for row in table.all()}
    assert joint["best found by a beam of width 4"] >= joint["greedy"]
    expect(page.locator(".walk .chip.made")).to_have_count(1)
    expect(page.get_by_text("Branches tried: ")).to_be_visible()


# ---- reasons to stop, windows ------------------------------------------------------------------------------------

FRANCE = {"prompt": "The capital of France is", "t": "0"}
TIME = {"prompt": "Once upon a time", "t": "0"}
STORY = {**TIME, "window": "32"}
WHYS = {
    "end token": ({"with": "transformer", "t": "0"}, "Stopped, end token: the model chose <eos>"),
    "token limit": ({**FRANCE, "max": "3"}, "Stopped, token limit: 3 tokens"),
    "stop string": ({**TIME, "stop": "city of"}, "Stopped, stop string: “city·of” came up, over 2 tokens"),
    "policy": ({**TIME, "ban": "harbour, HAVEN"}, "Stopped, policy interruption: “HAVEN” came up"),
    "context full": ({**STORY}, "Stopped, context full: the window holds 32 tokens"),
}


@pytest.mark.parametrize("why", WHYS)
def test_every_reason_to_stop_names_itself(server: Server, open_page: Open, why: str) -> None:
    link, sentence = WHYS[why]
    page = at(server, open_page, **link)
    button(page, "To the end").click()
    expect(stopped(page)).to_contain_text(sentence, timeout=60_000)
    reason = sentence.split(":")[0].removeprefix("Stopped, ").removesuffix(" interruption")
    expect(page.locator(".stations li").last).to_contain_text(reason)
    if why in ("stop string", "policy"):
        assert page.locator(".walk .chip.withheld").count() >= 1


@pytest.mark.parametrize(("policy", "keep"), [("truncate left", "0"), ("keep prefix", "4")])
def test_a_window_that_forgets_shows_what_is_no_longer_seen(
    server: Server, open_page: Open, policy: str, keep: str
) -> None:
    page = at(server, open_page, **{**STORY, "full": policy, "keep": keep, "max": "40"})
    button(page, "To the end").click()
    expect(stopped(page)).to_contain_text("Stopped, token limit: 40 tokens", timeout=60_000)
    gone = page.locator(".walk .chip.gone")
    expect(state(page)).to_contain_text(f"; {policy}: {gone.count()} tokens no longer seen")
    context = page.locator(".stations li").first.locator(".figure")
    expect(context).to_have_attribute("title", re.compile(f", {gone.count()} forgotten$"))
    first = page.locator(".walk .chip").first
    expect(first).not_to_have_class(re.compile("gone")) if keep == "4" else expect(first).to_have_class(
        re.compile("gone")
    )


def test_a_real_circle_and_the_penalty_that_ends_it(server: Server, open_page: Open) -> None:
    page = at(server, open_page)
    page.get_by_text("When greedy goes in circles").click()
    expect(page.get_by_text("Illustration, made up:")).to_be_visible()
    button(page, "A circle this model falls into").click()
    expect(state(page)).to_contain_text("times in a row", timeout=60_000)
    button(page, "The same with a penalty of 1.1").click()
    expect(page).to_have_url(re.compile(r"rp=1\.1"))
    expect(state(page)).to_contain_text("40 tokens generated", timeout=60_000)
    expect(state(page)).not_to_contain_text("times in a row")


def test_a_chat_is_one_text(server: Server, open_page: Open) -> None:
    page = at(server, open_page, t="0", max="24")
    page.get_by_text("A chat is one text").click()
    page.get_by_label("Your message").fill("What is the capital of France?")
    button(page, "Ask: make it a chat").click()
    expect(page.locator(".walk .chip.special").first).to_be_visible()
    button(page, "To the end").click()
    expect(stopped(page)).to_have_text("Stopped, end token: the model chose <|im_end|>, which ends the text.")
    expect(page.locator(".walk .chip.special").last).to_have_text("<|im_end|>")
    assert "·Paris" in text(page)
    page.get_by_label("Your next message").fill("And of Italy?")
    button(page, "Ask: put it behind the chat").click()
    expect(page.get_by_label("Prompt", exact=True)).to_have_value(
        re.compile(r"Paris\.<\|im_end\|>\n<\|im_start\|>user\nAnd")
    )


# ---- links, traces -----------------------------------------------------------------------------------------------


def test_a_link_restores_the_place_on_another_server(server: Server, other: Server, open_page: Open) -> None:
    page = at(server, open_page, prompt="The package left the", t="0.9", k="40", rp="1.2", seed="7", max="9")
    button(page, "To the end").click()
    expect(stopped(page)).to_be_visible()
    page.locator(".walk .chip.made").nth(3).click()
    expect(page).to_have_url(re.compile(r"[?&]at=3"))
    page.locator(".walk tr[data-id] .take").nth(2).click()
    expect(page.locator(".walk .chip.made")).to_have_count(4)
    button(page, "Step").click()
    button(page, "Step").click()
    expect(page.locator(".walk .chip.made")).to_have_count(6)
    button(page, "Back").click()
    expect(page).to_have_url(re.compile(r"[?&]at=5"))
    expect(page.locator(".walk .chip.ahead")).to_have_count(1)
    settled(page)
    parts = (".walk .text", ".walk .turn", ".walk table >> nth=0")
    scene = [page.locator(part).inner_text() for part in parts]
    fresh = open_page(other, page.url.removeprefix(server.url))
    expect(fresh.locator(".walk .chip.made")).to_have_count(6)
    expect(fresh.locator(".walk .turn")).to_have_text(scene[1])
    assert [fresh.locator(part).inner_text() for part in parts] == scene
    assert shown_log_p(fresh) == pytest.approx(shown_log_p(page), abs=1e-4)
    assert fresh.url.removeprefix(other.url) == page.url.removeprefix(server.url)
    expect(fresh.locator(".walk .chip.hand")).to_have_count(1)
    fresh.close()


def test_an_exported_trace_redraws_and_goes_on(server: Server, open_page: Open, tmp_path: Path) -> None:
    page = at(server, open_page, prompt="The capital of France is", seed="2", max="5")
    button(page, "To the end").click()
    expect(stopped(page)).to_be_visible()
    first, joint = text(page), shown_log_p(page)
    page.get_by_text("Show the code, export").click()
    settled(page)
    with page.expect_download() as download:
        button(page, "JSON, trace").click()
    file = tmp_path / "trace.json"
    file.write_bytes(Path(download.value.path()).read_bytes())
    other = at(server, open_page, prompt="Once upon a time")
    button(other, "Step").click()
    expect(other.locator(".walk .chip.made")).to_have_count(1)
    mine = text(other)
    other.get_by_text("Open an exported trace").click()
    other.locator("input[type=file]").set_input_files(file)
    expect(
        other.get_by_text("An exported trace, as it was recorded with the model smollm2-135m: 5 steps")
    ).to_be_visible()
    expect(other.locator(".walk .chip.made")).to_have_text(first)
    assert shown_log_p(other) == pytest.approx(joint, abs=1e-9)
    button(other, "Back").click()
    expect(other.locator(".walk .chip.ahead")).to_have_count(1)
    expect(button(other, "Step")).to_be_hidden()
    button(other, "Close the trace").click()
    expect(other.get_by_text("Open an exported trace")).to_be_visible()
    expect(other.locator(".walk .chip.made")).to_have_text(mine)
    other.get_by_text("Open an exported trace").click()
    other.locator("input[type=file]").set_input_files(file)
    button(other, "Go on from here with the model").click()
    expect(other.get_by_label("Prompt", exact=True)).to_have_value("The capital of France is")
    expect(other.locator(".walk .chip.made")).to_have_text(first)


ABSENT = """
from lm_core.errors import ModelUnavailable
from lm_core.pretrained.catalogue import Entry
def absent(self): raise ModelUnavailable(f"The model {self.title} is not installed.", self.install)
Entry.path = absent
"""


def test_an_exported_trace_redraws_where_the_model_is_not(open_page: Open, tmp_path: Path, model: Transformer) -> None:
    ids = model.tokenizer.encode("The capital of France is")
    trace = run(model, ids, strategy(seed=2, temperature=0.8, top_k=30), Limits(6))
    file = tmp_path / "trace.json"
    file.write_bytes(Recording.of(trace, model.tokenizer, model.vocab_size, "smollm2-135m", {}).to_bytes())
    with running(tmp_path, changed=ABSENT) as bare:
        bare.wait_until("/_stcore/health")
        page = open_page(bare, "/generation")
        expect(page.get_by_text("The model SmolLM2-135M-Instruct is not installed.")).to_be_visible()
        page.get_by_text("Open an exported trace").click()
        page.locator("input[type=file]").set_input_files(file)
        expect(page.locator(".walk .chip.made")).to_have_count(6)
        assert text(page) == [label(model.tokenizer.token_bytes(i)) for i in trace.ids]
        assert shown_log_p(page) == pytest.approx(trace.log_probability, abs=1e-4)
        page.locator(".walk .chip.made").nth(2).click()
        expect(page.locator(".walk .turn")).to_contain_text(f"u = {trace.steps[2].u:.4f} lands on")
        page.close()


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("notes.json", b'{"hello": 1}', "`trace` must be a JSON file that was exported here, but is 'notes.json'."),
        ("big.json", b" " * 5_000_000, re.compile(r"File must be 4\.?0?\s?MB or smaller")),
    ],
)
def test_files_that_are_no_traces(
    server: Server, open_page: Open, tmp_path: Path, name: str, content: bytes, sentence: str
) -> None:
    page = at(server, open_page)
    button(page, "Step").click()
    expect(page.locator(".walk .chip.made")).to_have_count(1)
    page.get_by_text("Open an exported trace").click()
    file = tmp_path / name
    file.write_bytes(content)
    page.locator("input[type=file]").set_input_files(file)
    expect(page.get_by_text(sentence)).to_be_visible(timeout=60_000)
    expect(page.locator(".walk .chip.made")).to_have_count(1)


# ---- bad input, keys, stage --------------------------------------------------------------------------------------


def test_bad_input_gets_a_sentence_and_loses_nothing(server: Server, open_page: Open) -> None:
    page = at(server, open_page, t="0")
    button(page, "Step").click()
    expect(page.locator(".walk .chip.made")).to_have_count(1)
    page.get_by_role("button", name="When to stop").click()
    area = page.get_by_label("Stop strings")
    for wrong, sentence in (
        ("a\n\nb", "`stop strings` must be one a line, none of them empty"),
        ("y" * 10_000, "`stop_strings` must be texts of at most 200 characters, but is 'a text of 10,000'"),
    ):
        area.fill(wrong)
        area.press("Control+Enter")
        expect(page.get_by_text(sentence)).to_be_visible()
        expect(page.locator(".walk .chip.made")).to_have_count(1)
    area.fill("is")
    area.press("Control+Enter")
    expect(page.get_by_text("`stop_strings` must be")).to_have_count(0)
    page.keyboard.press("Escape")
    seed = page.get_by_label("Seed", exact=True)
    page.get_by_role("button", name="Greedy").click()
    page.get_by_role("slider", name="Temperature (0 is greedy)").press("ArrowRight")
    expect(seed).to_be_enabled()
    page.keyboard.press("Escape")
    seed.fill("-3")
    seed.press("Enter")
    expect(page.locator(".walk .problem")).to_contain_text("The seed must be a whole number from 0 to 4,294,967,295")
    expect(page.locator(".walk .chip.made")).to_have_count(1)


def test_controls_in_popovers_hold_what_the_page_holds(server: Server, open_page: Open) -> None:
    """A popover is drawn by the browser when it is first opened, long after the page has set its values."""
    page = at(server, open_page, prompt="Once upon a time", t="0.7", k="50", max="20", keep="3", n="20", axis="log")
    button(page, "Step").click()
    expect(page.locator(".walk .chip.made")).to_have_count(1)
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
    expect(page.locator(".walk .chip.made")).to_have_count(2)
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


def test_quick_clicks_and_keys_all_count(server: Server, open_page: Open) -> None:
    page = at(server, open_page, prompt="Once upon a time", t="0", max="12")
    button(page, "Step").dblclick()
    expect(page.locator(".walk .chip.made")).to_have_count(2)
    for _ in range(4):
        page.keyboard.press("ArrowRight", delay=5)
    expect(page.locator(".walk .chip.made")).to_have_count(6)
    page.keyboard.press("2")
    page.keyboard.press("3")
    expect(page.locator(".walk .chip.made")).to_have_count(8)
    expect(page.locator(".walk .chip.hand")).to_have_count(2)


def test_a_play_survives_leaving_and_ends_with_its_text(server: Server, open_page: Open) -> None:
    page = at(server, open_page, prompt="Once upon a time", t="0", max="40")
    button(page, "Play").click()
    expect(page.locator(".walk .chip.made").nth(4)).to_be_visible()
    sidebar = page.get_by_test_id("stSidebar")
    sidebar.get_by_role("link", name="Temperature").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Temperature")
    sidebar.get_by_role("link", name="Generation").click()
    expect(page.locator(".walk .chip.made").nth(4)).to_be_visible()
    button(page, "Play").click()
    expect(button(page, "Pause")).to_be_visible()
    box = page.get_by_label("Prompt", exact=True)
    box.fill("The capital of France is")
    box.press("Control+Enter")
    expect(page.locator(".walk .chip.given")).to_have_text(["The", "·capital", "·of", "·France", "·is"])
    expect(button(page, "Play")).to_be_visible()
    page.wait_for_timeout(900)
    expect(page.locator(".walk .chip.made")).to_have_count(0)


def test_all_of_it_by_keys(server: Server, open_page: Open) -> None:
    page = at(server, open_page, t="0", max="6")
    button(page, "Step").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".walk .chip.made")).to_have_count(1)
    live = page.locator(".walk .unseen[aria-live]")
    expect(live).to_have_text(re.compile(r"^Added space Paris, 77\.3 %\. Next: \., 68"))
    page.keyboard.press("3")
    expect(page.locator(".walk .chip.made")).to_have_count(2)
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".walk .chip.ahead")).to_have_count(1)
    expect(live).to_have_text(re.compile("^Back to space Paris"))
    rows = page.locator(".walk tr[data-id] .take")
    rows.first.focus()
    page.keyboard.press("ArrowDown")
    expect(rows.nth(1)).to_be_focused()
    expect(page.locator(".walk .facts")).to_contain_text("as the model said")
    page.keyboard.press("Enter")
    expect(page.locator(".walk .chip.made")).to_have_count(2)
    expect(rows.nth(1)).to_be_focused()
    page.locator(".walk").focus()
    page.keyboard.press("Space")
    expect(stopped(page)).to_contain_text("token limit")
    page.get_by_role("button", name="View").click()
    page.get_by_text("Keys: ← back").click()
    expect(page.locator(".walk")).to_have_attribute("data-keys", "0")
    page.keyboard.press("Escape")
    page.locator(".walk").focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(500)
    expect(page.locator(".walk .chip.ahead")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_stage_nothing_scrolls(server: Server, open_page: Open, scheme: str) -> None:
    link = {
        "prompt": "Once upon a time there was a robot",
        "t": "0.8",
        "p": "0.9",
        "rp": "1.1",
        "max": "60",
        "steps": "60",
    }
    view = {"viewport": {"width": 1280, "height": 720}, "color_scheme": scheme}
    page = at(server, open_page, view, present="1", **link)
    expect(page.locator(".walk")).to_have_attribute("data-dark", "0")
    expect(stopped(page)).to_be_visible(timeout=60_000)
    settled(page)
    fills_a_stage(page)


def test_the_code_of_the_export_runs_and_agrees(server: Server, open_page: Open) -> None:
    import subprocess
    import sys

    from tests.browser.server import ROOT

    page = at(server, open_page, prompt="The capital of France is", t="0.7", k="20", rp="1.1", seed="3", max="4")
    button(page, "To the end").click()
    expect(stopped(page)).to_be_visible()
    page.get_by_text("Show the code, export").click()
    code = page.locator("code").inner_text()
    made = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    joint, finish = made.strip().splitlines()[-1].split(" ", 1)
    assert float(joint) == pytest.approx(shown_log_p(page), abs=1e-4)
    assert finish == "token limit"
    settled(page)
    with page.expect_download() as download:
        button(page, "CSV, steps").click()
    rows = list(csv.DictReader(Path(download.value.path()).read_text("utf-8-sig").splitlines()))
    assert [int(row["id"]) for row in rows] == path(page)
    assert sum(float(row["probability_by_model_ln_nats"]) for row in rows) == pytest.approx(float(joint), abs=1e-4)
