"""A link copied on any page restores it elsewhere: in a fresh browser, on a fresh server."""

import re
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from playwright.sync_api import Page

from tests.browser.server import Server, running
from tests.browser.test_every_page import ENTRIES, settled
from tests.browser.touching import said

Open = Callable[..., Page]
SCENES = {
    "": "?prompt=Twice upon a time",
    "next_token": "?prompt=The package left the&b=The package left the checkout&n=20",
    "temperature": "?from=bot&t=1.7&p=0.9&seed=5",
    "generation": "?with=transformer&t=0&steps=5",
    "bigram_counts": "?corpus=six&row=3&next=4&k=1&sentence=order left hub",
    "loss": "?look=four&p=0.9,0.5,0.2,0.1",
    "training": "?net=ngram&text=article&learning_rate=0.01",
    "inside_the_transformer": "?look=mask&mask=0&words=the customer left the order page.",
    "kv_cache": "?length=16&new=4",
    "kv_cache_calculator": "?arch=llama-3.1-70b&n=32768&batch=64&tp=8&engine=vLLM&dtype=fp8",
    "limits": "?look=policy&policy=Annual plans cost 12 euros.",
    "test_yourself": "?seed=4",
    "about": "?look=words&find=cache",
}
MEASURED = re.compile(r"(; )?[\d.,]+ (ms|s|tokens/s|MiB)\b|\d+ (forward passes|steps)")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("other")) as server:
        server.wait_until("/ready")
        yield server


def test_every_page_has_a_scene() -> None:
    assert set(SCENES) == {entry.url for entry in ENTRIES}


@pytest.mark.parametrize("url", SCENES)
def test_a_link_restores_the_scene(server: Server, other: Server, open_page: Open, url: str) -> None:
    page = open_page(server, f"/{url}{quote(SCENES[url], safe='?&=,')}")
    settled(page)
    page.wait_for_timeout(1_500)  # steps that a link asks for are taken one after the other
    settled(page)
    link = page.url.removeprefix(server.url)
    again = open_page(other, link)
    settled(again)
    again.wait_for_timeout(1_500)
    settled(again)
    assert parse_qs(urlsplit(again.url).query) == parse_qs(urlsplit(page.url).query)
    assert urlsplit(page.url).query
    if url != "kv_cache":  # its times and bars are measured anew
        assert MEASURED.sub("", said(again)) == MEASURED.sub("", said(page))
