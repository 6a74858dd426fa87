"""The serving engine against the readable Transformer on the same file: same numbers, same cache."""

import os
import random
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gguf import GGUFReader
from gguf.quants import dequantize

from lm_core import InvalidInput, Transformer, pretrained
from lm_core.logits import log_softmax
from lm_core.pretrained import blocks
from lm_core.pretrained.onnx_engine import Engine
from tests.browser.server import ROOT
from tests.reliability import cases

pytestmark = pytest.mark.whole  # reads the model's file


@pytest.fixture(scope="module")
def engine() -> Engine:
    return pretrained.load_engine()


@pytest.fixture(scope="module")
def prompts(model: Transformer, prose: str) -> list[list[int]]:
    """100 prompts of 1 to 300 tokens: two that people type, random ids, English prose cut at random."""
    draw = random.Random(12)
    ids = model.tokenizer.encode(prose[:200_000])
    lengths = [1, 2, 3] + [draw.randrange(4, 60) for _ in range(80)] + [150, 300]
    starts = [draw.randrange(len(ids) - length) for length in lengths]
    cut = [ids[start : start + length] for start, length in zip(starts, lengths)]
    found = [model.tokenizer.encode(text) for text in ("The capital of France is", "1 + 1 =")]
    found += [[draw.randrange(model.vocab_size) for _ in range(draw.randrange(1, 60))] for _ in range(13)]
    found += cut
    assert len(found) == 100
    return found


def apart(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The largest difference in log-probability, nats, over all rows and the whole vocabulary."""
    return max(float(np.abs(log_softmax(a) - log_softmax(b)).max()) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.long("prompts on two engines")
def test_prompts_equal_the_transformer(engine: Engine, model: Transformer, prompts: list[list[int]]) -> None:
    """The first 7 and one of 150 tokens; `make soak` takes all 100."""
    chosen = [*prompts[: cases(7, 98)], *prompts[-2 : cases(-1, 100)]]
    worst = max(apart(engine.next_logits([ids]), model.next_logits([ids])) for ids in chosen)
    assert worst <= 1e-3


@pytest.mark.long("each row computed alone")
def test_every_row_and_every_batch_equal_one_by_one(
    engine: Engine, model: Transformer, prompts: list[list[int]]
) -> None:
    assert apart(engine.logits(prompts[50]), model.logits(prompts[50])) <= 1e-3
    batch = prompts[: cases(8, 16)]
    assert apart(engine.next_logits(batch), np.stack([engine.next_logits([ids])[0] for ids in batch])) <= 1e-3


@pytest.mark.parametrize("count", [1, cases(3, 5)])
@pytest.mark.long("texts continued on two engines")
def test_texts_go_on_in_either(engine: Engine, model: Transformer, prompts: list[list[int]], count: int) -> None:
    """Caches filled by the engine and read by the Transformer, and the other way round; one, few and many at once."""
    texts = prompts[10 : 10 + count]
    first, rest = [ids[:-3] for ids in texts], [ids[-1 - i % 3 :] for i, ids in enumerate(texts)]
    whole = model.next_logits([a + b for a, b in zip(first, rest)])
    for one, other in ((engine, engine), (engine, model), (model, engine)):
        caches: Any = [one.new_cache() for _ in texts]
        one.next_logits(first, caches)
        assert apart(other.next_logits(rest, caches), whole) <= 1e-3
        assert [cache.length for cache in caches] == [len(a) + len(b) for a, b in zip(first, rest)]


def test_a_forked_and_a_trimmed_cache_go_on(engine: Engine, prompts: list[list[int]]) -> None:
    ids = prompts[60]
    cache = engine.new_cache()
    engine.next_logits([ids], [cache])
    fork = cache.fork(4)
    cache.trim(4)
    other = [*ids[:4], 17, 19]
    for held in (cache, fork):
        assert apart(engine.next_logits([[17, 19]], [held]), engine.next_logits([other])) <= 1e-3


def test_a_cache_that_grew_where_a_narrower_one_lay_is_bound_anew(engine: Engine, prompts: list[list[int]]) -> None:
    ids = max(prompts, key=len)[:6]
    small, grown = engine.new_cache(), engine.new_cache()
    engine.next_logits([ids[:2]], [small])
    engine.next_logits([ids[:2]], [grown])
    grown.reserve(300)
    (_, width), binding = engine._bindings[small]
    engine._bindings[grown] = (grown.reserve(1).data_ptr(), width), binding  # as if it lay there
    found = engine.next_logits([ids[2:]], [grown])
    assert apart(found, engine.next_logits([ids])) < 1e-3


def test_what_it_refuses(engine: Engine) -> None:
    for wrong in ([], [[]], [[49_152]], [[-1]], [[0] * 8_193]):
        with pytest.raises(InvalidInput):
            engine.next_logits(wrong)


@cache
def reader() -> GGUFReader:
    return GGUFReader(pretrained.entry("smollm2-135m").path())  # reads the vocabulary entry by entry: 4 seconds


def tensor_of(name: str) -> Any:
    return next(tensor for tensor in reader().tensors if tensor.name == name)


@pytest.mark.long("GGUFReader reads the whole file")
@pytest.mark.parametrize("name", ["blk.3.attn_k.weight", "token_embd.weight"])
def test_blocks_equal_the_dequantised_matrix(name: str) -> None:
    """Exactly, but for the last bit that a sum of two float32 products may lose."""
    tensor = tensor_of(name)
    raw = tensor.data[:200]
    parts = blocks.from_q8_0(raw) if "embd" in name else (blocks.from_q4_1(raw),)
    weights = sum(p.scales[..., None] * (p.integers - 8.0) + p.offsets[..., None] for p in parts)
    theirs = dequantize(raw, tensor.tensor_type)
    assert np.asarray(weights).reshape(theirs.shape) == pytest.approx(theirs, abs=1e-6)


def test_another_quantisation_is_refused_by_name() -> None:
    from lm_core.pretrained import onnx_weights

    with pytest.raises(ValueError, match=r"output_norm.weight is quantised as F32, not Q4_1"):
        onnx_weights._raw(tensor_of("output_norm.weight"), onnx_weights.Q4_1)


SILENT = """
from onnx import TensorProto, helper
from lm_core.pretrained.onnx_engine import runtime
node = helper.make_node("Identity", ["x"], ["y"])
ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
graph = helper.make_graph([node], "same", ends[:1], ends[1:])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
runtime().InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
"""


@pytest.mark.long("two processes load onnxruntime")
def test_the_runtime_keeps_no_record_of_its_use(tmp_path: Path) -> None:
    """Left alone, onnxruntime writes a device id and events to be sent to its makers; the control does."""
    for code, silent in ((SILENT, True), (SILENT.replace("runtime()", "__import__('onnxruntime')"), False)):
        home = tmp_path / str(silent)
        home.mkdir()
        # Only these: on machines of continuous integration (CI, GITHUB_ACTIONS, ...) it keeps nothing anyway.
        environment = {"PATH": os.environ["PATH"], "XDG_CACHE_HOME": str(home), "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "-c", code], env=environment, check=True, cwd=tmp_path)
        assert (list(home.rglob("*")) == []) == silent
