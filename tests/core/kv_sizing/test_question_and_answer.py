"""Question and answer as data: they meet their schema, and a wrong one does not."""

import json

import jsonschema
import pytest

from lm_core.kv_sizing import Scenario, Split, engine, names, preset
from lm_core.kv_sizing.report.question_and_answer import complaint, question_and_answer, schema


@pytest.mark.parametrize("kind", ["ideal", "vLLM", "llama.cpp"])
def test_every_preset_meets_the_schema(kind: str) -> None:
    for name in names()[::3]:
        said = question_and_answer(Scenario(preset(name), 4096, 2, engine=engine(kind)), "2026-11-30")
        jsonschema.validate(json.loads(json.dumps(said)), schema())


def test_by_hand() -> None:
    """Llama 3.3 70B in 8 bits on four H100 of vLLM: 42 users of 32,768 tokens, and 52.5 GiB for as many."""
    asked = Scenario(
        preset("llama-3.3-70b"), 32_768, 42, dtype_k="fp8", engine=engine("vLLM"), split=Split(4), weight_format="fp8"
    )
    said = question_and_answer(asked, "2026-11-30")
    assert said["answer"]["users"] == {"least": 37, "likely": 42, "most": 43, "limit": "memory"}
    assert said["answer"]["on_each_gpu"]["cache"] == asked.need()
    assert said["question"]["engine"]["version"] == "0.33.0"
    assert said["question"]["source"] == "litgpt, card"


@pytest.mark.parametrize("change", [{"format": 2}, {"asked_on": 5}, {"more": 1}, {"answer": {}}])
def test_what_is_not_one_is_refused(change: dict[str, object]) -> None:
    said = question_and_answer(Scenario(preset("gpt2")), "2026-11-30")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(said | change, schema())


def test_a_text_to_send_holds_all_of_it() -> None:
    asked = Scenario(preset("gpt2"), 1000)
    text = complaint(asked, "2026-11-30", "http://here/?a=b")
    assert "What I saw instead" in text
    assert "http://here/?a=b" in text
    assert json.loads(text.splitlines()[-1]) == json.loads(json.dumps(question_and_answer(asked, "2026-11-30")))
