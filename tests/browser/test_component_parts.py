"""What components share, alone in an empty tab: their functions with a clock and messages that the test holds."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.modules import empty_tab

LINKS = '<a href="#here">in</a><a href="/away">out</a><p id="host"></p>'
HOLD = """async () => {
  document.addEventListener("click", (event) => event.preventDefault());
  const { holdMessages } = await import("/shared/messages.js");
  globalThis.left = (await import("/shared/timers.js")).timers.left;
  globalThis.said = [];
  globalThis.host = document.querySelector("#host");
  globalThis.send = holdMessages(host, (what) => said.push(what));
}"""


@pytest.fixture
def empty(browser: Browser) -> Iterator[Page]:
    page = empty_tab(browser, LINKS)
    page.clock.install(time=1_000_000)
    yield page
    page.close()


def test_what_a_page_says_waits_after_a_click_on_a_link(empty: Page) -> None:
    empty.evaluate(HOLD)
    empty.get_by_text("in").click()  # a link within the page holds nothing
    empty.evaluate("send('before')")
    assert empty.evaluate("said") == ["before"]
    empty.clock.run_for(10)
    empty.get_by_text("out").click()
    empty.evaluate("send('after')")
    assert empty.evaluate("said") == ["before"]
    empty.clock.run_for(empty.evaluate("left"))
    assert empty.evaluate("said") == ["before", "after"]  # the page stayed, so nothing is lost


def test_what_may_be_lost_with_the_connection_is_said_again(empty: Page) -> None:
    empty.evaluate(HOLD)
    empty.evaluate("globalThis.cut = (name) => { document.body.dataset.testConnectionState = name; }")
    empty.evaluate("cut('CONNECTED')")
    empty.evaluate("send('once')")
    empty.evaluate("cut('PINGING_SERVER')")
    assert empty.evaluate("said") == ["once"]
    empty.evaluate("cut('CONNECTED')")
    assert empty.evaluate("said") == ["once", "once"]
    empty.evaluate("cut('PINGING_SERVER')")
    empty.clock.run_for(30_000)  # long ago it was answered, without a change to what is drawn
    empty.evaluate("cut('CONNECTED')")
    assert empty.evaluate("said") == ["once", "once"]


def test_what_was_answered_is_not_said_again(empty: Page) -> None:
    empty.evaluate(HOLD)
    empty.evaluate("send('once')")
    empty.evaluate(HOLD)  # drawn anew
    for name in ("CONNECTED", "PINGING_SERVER", "CONNECTED"):
        empty.evaluate(f"document.body.dataset.testConnectionState = '{name}'")
    assert empty.evaluate("said") == []


def test_an_act_is_asked_for_until_it_is_answered_ever_more_rarely(empty: Page) -> None:
    empty.evaluate(
        """async () => {
          const { acknowledge, sendAct } = await import("/shared/messages.js");
          globalThis.said = [];
          globalThis.view = { host: document.querySelector("#host"), data: {}, send: (what) => said.push(what.id) };
          sendAct(view, { kind: "step" });
          globalThis.answer = () => acknowledge(view, said[0]);
        }"""
    )
    asked = []
    for _ in range(4):
        asked.append(empty.evaluate("said.length"))
        empty.clock.run_for(8_000)
    assert asked == [1, 2, 2, 3]  # at 0, 8 and 24 s
    assert len(set(empty.evaluate("said"))) == 1
    empty.evaluate("answer()")
    empty.clock.run_for(100_000)
    assert empty.evaluate("said.length") == 3


def test_a_page_that_is_gone_says_nothing_more(empty: Page) -> None:
    empty.evaluate(HOLD)
    empty.clock.run_for(10)
    empty.get_by_text("out").click()
    empty.evaluate("send('late'); host.remove()")
    empty.clock.run_for(empty.evaluate("2 * left"))
    assert empty.evaluate("said") == []


def test_a_click_that_found_no_connection_is_made_again(empty: Page) -> None:
    empty.evaluate(
        """async () => {
          document.body.dataset.testConnectionState = "CONNECTED";
          globalThis.clicks = 0;
          document.addEventListener("click", (event) => { event.preventDefault(); clicks += 1; });
          await import("/shared/links.js");
          globalThis.state = (name) => { document.body.dataset.testConnectionState = name; };
        }"""
    )
    for last, made in (("out", 2), ("in", 2)):  # whoever clicks elsewhere meanwhile does not want to leave any more
        empty.evaluate("clicks = 0; state('CONNECTING')")
        empty.get_by_text("out").click()
        if last == "in":
            empty.get_by_text("in").click()
        empty.evaluate("state('CONNECTED')")
        assert empty.evaluate("clicks") == made


def test_acts_that_wait_are_forgotten_with_the_text_they_were_meant_for(empty: Page) -> None:
    empty.evaluate(
        """async () => {
          const { default: render } = await import("/generation/generation.js");
          globalThis.said = [];
          const root = document.createElement("div");
          root.innerHTML = '<div class="generation"></div>';
          document.body.append(root);
          globalThis.show = (changes) => render({
            data: { subject: "one", at: 0, tokens: [], branches: [], caption: "", keys: true, prompt: [], turn: null,
                    prompt_length: 1, vocabulary: 9, finish: "", sentence: "", facts: {}, ...changes },
            parentElement: root, setTriggerValue: (name, what) => said.push(what),
          });
          globalThis.press = (name) => [...root.querySelectorAll("button")].find((b) => b.className === name).click();
        }"""
    )
    empty.evaluate("show({}); press('step'); press('step'); press('step')")
    first = empty.evaluate("said")
    assert [act["kind"] for act in first] == ["step"]  # one at a time: two wait
    empty.evaluate(f"show({{ subject: 'two', handled: {first[0]['id']!r} }})")
    assert len(empty.evaluate("said")) == 1
    empty.evaluate("press('step')")
    assert [act["subject"] for act in empty.evaluate("said")] == ["one", "two"]
