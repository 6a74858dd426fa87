"""The KV-cache calculator in a real browser: the article's figures, other models, what it refuses, what it is given."""

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.server import Server
from tests.browser.test_every_page import fills_a_stage, settled

Open = Callable[..., Page]
PAGE = "/kv_cache_calculator"


def test_the_articles_figures(server: Server, open_page: Open) -> None:
    page = open_page(server, PAGE)
    expect(page.get_by_role("status").filter(has_text="KV cache")).to_contain_text("1.00 GiB (1.07 GB)")
    tokens = page.get_by_label("Tokens in every sequence")
    tokens.fill("32768")
    tokens.press("Enter")
    expect(page.get_by_text("16.00 GiB (17.18 GB)")).to_be_visible()
    settled(page)
    assert "n=32768" in page.url
    expect(page.get_by_text("32 layers x 32,768 tokens x 2 x 32 KV heads x 128 x 2 B")).to_be_visible()
    expect(page.get_by_text("17,179,869,184").first).to_be_visible()


@pytest.mark.parametrize(
    ("link", "shown"),
    [
        ("arch=llama-3.1-70b&n=32768&batch=64", ["640.00 GiB", "query heads counted instead of KV heads 5.00 TiB x 8"]),
        ("arch=llama-3.1-70b&n=32768&batch=64&tp=16", ["1,280.00 GiB", "copies of heads on further GPUs"]),
        ("arch=llama-3.1-70b&n=32768&batch=64&tp=8&engine=vLLM&dtype=fp8", ["320.00 GiB", "It fits.", "null block"]),
        ("arch=deepseek-v3&n=32768", ["2.14 GiB", "a latent counted twice"]),
        ("arch=gemma-3-27b&n=131072", ["10.41 GiB", "sliding and chunked layers charged in full"]),
        ("arch=qwen3-next-80b&n=131072", ["state that does not grow", "linear and Mamba layers"]),
    ],
)
def test_models_by_link(server: Server, open_page: Open, link: str, shown: list[str]) -> None:
    page = open_page(server, f"{PAGE}?{link}")
    settled(page)
    page.get_by_text("Common wrong answers for this model").click()
    for text in shown:
        row = page.get_by_role("row", name=text)
        expect(row.or_(page.get_by_text(text)).first).to_be_visible()


def test_what_an_engine_does_not_have(server: Server, open_page: Open) -> None:
    page = open_page(server, f"{PAGE}?engine=llama.cpp&dtype=fp8&tp=4")
    expect(page.get_by_text("llama.cpp has no fp8 cache: f16 is used.")).to_be_visible()
    expect(page.get_by_text("llama.cpp splits layers over GPUs")).to_be_visible()
    page = open_page(server, f"{PAGE}?arch=phi-4&tp=4")
    expect(page.get_by_role("alert")).to_contain_text("a divisor or a multiple of 10 KV heads")


def test_a_pasted_config(server: Server, open_page: Open) -> None:
    page = open_page(server, f"{PAGE}?arch=pasted&n=1024")
    box = page.get_by_label("A model's config.json")
    config = {"num_hidden_layers": 2, "num_attention_heads": 4, "hidden_size": 256, "color": ":red[x]"}
    box.fill(json.dumps(config))
    box.press("Control+Enter")
    expect(page.get_by_text("2 layers x 1,024 tokens x 2 x 4 KV heads x 64 x 2 B")).to_be_visible()
    page.get_by_text("1 keys were not read").click()
    expect(page.get_by_text("color", exact=True)).to_be_visible()
    box.fill(json.dumps({**config, "layer_types": ["full_attention", "ring_attention"]}))
    box.press("Control+Enter")
    expect(page.get_by_role("alert")).to_contain_text("ring_attention")
    box.fill('{"num_hidden_layers": NaN}')
    box.press("Control+Enter")
    expect(page.get_by_role("alert")).to_contain_text("finite numbers")


def test_stated_weights_count_everywhere(server: Server, open_page: Open) -> None:
    page = open_page(server, f"{PAGE}?arch=llama-3.1-8b&n=8192")
    expect(page.get_by_text("57.72 GiB")).to_be_visible()  # 79 x 92 % - 8.03e9 x 2 bytes
    box = page.get_by_label("Weights, GB")
    box.fill("8")
    box.press("Enter")
    expect(page.get_by_text("65.23 GiB")).to_be_visible()
    settled(page)
    assert "weights=8" in page.url


def test_it_fills_a_stage(server: Server, open_page: Open) -> None:
    link = f"{PAGE}?arch=llama-3.1-70b&n=32768&batch=64&tp=8&present=1"
    page = open_page(server, link, viewport={"width": 1280, "height": 720})
    settled(page)
    expect(page.get_by_text("640.00 GiB")).to_be_visible()
    fills_a_stage(page)
