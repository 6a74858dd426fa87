"""The KV-cache calculator without a browser: what stands on the page for a link, its folds open."""

from urllib.parse import parse_qsl

import pytest

from tests.pages.opening import drawn, open_page, said

URL = "kv_cache_calculator"
pytestmark = pytest.mark.usefixtures("_folds_open")


@pytest.mark.parametrize(
    ("link", "shown"),
    [
        ("arch=llama-3.1-70b&n=32768&batch=64", ["640.00 GiB", "query heads counted instead of KV heads 5.00 TiB x 8"]),
        ("arch=llama-3.1-70b&n=32768&batch=64&tp=16", ["1,280.00 GiB", "copies of heads on further GPUs"]),
        ("arch=llama-3.1-70b&n=32768&batch=64&tp=8&engine=vLLM&dtype=fp8", ["320.00 GiB", "It fits.", "null block"]),
        ("arch=deepseek-v3&n=32768", ["2.14 GiB", "a latent counted twice"]),
        ("arch=gemma-3-27b&n=131072", ["10.41 GiB", "sliding and chunked layers charged in full"]),
        ("arch=qwen3-next-80b&n=131072", ["state that does not grow", "linear and Mamba layers"]),
        ("engine=llama.cpp&dtype=fp8&tp=4", ["llama.cpp has no fp8 cache: f16 is used.", "splits layers over GPUs"]),
        ("arch=phi-4&tp=4", ["a divisor or a multiple of 10 KV heads"]),
        # 4 x 1 GiB x (34 + 18) / 128
        ("arch=llama-3.1-8b&n=8192&batch=4&engine=llama.cpp&dtype=q8_0&dv=q4_0&mean=4096",
         ["1.62 GiB", "832.00 MiB at a mean of 4,096", "K q8_0, V q4_0"]),
        ("engine=vLLM&dv=fp8&mean=9999",
         ["vLLM stores values as keys: bf16 is used for both.", "A mean of 9,999 is longer than the longest, 2,048"]),
        ("arch=llama-3.1-8b&n=8192&over=sequences",
         ["sequences at once", "heavier than the weights (14.96 GiB) from 122,529 tokens on"]),
    ],
)  # fmt: skip
def test_models_and_engines_by_link(link: str, shown: list[str]) -> None:
    app = open_page(URL, **dict(parse_qsl(link)))
    text = said(app) + " ".join(drawn(app))
    assert [each for each in shown if each not in text] == []


def test_which_gpus_and_what_they_cost() -> None:
    gpus = '{"H100 80 GB":[79,2.0],"H200 141 GB":[140,3.5]}'
    text = said(open_page(URL, arch="llama-3.1-70b", n="32768", batch="64", gpus=gpus))
    assert "H100 80 GB 16 2 x 8 32" in text
    cheapest = text[text.index("H200 141 GB 8") :][:80]
    assert "28.00" in cheapest
