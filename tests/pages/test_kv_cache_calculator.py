"""The KV-cache calculator without a browser: what stands on the page for a link, its folds open."""

import json
from urllib.parse import parse_qsl

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.opening import drawn, markup, open_page, said
from tests.pages.touching import fill, find, press, switch

URL = "kv_cache_calculator"
pytestmark = pytest.mark.usefixtures("_folds_open")


@pytest.mark.parametrize(
    ("link", "shown"),
    [
        ("arch=llama-3.1-70b&n=32768&batch=64", ["640.00 GiB", "query heads counted instead of KV heads 5.00 TiB x 8"]),
        ("arch=llama-3.1-70b&n=32768&batch=64&tp=16", ["1,280.00 GiB", "copies of heads on further GPUs"]),
        ("arch=llama-3.1-70b&n=32768&batch=64&tp=8&engine=vLLM&dtype=fp8",
         ["320.00 GiB", "It fits.", "null block"]),
        ("arch=deepseek-v3&n=32768", ["2.14 GiB", "a latent counted twice"]),
        ("arch=gemma-3-27b&n=131072", ["10.41 GiB", "sliding and chunked layers charged in full"]),
        ("arch=qwen3-next-80b&n=131072", ["of it, what does not grow", "linear and Mamba layers"]),
        ("engine=llama.cpp&dtype=fp8&tp=4", ["has no fp8 cache: its default is used.", "shares out layers over GPUs"]),
        ("arch=gpt-oss-20b&n=131072&engine=llama.cpp&dtype=q8_0",
         ["query heads counted instead of KV heads", "python -m lm_core.kv_sizing"]),
        ("arch=deepseek-v3.2&n=131072&batch=8&tp=8&engine=vLLM&dtype=fp8",
         ["375.54 GiB", "as fp8_ds_mla where fp8 is asked", "index keys of 61 layers, 128"]),
        ("arch=mistral-7b-v0.1&n=16384&engine=llama.cpp",
         ["2.00 GiB", "llama.cpp applies no window to mistral models: 32 layers keep every token."]),
        ("arch=phi-4&tp=4", ["a divisor or a multiple of 10 KV heads"]),
        # 4 x 1 GiB x (34 + 18) / 128
        ("arch=llama-3.1-8b&n=8192&batch=4&engine=llama.cpp&dtype=q8_0&dv=q4_0&mean=4096",
         ["1.62 GiB", "832.00 MiB at a mean of 4,096", "K q8_0, V q4_0"]),
        ("engine=vLLM&dv=fp8&mean=9999",
         ["stores values as keys: its default is used for both.", "A mean of 9,999 is longer than the longest, 2,048"]),
        ("arch=llama-3.1-8b&n=8192&over=sequences",
         ["users at once", "heavier than the weights (14.96 GiB) from 122,533 tokens on"]),
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


CONFIG = {"num_hidden_layers": 2, "num_attention_heads": 4, "hidden_size": 256}


def at(link: str) -> AppTest:
    return open_page(URL, **dict(parse_qsl(link)))


def paste(app: AppTest, config: object) -> str:
    """What the page says once this is pasted as a model's config.json."""
    fill(app, "A model's config.json", config if isinstance(config, str) else json.dumps(config))
    return said(app)


def test_the_articles_figures() -> None:
    app = open_page(URL)
    assert "1.00 GiB (1.07 GB)" in said(app)
    fill(app, "Tokens for each user", "32768")
    assert app.query_params["n"] == "32768"
    for figure in (
        "16.00 GiB (17.18 GB)", "32 layers x 32,768 tokens x 2 x 32 KV heads x 128 x 2 B", "17,179,869,184"
    ):  # fmt: skip
        assert figure in said(app)


def test_a_pasted_config() -> None:
    app = at("arch=imported&n=1024")
    odd = CONFIG | {"color": ":red[x]"}
    text = paste(app, odd)
    assert "2 layers x 1,024 tokens x 2 x 4 KV heads x 64 x 2 B" in text
    assert "1 key was not read: it has no bearing on the cache" in [fold.label for fold in app.expander]
    assert " color " in text
    assert "ring_attention" in paste(app, {**odd, "layer_types": ["full_attention", "ring_attention"]})
    assert "finite numbers" in paste(app, '{"num_hidden_layers": NaN}')


def test_the_three_outcomes_of_an_import() -> None:
    """Read whole; with an assumption and its effect beside the figure; not known, until the visitor settles it."""
    app = at("arch=imported&n=1024")
    assert "This file was read whole." in paste(app, CONFIG)
    assert "Assumed:" not in said(app)
    text = paste(app, {**CONFIG, "cla_share_factor": 2})
    assert "Assumed: cla_share_factor is taken to be in force" in text
    assert "If not: 0.00195 GiB (+0.000977 GiB)." in text
    text = paste(app, {**CONFIG, "kv_share_every": 2})
    assert "Not known" in text
    assert "kv_share_every not understood" in text
    assert "2 layers x 1,024 tokens x 2 x 4 KV heads x 64 x 2 B" in text
    assert "for the cache" not in text
    switch(app, "They change nothing beyond what the table says", True)
    assert "Assumed: Taken to change nothing that is kept: kv_share_every." in said(app)
    assert "for the cache" in said(app)


def test_a_link_of_layer_groups_keeps_its_doubts() -> None:
    row = {"kind": "full", "layers": 2, "kv_heads": 4, "k_dim": 64, "v_dim": 64}
    doubt = {"groups": [row], "not_understood": ["kv_share_every"]}
    assert "Not known" in said(open_page(URL, arch="groups", groups=json.dumps(doubt)))
    sure = {"groups": [row], "assumptions": [{"says": "All share.", "otherwise": [{**row, "layers": 4}]}]}
    text = said(open_page(URL, arch="groups", n="1024", groups=json.dumps(sure)))
    assert "Assumed: All share. If not: 0.00391 GiB (+0.00195 GiB)." in text


def test_what_decides_a_verdict_stands_under_it() -> None:
    """A GPU whose memory lies between what a hybrid takes in vLLM with prefix caching and without."""
    gpus = json.dumps({"T4 16 GB": [16.3, 0]})
    link = {"arch": "qwen3.5-27b", "n": "262144", "engine": "vLLM", "gpu": "T4 16 GB", "used": "100", "gpus": gpus}
    text = said(open_page(URL, **link, weights="0.001", aside="0"))
    assert "It does not fit." in text
    assert (
        "Prefix caching, on by default, keeps a second block of state (mamba_align). Without that it would fit" in text
    )


def test_stated_weights_count_everywhere() -> None:
    app = at("arch=llama-3.1-8b&n=8192")
    assert "57.92 GiB" in said(app)  # 79.22 x 92 % - 16,060,522,496 bytes
    fill(app, "Weights, GB (0: by their format)", "8")
    assert "65.43 GiB" in said(app)
    assert float(app.query_params["weights"]) == 8
    fill(app, "Engine’s reserve on each GPU, GB", "2")
    assert "63.57 GiB" in said(app)  # 2e9 bytes less


def test_what_a_link_says_holds_when_the_model_comes_later() -> None:
    """The boxes of GPU, memory and weights appear with the imported model; their values were there before."""
    given = {"gpu": "L4 24 GB", "used": "80", "weights": "16.5", "aside": "2", "over": "sequences"}
    app = open_page(URL, arch="imported", n="1024", **given)
    assert "**0.43 GiB** are left for the cache" in paste(app, CONFIG)  # 22.07 x 80 % - 18.5e9 B
    boxes = {each.label: each.value for each in app.number_input}
    for label, value in (("Memory the engine", 80), ("Weights, GB", 16.5), ("Engine’s reserve", 2)):
        assert next(held for name, held in boxes.items() if name.startswith(label)) == value
    assert {**app.query_params, "aside": f"{float(app.query_params['aside']):g}"}.items() >= given.items()


def test_scenarios_stand_side_by_side_and_change_places() -> None:
    app = at("arch=llama-3.1-70b&n=32768")
    press(app, "Keep this scenario beside")
    assert "total 10.00 GiB 10.00 GiB" in said(app)
    fill(app, "Tokens for each user", "65536")
    assert "total 20.00 GiB 10.00 GiB" in said(app)
    assert "total 20.00 GiB 10.00 GiB" in said(open_page(URL, **app.query_params))
    press(app, "Open 2")
    assert "total 10.00 GiB 20.00 GiB" in said(app)
    assert find(app, "Tokens for each user", "number_input").value == 32768
    press(app, "Drop 2")
    assert "total 10.00 GiB" not in said(app)
    assert "beside" not in app.query_params


def test_settings_of_an_engine_are_in_the_link() -> None:
    app = at("arch=gemma-3-27b&n=131072&engine=vLLM")
    assert "17.98 GiB" in said(app)
    switch(app, "Asynchronous scheduling", False)
    assert "17.98 GiB" not in said(app)
    assert app.query_params["async_scheduling"] == "0"
    assert said(open_page(URL, **app.query_params)) == said(app)


def test_scenarios_share_the_gpus_and_keep_their_numbers() -> None:
    same = "arch=llama-3.1-8b&n=131072"
    app = open_page(URL, gpus='{"H100 80 GB":[24,0]}', beside=f"n=0|{same}|{same}", **dict(parse_qsl(same)))
    assert "on these GPUs does not fit, 1 x H100 80 GB does not fit, 1 x H100 80 GB does not fit, 1 x H100" in said(app)
    assert find(app, "Open 2", "button").disabled
    press(app, "Drop 3")
    assert "on these GPUs does not fit, 1 x H100 80 GB does not fit, 1 x H100 80 GB most" in said(app)
    assert [each.label for each in app.button if each.label.startswith("Drop")] == ["Drop 2", "Drop 3"]


def test_changed_groups_bring_their_own_weights() -> None:
    app = at("arch=llama-3.1-8b")
    press(app, "Change these layer groups")
    assert "Llama 3.1 8B, changed" in said(app)
    assert "heavier than the weights (14.96 GiB)" in said(app)
    assert "weights" not in app.query_params


def test_the_name_of_a_model_is_no_markup() -> None:
    layers = {"name": "<i>mine</i>", "groups": [{"kind": "full", "layers": 2, "kv_heads": 4, "k_dim": 64, "v_dim": 64}]}
    shown = markup(open_page(URL, arch="groups", groups=json.dumps(layers)))
    assert "<br>&lt;i&gt;mine&lt;/i&gt;, " in shown


def test_the_curve_is_in_the_unit_of_its_axis() -> None:
    """Llama 3.1 8B in 16 bits: 128 KiB a token, so 8,192 of them are 1 GiB."""
    app = open_page(URL, arch="llama-3.1-8b", n="8192", batch="1")
    chart = json.loads(app.get("plotly_chart")[0].proto.spec)
    line, asked = chart["data"][0], next(each for each in chart["data"] if each["mode"] == "markers")
    assert dict(zip(line["x"], line["y"]))[8192] == 1.0
    assert (asked["x"], asked["y"]) == ([8192], [1.0])
    assert chart["layout"]["yaxis"]["title"]["text"] == "KV cache, GiB"
