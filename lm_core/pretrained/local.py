"""Models of the operator's own: which of them visitors may choose, and how a path becomes a model.

The operator names them in the environment before the start, and nobody else can:

    NEXT_TOKEN_EXPLORER_MODELS="ours=/models/ours; tiny=/models/tiny.gguf; other=transformers:/models/other"

A folder in Hugging Face's format or a GGUF file is read by this project; with `transformers:` before it, the optional
adapter loads it. `pretrained.hub` downloads a model, if asked to.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from lm_core.errors import DamagedFile, ModelUnavailable

if TYPE_CHECKING:
    from lm_core.models import LanguageModel
    from lm_core.models.transformer import Transformer
    from lm_core.pretrained.gguf import Checkpoint

SETTING = "NEXT_TOKEN_EXPLORER_MODELS"
_ADAPTED = "transformers:"
_COPY = "copy the file again."


@dataclass(frozen=True)
class LocalEntry:
    """One model that the operator allows."""

    name: str
    place: Path
    adapted: bool = False
    """Loaded by the transformers library."""

    @property
    def title(self) -> str:
        return self.name

    @property
    def about(self) -> str:
        """One sentence for whoever chooses it."""
        by = "loaded by the transformers library, without a KV cache" if self.adapted else "computed by this project"
        return f"A model of this server’s operator, {by}."

    @property
    def ready(self) -> bool:
        return self.place.exists()

    def path(self) -> Path:
        """Where it is. Raises ModelUnavailable."""
        if not self.ready:
            what = f"The model {self.name} is not where the setting {SETTING} says."
            raise ModelUnavailable(what, f"let the operator of this server put it at {self.place.name} or change that.")
        return self.place


@cache
def entries(taken: tuple[str, ...]) -> tuple[LocalEntry, ...]:
    """Those of this process's environment; names that are `taken` are none of them."""
    return allowed(os.environ.get(SETTING, ""), taken)[0]


def allowed(setting: str, taken: Iterable[str]) -> tuple[tuple[LocalEntry, ...], tuple[str, ...]]:
    """The models that the setting names, and a sentence for each part of it that says nothing sound.

    >>> found, refused = allowed("ours=/models/ours; gemma=transformers:/models/gemma; here", taken=["smollm2-135m"])
    >>> [(each.name, str(each.place), each.adapted) for each in found]
    [('ours', '/models/ours', False), ('gemma', '/models/gemma', True)]
    >>> refused
    ('NEXT_TOKEN_EXPLORER_MODELS must be "name=path; name=path", but a part of it is "here".',)
    """
    found: dict[str, LocalEntry] = {}
    refused = []
    for part in filter(None, (part.strip() for part in setting.split(";"))):
        name, _, place = (piece.strip() for piece in part.partition("="))
        if not re.fullmatch(r"[\w.-]{1,40}", name) or not place.removeprefix(_ADAPTED):
            refused.append(f'{SETTING} must be "name=path; name=path", but a part of it is "{part[:60]}".')
        elif name in found or name in taken or name == "own":
            refused.append(f'{SETTING} names "{name}", which is taken: choose another name.')
        else:
            path = Path(os.path.expanduser(place.removeprefix(_ADAPTED).strip()))
            found[name] = LocalEntry(name, path, place.startswith(_ADAPTED))
    return tuple(found.values()), tuple(refused)


def load(path: Path, adapted: bool = False, most_bytes: int | None = None) -> tuple[LanguageModel, tuple[int, ...]]:
    """The model at a path, and the ids it reads before any text, such as <bos>.

    Raises ModelUnavailable saying what it lacks, or that its float32 weights take more than `most_bytes`.
    """
    from lm_core.pretrained import folder, gguf, transformers_adapter

    def fits(needed: int) -> None:
        if most_bytes is not None and needed > most_bytes:
            sizes = f"{needed / 1e9:.2f} GB as float32, and {max(most_bytes, 0) / 1e9:.2f} GB are free"
            remedy = "raise the limit on the server's memory, or choose a smaller model."
            raise ModelUnavailable(f"The weights of {path.name} take {sizes}.", remedy)

    if not adapted and not path.is_dir():
        checkpoint = gguf.read(path, _COPY, fits=fits)
        return build(checkpoint, path.name), checkpoint.tokenizer.begin_ids
    fits(folder.nbytes(path))
    if adapted:
        model = transformers_adapter.load(path)
        return model, model.tokenizer.begin_ids
    checkpoint = folder.read(path)
    return build(checkpoint, path.name), checkpoint.tokenizer.begin_ids


def build(checkpoint: Checkpoint, name: str) -> Transformer:
    """Our Transformer with a checkpoint's weights. Raises DamagedFile where they do not fit its configuration."""
    import torch

    from lm_core.models.transformer import Transformer

    with torch.device("meta"):  # no memory until the weights are assigned
        model = Transformer(checkpoint.config, checkpoint.tokenizer, checkpoint.end_ids)
    try:
        model.load_state_dict(checkpoint.weights, assign=True)
    except RuntimeError as error:
        why = " ".join(str(error).split())[:300]
        raise DamagedFile(f"The weights of {name} do not fit its configuration ({why}).", _COPY) from None
    return model.eval().requires_grad_(False)
