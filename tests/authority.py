"""What Hugging Face transformers says of the same model file, in float32: recorded once, compared in every run.

Loading transformers and asking it takes half a minute of processor. Its answers are kept in `tests/recorded` with the
version, the file's SHA-256 and a hash of each question. An answer to another question, of another version or of another
file counts as absent: then transformers itself is asked. `make soak` asks it all again and compares;
`RECORD=1 pytest tests/core tests/pages` writes the answers anew.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lm_core import pretrained
from lm_core.logits import log_softmax
from tests.reliability import LONG

FOLDER = Path(__file__).with_name("recorded")
RECORD = "RECORD" in os.environ
LISTED, SAMPLED = 64, 2_000
"""Of a row that is not recorded whole: its likeliest tokens, and others drawn at random."""
STEP = 1e-5
"""To which log-probabilities and attention weights are recorded, in nats or as shares."""


class Row(NamedTuple):
    """Some of a row of log-probabilities, the likeliest first."""

    ids: NDArray[np.int64]
    log_probabilities: NDArray[np.float64]


class Live:
    """transformers with the file; takes some ten seconds to come about."""

    def __init__(self) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        file = pretrained.entry(pretrained.DEFAULT).path()
        source = {"pretrained_model_name_or_path": str(file.parent), "gguf_file": file.name}
        self.tokenizer: Any = AutoTokenizer.from_pretrained(**source)
        self.model: Any = AutoModelForCausalLM.from_pretrained(**source, dtype="float32")

    def logits(self, ids: Sequence[int]) -> NDArray[np.float32]:
        return np.asarray(self._run(ids).logits[0].numpy())

    def loss(self, ids: Sequence[int], unscored: int) -> float:
        import torch

        labels = torch.tensor([ids])
        labels[0, :unscored] = -100
        return float(self._run(ids, labels=labels).loss)

    def attention(self, ids: Sequence[int]) -> NDArray[np.float32]:
        self.model.set_attn_implementation("eager")
        found = self._run(ids, output_attentions=True).attentions
        self.model.set_attn_implementation("sdpa")
        return np.stack([layer[0].numpy() for layer in found])

    def generate(self, ids: Sequence[int], tokens: int, penalty: float) -> list[int]:
        import torch

        made = self.model.generate(
            torch.tensor([ids]), max_new_tokens=tokens, do_sample=False, pad_token_id=2, eos_token_id=2,
            repetition_penalty=penalty,
        )  # fmt: skip
        return [int(i) for i in made[0, len(ids) :]]

    def encode(self, lines: Sequence[str], digits: bool) -> list[list[int]]:
        """`digits`: with the file's rule that each digit stands alone, which transformers leaves out."""
        from tokenizers import pre_tokenizers

        engine = self.tokenizer.backend_tokenizer
        before = engine.pre_tokenizer
        if digits:
            engine.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), before])
        try:
            return [list(self.tokenizer.encode(line)) for line in lines]
        finally:
            engine.pre_tokenizer = before

    def _run(self, ids: Sequence[int], **more: Any) -> Any:
        import torch

        with torch.inference_mode():
            return self.model(torch.tensor([ids]), **more)


class Authority:
    """Answers from the record, else live. Ids in, plain numbers and arrays out."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder
        self._fresh: dict[str, Any] = {}

    def loss(self, ids: Sequence[int], unscored: int = 0) -> float:
        """Mean of -ln p over the tokens behind the first and behind `unscored`, nats."""
        return float(self._ask("loss", [list(ids), unscored], lambda live: live.loss(ids, unscored)))

    def generate(self, ids: Sequence[int], tokens: int, penalty: float = 1.0) -> list[int]:
        """The greedy continuation."""
        return list(
            self._ask("generate", [list(ids), tokens, penalty], lambda live: live.generate(ids, tokens, penalty))
        )

    def chat(self, turns: list[dict[str, str]]) -> str:
        """The turns as one text that asks for the next."""

        def ask(live: Live) -> str:
            return str(live.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))

        return str(self._ask("chat", turns, ask))

    def encoding(self, lines: Sequence[str], digits: bool) -> str:
        """`digest` of all lines' ids."""
        return str(self._ask("encoding", [list(lines), digits], lambda live: digest(live.encode(lines, digits))))

    def attention(self, ids: Sequence[int]) -> NDArray[np.float64]:
        """(layers, heads, T, T)"""
        return STEP * np.asarray(self._ask("attention", list(ids), lambda live: rounded(live.attention(ids))))

    def log_probabilities(self, ids: Sequence[int]) -> NDArray[np.float64]:
        """Over the whole vocabulary, behind the last token: (V,)"""
        found = self._ask("row", list(ids), lambda live: rounded(log_softmax(live.logits(ids)[-1])))
        return STEP * np.asarray(found)

    def rows(self, ids: Sequence[int], last: bool) -> list[Row]:
        """A sample of the row behind each token, or behind the last alone."""

        def ask(live: Live) -> NDArray[np.int32]:
            logits = live.logits(ids)[-1:] if last else live.logits(ids)
            rows = np.stack([log_softmax(row) for row in logits])
            drawn = np.random.default_rng(len(ids)).choice(rows.shape[1], SAMPLED if last else 200, replace=False)
            order = [np.r_[np.argsort(-row, kind="stable")[:LISTED], drawn] for row in rows]
            return np.stack([(tokens, rounded(row[tokens])) for row, tokens in zip(rows, order)])  # (T, 2, sample)

        found = np.asarray(self._ask("rows", [list(ids), last], ask))
        return [Row(tokens.astype(np.int64), STEP * values) for tokens, values in found]

    # ---- the record

    @cached_property
    def _stamp(self) -> dict[str, str]:
        content = pretrained.entry(pretrained.DEFAULT).path().read_bytes()
        return {"transformers": version("transformers"), "file": hashlib.sha256(content).hexdigest()}

    @cached_property
    def _record(self) -> dict[str, Any]:
        """Everything recorded of this version and file, by the hash of its question."""
        facts = self._folder / "transformers.json"
        if not facts.exists():
            return {}
        written = json.loads(facts.read_text(encoding="utf-8"))
        if written["stamp"] != self._stamp:
            return {}
        with np.load(self._folder / "transformers.npz") as arrays:
            return written["answers"] | {key: arrays[key] for key in arrays.files}

    @cached_property
    def _live(self) -> Live:
        return Live()

    def _ask(self, kind: str, question: Any, ask: Callable[[Live], Any]) -> Any:
        key = f"{kind}-{digest(question)[:16]}"
        known = self._record.get(key)
        if known is not None and not LONG and not RECORD:
            return known
        answer = self._fresh[key] = ask(self._live)
        if known is not None and not RECORD:
            assert same(kind, answer, known), f"{key} was recorded otherwise"
        return answer

    def write(self) -> None:
        """Records what was asked since."""
        arrays = {key: value for key, value in self._fresh.items() if isinstance(value, np.ndarray)}
        answers = {key: value for key, value in sorted(self._fresh.items()) if key not in arrays}
        self._folder.mkdir(exist_ok=True)
        text = json.dumps({"stamp": self._stamp, "answers": answers}, indent=1)
        (self._folder / "transformers.json").write_text(text + "\n", encoding="utf-8")
        np.savez_compressed(self._folder / "transformers.npz", **arrays)


def same(kind: str, answer: Any, known: Any) -> bool:
    """Texts and ids to the letter, losses to 1e-4 nats, log-probabilities and attention to 1e-3."""
    if kind == "loss":
        return abs(answer - known) <= 1e-4
    if isinstance(answer, np.ndarray):
        one, other = (each[:, 1] if kind == "rows" else each for each in (answer, known))
        return int(np.abs(one - other).max()) <= 1e-3 / STEP
    return bool(answer == known)


def rounded(values: NDArray[Any]) -> NDArray[np.int32]:
    """In whole steps of STEP."""
    return np.rint(np.asarray(values, np.float64) / STEP).astype(np.int32)


def digest(value: Any) -> str:
    """SHA-256 of what JSON makes of it."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
