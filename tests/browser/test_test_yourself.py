"""The test and Shannon's game in a real browser: taken to the end, and nothing leaks before it is answered."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, WebSocket, expect

from lm_core import Transformer
from lm_core.models import LanguageModel, model_file
from lm_core.models.prefixed_model import PrefixedModel
from lm_core.scoring.quiz import Question
from pages.test_yourself import ten_questions
from tests.browser.screen import settled
from tests.browser.server import ROOT, Server
from tests.browser.touching import said
from tests.reliability import LONG

Open = Callable[..., Page]
PAGE = "/test_yourself"


@pytest.fixture
def ten(model: Transformer, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[Question]]:
    """The questions of a seed, computed on this side."""
    monkeypatch.chdir(ROOT)

    def small(kind: str) -> LanguageModel:
        return PrefixedModel(model_file.read(ROOT / "assets" / "models" / f"{kind}.safetensors")[0], [0])

    bank = ten_questions.bank(lambda: model, small)
    return lambda seed: ten_questions.questions(seed, bank)


def listen(page: Page) -> list[bytes]:
    """Everything the server sends from now on."""
    heard: list[bytes] = []

    def opened(socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: heard.append(frame if isinstance(frame, bytes) else frame.encode()))

    page.on("websocket", opened)
    return heard


def give(page: Page, question: Question, right: bool) -> None:
    """Answers one question by its controls."""
    shown = question.shown
    expect(page.get_by_text(shown.text)).to_be_visible()
    if shown.kind == "choose":
        place = int(str(question.answer))
        place = place if right else (place + 1) % len(shown.options)
        page.get_by_role("radiogroup").last.get_by_text(shown.options[place], exact=True).click()
    elif shown.kind == "number":
        page.get_by_role("textbox", name="Your number").fill(f"{float(str(question.answer)):.6g}" if right else "-7")
    elif shown.kind == "order":
        assert isinstance(question.answer, tuple)
        box = page.get_by_role("combobox", name="Your order")
        for name in question.answer if right else reversed(question.answer):
            box.fill(name)
            page.get_by_role("option", name=name, exact=True).click()
        page.keyboard.press("Escape")
    else:
        bar = 100 * float(str(question.answer))
        wanted = round(bar) if right else 0 if bar > 50 else 100
        slider = page.get_by_role("slider")
        slider.focus()
        slider.press("Home" if wanted < 50 else "End")
        for _ in range(min(wanted, 100 - wanted)):
            slider.press("ArrowRight" if wanted < 50 else "ArrowLeft")
        page.wait_for_timeout(300)
    page.get_by_role("button", name="Answer", exact=True).click()


def secrets(question: Question) -> list[str]:
    """What would give the answer away: what is said afterwards, and figures of it."""
    answer = question.answer
    told = [question.because]
    if question.shown.kind == "bar":
        told += [f"{float(str(answer)):.6f}", f"{100 * float(str(answer)):.2f}"]
    if question.shown.kind == "order":
        assert isinstance(answer, tuple)
        told.append(" → ".join(answer))
    return told


@pytest.mark.parametrize("seed", [0, 5] if LONG else [5])
@pytest.mark.long("ten questions answered in two sessions")
def test_a_class_takes_the_same_ten_and_nothing_leaks(
    server: Server, open_page: Open, ten: Callable[[int], list[Question]], seed: int
) -> None:
    page = open_page(server, "/about")
    settled(page)
    heard = listen(page)
    page.goto(f"{server.url}{PAGE}?seed={seed}")
    settled(page)
    for number, question in enumerate(ten(seed), start=1):
        expect(page.get_by_text(f"Question {number} of 10")).to_be_visible()
        everything = b"".join(heard).decode(errors="replace") + said(page) + page.content() + page.url
        assert [secret for secret in secrets(question) if secret in everything] == []
        assert heard
        give(page, question, right=number > 2)
        expect(page.get_by_text("Right" if number > 2 else "Not quite", exact=True)).to_be_visible()
        assert question.because in " ".join(said(page).split())
        page.get_by_role("button", name="Result" if number == 10 else "Next question").click()
    expect(page.get_by_text("8 of 10 right. The lesson is complete.")).to_be_visible()
    page.get_by_label("Your name, for the sheet you hand in").fill("Ada")
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"Next-Token Explorer, test yourself, seed {seed}, Ada")).to_be_visible()
    settled(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    sheet = download.value.path().read_text(encoding="utf-8")
    assert "8 of 10 right: complete" in sheet
    assert sheet.count("wrong:") == 2
