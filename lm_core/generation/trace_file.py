"""A trace with the names of its tokens and the settings that made it, to a file and back.

Every part is checked when it is read; a file that was edited or written by another program is refused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lm_core.errors import InvalidInput
from lm_core.generation.trace import Trace, as_json
from lm_core.text.tokenizers import Tokenizer

FORMAT = "next-token trace"
VERSION = 1
LARGEST = 4_000_000
"""Bytes of a file that is read; 64 steps take less than a quarter of it."""


@dataclass(frozen=True)
class TraceFile:
    """A trace and all that is needed to draw it.

    >>> from lm_core.generation.loop import run
    >>> from lm_core.decoding.strategies import Strategy
    >>> from lm_core.models.table_model import ORDER_SHIPPED, TableModel
    >>> model = TableModel(ORDER_SHIPPED)
    >>> trace = run(model, model.tokenizer.encode("Order shipped from the"), Strategy())
    >>> recording = TraceFile.of(trace, model.tokenizer, model.vocab_size, "table", {"t": "0"})
    >>> TraceFile.read(recording.to_bytes(), "trace.json") == recording
    True
    """

    model: str
    """Its name in the app that wrote this."""
    vocab_size: int
    scene: tuple[tuple[str, str], ...]
    """The link parameters that it was made with: temperature, filters, seed and the like."""
    names: tuple[tuple[int, bytes], ...]
    """The bytes of every token on record, by id."""
    trace: Trace

    @classmethod
    def of(cls, trace: Trace, tokenizer: Tokenizer, vocab_size: int, model: str, scene: Mapping[str, str]) -> TraceFile:
        """Looks up the names of all tokens that the trace holds."""
        ids = {*trace.prompt_ids, *(i for step in trace.steps for i in step.shown)}
        names = tuple((i, tokenizer.token_bytes(i)) for i in sorted(ids))
        return cls(model, vocab_size, tuple(sorted(scene.items())), names, trace)

    def token_bytes(self, token_id: int) -> bytes:
        """The bytes of a token on record."""
        return dict(self.names)[token_id]

    def to_bytes(self) -> bytes:
        """As a JSON file, with a checksum over everything in it."""
        content = {
            "format": FORMAT,
            "version": VERSION,
            "model": self.model,
            "vocab_size": self.vocab_size,
            "scene": dict(self.scene),
            # Half a character is no text: its bytes travel as lone surrogates, which JSON can spell.
            "names": {str(i): name.decode(errors="surrogateescape") for i, name in self.names},
            "trace": asdict(self.trace),
        }
        written = as_json(content)
        return (written[:-1] + f',"sha256":"{_digest(written)}"}}').encode()

    @classmethod
    def read(cls, data: bytes, file: str) -> TraceFile:
        """The recording in a file. Raises InvalidInput in one sentence for what is none, was edited or is too large."""
        if len(data) > LARGEST:
            raise InvalidInput("trace", f"at most {LARGEST / 1e6:g} MB", f"{file} of {len(data) / 1e6:.1f} MB")
        foreign = InvalidInput("trace", "a JSON file that was exported here", file)
        try:
            content = json.loads(data)
            ours, version, digest = content["format"] == FORMAT, content["version"], content.pop("sha256")
            unchanged = digest == _digest(as_json(content))
            recording = cls._of_content(content) if ours and unchanged and version == VERSION else None
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
            raise foreign from None
        if not ours:
            raise foreign
        if version != VERSION:
            raise InvalidInput("trace", f"of version {VERSION}; export it again", version)
        if recording is None:
            raise InvalidInput("trace", "unchanged since its export", f"{file}, edited or damaged")
        return recording

    @classmethod
    def _of_content(cls, content: Mapping[str, Any]) -> TraceFile:
        trace = Trace.from_data(content["trace"])
        names = {int(i): name.encode(errors="surrogateescape") for i, name in content["names"].items()}
        needed = {*trace.prompt_ids, *(i for step in trace.steps for i in step.shown)}
        scene = content["scene"]
        texts = [content["model"], *scene.keys(), *scene.values()]
        if not needed <= names.keys() or not all(isinstance(text, str) for text in texts):
            raise ValueError("tokens without names")
        if not isinstance(content["vocab_size"], int) or max(names) >= content["vocab_size"]:
            raise ValueError("tokens beyond the vocabulary")
        scene_items = tuple(sorted(scene.items()))
        return cls(content["model"], content["vocab_size"], scene_items, tuple(sorted(names.items())), trace)


def _digest(written: str) -> str:
    return hashlib.sha256(written.encode()).hexdigest()
