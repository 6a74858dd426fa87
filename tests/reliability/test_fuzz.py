"""Generated bad input: configs, texts, prompts and links give figures or one named sentence, never anything else."""

import random
import string
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from lm_core import Distribution, Transformer, kv_sizing
from lm_core.errors import LmCoreError
from lm_core.models.ngrams.count_table import CountedCorpus
from lm_core.serving import ServedModel
from lm_core.text import prompt
from lm_core.text.corpus import from_bytes
from pages.shared.page_declarations import read
from tests.browser.hostile import HOSTILE
from tests.browser.server import ROOT, Server
from tests.reliability import cases
from tests.reliability.visitors import Visitor, run

quiet = {"deadline": None, "suppress_health_check": list(HealthCheck)}
KEYS = (
    "hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim", "vocab_size",
    "max_position_embeddings", "sliding_window", "layer_types", "kv_lora_rank", "model_type", "text_config",
    "torch_dtype", "qk_rope_head_dim", "intermediate_size", "quantization_config", "attention_chunk_size",
)  # fmt: skip
scalars = some.one_of(
    some.none(), some.booleans(), some.integers(-(2**70), 2**70), some.floats(), some.text(max_size=20),
    some.sampled_from([0, 1, 32, 4096, "llama", "full_attention", "sliding_attention", "bfloat16", *HOSTILE]),
)  # fmt: skip
values = some.recursive(
    scalars,
    lambda inner: some.lists(inner, max_size=5) | some.dictionaries(some.sampled_from(KEYS), inner),
    max_leaves=12,
)


@contextmanager
def named() -> Iterator[None]:
    """An error is one of ours and has a sentence; any other is the test's."""
    try:
        yield
    except LmCoreError as error:
        assert str(error)  # noqa: PT017


@settings(max_examples=cases(200, 2_000), **quiet)  # type: ignore[arg-type]
@given(some.dictionaries(some.one_of(some.sampled_from(KEYS), some.text(max_size=8)), values, max_size=14))
@pytest.mark.long("a thousand generated configs")
def test_configs(config: dict[str, Any]) -> None:
    with named():
        assert kv_sizing.size(kv_sizing.from_config(config), 1024, 2).total >= 0


pieces = some.one_of(
    some.binary(max_size=40), some.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass")),
    some.sampled_from([token.encode() for token in HOSTILE]),
    some.sampled_from([b"\xef\xbb\xbf", b"\x00" * 9, b"\r\n", b"\n", b"%PDF-1.7", b"PK\x03\x04", b"\xff\xfe"]),
    some.just(b"a b c\n" * 9),
)  # fmt: skip


@settings(max_examples=cases(200, 2_000), **quiet)  # type: ignore[arg-type]
@given(some.lists(pieces, max_size=12).map(b"".join))
def test_corpora(data: bytes) -> None:
    with named():
        corpus = from_bytes("mine.txt", data)
        assert CountedCorpus(corpus, corpus.tokenizer("word")).counts(2).distinct >= 0


def answered(model: Any, text: str) -> None:
    with named():
        cut = prompt.read_prompt(text, model.tokenizer, 64)
        belief = Distribution(model.next_logits([cut.ids])[0])
        assert abs(float(belief.probabilities.sum()) - 1) < 1e-9


prompts = some.lists(
    some.one_of(some.text(max_size=20), some.sampled_from([*HOSTILE, "<|im_start|>", "<|endoftext|>", "\ud800"])),
    max_size=8,
).map("".join)


@settings(max_examples=cases(100, 500), **quiet)  # type: ignore[arg-type]
@given(text=prompts)
def test_prompts(make_tiny: Callable[..., Transformer], model: Transformer, text: str) -> None:
    """The real tokenizer's ids, brought down to a tiny model's vocabulary."""
    tiny = make_tiny(vocab_size=31)

    class Folded:
        tokenizer = model.tokenizer

        @staticmethod
        def next_logits(batch: list[list[int]]) -> Any:
            return tiny.next_logits([[i % 31 for i in ids][:60] for ids in batch])

    answered(Folded, text)


@settings(max_examples=cases(8, 40), **quiet)  # type: ignore[arg-type]
@given(text=prompts)
def test_prompts_on_the_real_model(model: Transformer, text: str) -> None:
    answered(ServedModel(model), text)


NAMES = [
    "model",
    "prompt",
    "prompt2",
    "seed",
    "t",
    "k",
    "p",
    "m",
    "order",
    "present",
    "tour",
    "scene",
    "scenes",
    "hide",
    "look",
    "with",
    "text",
    "at",
    "layer",
    "head",
    "max",
    "stop",
    "ban",
    "window",
    "full",
    "keep",
    "page",
    "find",
    "source",
    "n",
    "smoothing",
    "step",
    "run",
    "steps",
    "lr",
    "batch",
    "family",
    "unit",
    "config",
    "preset",
    "gpu",
    "dtype",
    "engine",
    "sequences",
    "context",
    "users",
    "guess",
    "game",
    "room",
    "q",
    "from",
    "compare",
    "log",
    "wide",
    "darts",
    "length",
    "new",
]
VALUES = (
    "", "0", "-1", "1e999", "nan", "inf", "٣", "1" * 400, "x" * 2_500, "true", "[]", "{}", "null", "../../etc/passwd",
    "%00", "javascript:alert(1)", "1,2,3", "0.5", "1.2.3", *HOSTILE,
)  # fmt: skip


def query(draw: random.Random) -> str:
    def value() -> str:
        if draw.random() < 0.2:
            return "".join(draw.choices(string.printable, k=draw.randrange(30)))
        return draw.choice(VALUES)

    return urlencode([(draw.choice(NAMES), value()) for _ in range(draw.randrange(1, 9))])


@pytest.mark.parametrize("page", [read(file).url for file in sorted((ROOT / "pages").glob("[0-9]*.py"))])
@pytest.mark.long("six generated links, each drawn with all that its page computes")
def test_links(server: Server, page: str) -> None:
    """No exception is shown, and nothing of a link reaches the page as HTML."""

    async def visit() -> None:
        draw = random.Random(page)
        for _ in range(cases(2 if page == "kv_cache" else 6, 500)):  # that page measures for seconds
            visitor = Visitor(server.url, 0, page, query(draw))
            await visitor.open()
            assert not [html for html in visitor.shown if "<script" in html or "<img src=x" in html], visitor.query
            await visitor.close()

    run(visit())
    assert "Traceback" not in server.log.read_text()
