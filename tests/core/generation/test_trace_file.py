"""A trace in a file: back as it was, small, and refused in one sentence if it is anything else."""

import json
from collections.abc import Callable

import pytest

from lm_core import InvalidInput, Transformer
from lm_core.decoding.strategies import strategy
from lm_core.generation.loop import Limits, run
from lm_core.generation.trace import as_json
from lm_core.generation.trace_file import LARGEST, TraceFile, _digest

Make = Callable[..., Transformer]


@pytest.fixture
def recording(make_tiny: Make) -> TraceFile:
    tiny = make_tiny()
    trace = run(tiny, [3, 1, 4], strategy(seed=1, top_k=5, repetition_penalty=1.2), Limits(6))
    return TraceFile.of(trace, tiny.tokenizer, tiny.vocab_size, "tiny", {"t": "1", "k": "5"})


def test_there_and_back(recording: TraceFile) -> None:
    assert TraceFile.read(recording.to_bytes(), "trace.json") == recording


def test_64_steps_of_the_pretrained_model_stay_below_a_megabyte(model: Transformer) -> None:
    plan = strategy(seed=1, temperature=1.2, top_k=200, top_p=0.95, min_p=0.001, repetition_penalty=1.1)
    trace = run(model, model.tokenizer.encode("The package left the"), plan, Limits(64, end_ids=frozenset()))
    recording = TraceFile.of(trace, model.tokenizer, model.vocab_size, "smollm2-135m", {})
    data = recording.to_bytes()
    assert len(trace.steps) == 64
    assert len(data) < 1_000_000
    assert TraceFile.read(data, "trace.json") == recording


def test_any_bytes_of_a_token_survive(recording: TraceFile) -> None:
    odd = tuple((i, name if i % 2 else b"\xff\xfe" + name) for i, name in recording.names)
    changed = TraceFile(recording.model, recording.vocab_size, recording.scene, odd, recording.trace)
    assert TraceFile.read(changed.to_bytes(), "trace.json") == changed


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xfe", b"null", b"[]", b"{}", b'{"format": "x"}', b"[" * 100_000, b'{"format":"next-token trace"}',
     b'{"format":"next-token trace","version":1,"sha256":"x","trace":NaN}'],
)  # fmt: skip
def test_what_is_not_ours(data: bytes) -> None:
    with pytest.raises(
        InvalidInput, match=r"`trace` must be a JSON file that was exported here, but is 'notes.json'\."
    ):
        TraceFile.read(data, "notes.json")


def test_what_was_edited(recording: TraceFile) -> None:
    data = recording.to_bytes()
    content = json.loads(data)
    content["trace"]["steps"][0]["log_probability"] += 0.5
    with pytest.raises(
        InvalidInput, match=r"`trace` must be unchanged since its export, but is 'trace\.json, edited or damaged'"
    ):
        TraceFile.read(json.dumps(content).encode(), "trace.json")
    with pytest.raises(
        InvalidInput, match=r"`trace` must be unchanged since its export, but is 'trace\.json, edited or damaged'"
    ):
        TraceFile.read(data.replace(b'"tiny"', b'"vast"'), "trace.json")


def test_what_is_too_large_or_too_new(recording: TraceFile) -> None:
    with pytest.raises(InvalidInput, match=r"`trace` must be at most 4 MB, but is 'trace.json of 50.0 MB'"):
        TraceFile.read(b" " * 50_000_000, "trace.json")
    assert LARGEST == 4_000_000
    newer = recording.to_bytes().replace(b'"version":1', b'"version":2')
    with pytest.raises(InvalidInput, match="`trace` must be of version 1; export it again, but is 2"):
        TraceFile.read(newer, "trace.json")


NONSENSE = (
    [(name, value) for name in ("position", "id", "proposed") for value in (None, "x", -3, True, 1.5, 10**9)]
    + [(name, value) for name in ("log_probability", "entropy", "u", "seconds") for value in ("x", True, [], 10**400)]
    + [(name, value) for name in ("shown", "stages") for value in (None, "x", {}, [], [None], [-1], [10**9], 7)]
    + [("finish", "bored"), ("finish", 3)]
)


@pytest.mark.parametrize(("name", "value"), NONSENSE)
def test_a_well_signed_file_of_nonsense_is_refused(recording: TraceFile, name: str, value: object) -> None:
    """Whoever can compute a checksum still cannot bring in what is no trace."""
    content = json.loads(recording.to_bytes())
    content.pop("sha256")
    content["trace"]["steps"][0][name] = value
    content["sha256"] = _digest(as_json(content))
    with pytest.raises(InvalidInput, match="exported here"):
        TraceFile.read(json.dumps(content).encode(), "trace.json")
