"""Reads a model folder in Hugging Face's layout: config.json, safetensors and tokenizer.json.

What the names inside mean is in `models.hugging_face`. Opens no pickle, runs no code.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lm_core.errors import DamagedFile, InvalidInput, ModelUnavailable
from lm_core.models import hugging_face
from lm_core.pretrained.gguf import Checkpoint
from lm_core.text.byte_pair_encoding import ByteLevelBPE, from_hugging_face

if TYPE_CHECKING:
    import torch

_LONGEST_HEADER = 100_000_000
"""Bytes; the format allows no more."""
_INDEX = "model.safetensors.index.json"
_AGAIN = "copy the folder again, all of its files."
_SAFE = "save it again with `model.save_pretrained(folder, safe_serialization=True)`."
ADAPTER = (
    'have the optional transformers adapter load it: `pip install ".[transformers]"`, and write `transformers:` before '
    "its path."
)


def read(folder: Path) -> Checkpoint:
    """Everything needed to build our Transformer, weights in float32.

    Raises DamagedFile for a file that is missing or no such file, ModelUnavailable naming the adapter for a family that
    our Transformer does not compute.
    """
    said = config(folder)
    try:
        shape = hugging_face.from_config(said)
    except (TypeError, AttributeError, KeyError) as error:
        what = f"{folder.name}/config.json says something of the wrong kind ({type(error).__name__})."
        raise DamagedFile(what, _AGAIN) from None
    except InvalidInput as error:
        if said.get("model_type") in hugging_face.FAMILIES and error.parameter == "config":
            raise DamagedFile(f"{folder.name}/config.json is not complete: {error}", "copy the folder again.") from None
        what = f"The model {folder.name} is of a kind that this project does not compute itself: {error}"
        raise ModelUnavailable(what, ADAPTER) from None
    # One by one to float32, so that both kinds never lie in memory whole; older files hold constants of the rotation.
    named = {name: value.float() for name, value in _tensors(folder) if not name.endswith("inv_freq")}
    if not shape.tied_head and "lm_head.weight" not in named:
        raise DamagedFile(f"{folder.name} has no head (lm_head.weight), and its config.json ties none.", _AGAIN)
    try:
        weights = hugging_face.from_names(named, shape)
    except InvalidInput as error:
        raise DamagedFile(f"The weights of {folder.name} are not what its config.json says: {error}", _AGAIN) from None
    return Checkpoint(shape, weights, tokenizer(folder, shape.vocab_size), end_ids(folder, said))


def config(folder: Path) -> dict[str, Any]:
    """What config.json says. Raises DamagedFile."""
    found = _json(folder / "config.json")
    if not isinstance(found, dict):
        raise DamagedFile(f"{folder.name}/config.json holds no object.", _AGAIN)
    return found


def tokenizer(folder: Path, size: int) -> ByteLevelBPE:
    """Of tokenizer.json, for a vocabulary of this size. Raises DamagedFile, ModelUnavailable."""
    path = folder / "tokenizer.json"
    try:
        return from_hugging_face(path.read_text(encoding="utf-8"), size)
    except (OSError, UnicodeDecodeError):
        again = "save it with a fast tokenizer: `tokenizer.save_pretrained(folder)`."
        raise DamagedFile(f"{folder.name} has no readable tokenizer.json.", again) from None
    except InvalidInput as error:
        what = f"The tokenizer of {folder.name} cannot be used: {error}"
        raise ModelUnavailable(what, "choose a model with a BPE tokenizer.") from None


def end_ids(folder: Path, said: dict[str, Any]) -> tuple[int, ...]:
    """After which the model has nothing more to say: generation_config.json's, or else config.json's."""
    path = folder / "generation_config.json"
    further = _json(path) if path.is_file() else {}
    found = (further if isinstance(further, dict) else {}).get("eos_token_id", said.get("eos_token_id"))
    return tuple(i for i in (found if isinstance(found, list) else [found]) if isinstance(i, int))


def nbytes(folder: Path) -> int:
    """Bytes of its weights as float32: four a parameter."""
    total = 0
    for path in _files(folder):
        try:
            with path.open("rb") as file:
                header = json.loads(file.read(min(int.from_bytes(file.read(8), "little"), _LONGEST_HEADER)))
            shapes = [entry["shape"] for name, entry in header.items() if name != "__metadata__"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError, MemoryError):
            raise DamagedFile(f"{folder.name}/{path.name} is no safetensors file.", _AGAIN) from None
        total += sum(4 * math.prod(shape) for shape in shapes)
    return total


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        what = f"{path.parent.name}/{path.name} cannot be read ({type(error).__name__})."
        raise DamagedFile(what, _AGAIN) from None


def _files(folder: Path) -> list[Path]:
    """The safetensors of the folder: one, or those its index names. Raises DamagedFile, also for a pickle."""
    if (single := folder / "model.safetensors").is_file():
        return [single]
    if (folder / _INDEX).is_file():
        index = _json(folder / _INDEX)
        listed = index.get("weight_map") if isinstance(index, dict) else None
        names = list(listed.values()) if isinstance(listed, dict) else []
        if names and all(isinstance(name, str) and Path(name).name == name for name in names):
            return [folder / name for name in sorted(set(names))]
        raise DamagedFile(f"{folder.name}/{_INDEX} names no files beside it.", _AGAIN)
    pickles = sorted(path.name for kind in ("*.bin", "*.pt", "*.pth", "*.ckpt") for path in folder.glob(kind))
    if pickles:
        what = f"{folder.name} holds its weights as a pickle ({pickles[0]}), which could run code of any kind."
        raise DamagedFile(what, _SAFE)
    raise DamagedFile(f"{folder.name} holds no model.safetensors.", _AGAIN)


def _tensors(folder: Path) -> Iterator[tuple[str, torch.Tensor]]:
    from safetensors import SafetensorError, safe_open

    for path in _files(folder):
        try:
            with safe_open(path, framework="pt") as file:
                for name in file.keys():  # noqa: SIM118 - it is no mapping
                    yield name, file.get_tensor(name)
        except (OSError, SafetensorError) as error:
            raise DamagedFile(f"{folder.name}/{path.name} cannot be read ({error}).", _AGAIN) from None
