"""The models that a page offers beside the pretrained one: small Transformer, bigram, table, the visitor's own.

Each has a prompt of its own.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from lm_core import pretrained, remote
from lm_core.models import LanguageModel
from lm_core.serving import ServedModel, registry
from pages.shared import on_demand, url_state
from pages.shared.controls import model_picker, prompt_box

PRETRAINED = "pretrained"
OWN = "own"
GENERATORS = {
    PRETRAINED: "Pretrained",
    "transformer": "Transformer",
    "bigram": "Bigram",
    "table": "Table",
    OWN: "Yours",
}
"""What continues a text, step by step."""
SCORERS = {
    PRETRAINED: "Pretrained",
    "transformer": "Transformer",
    "bigram": "Bigram",
    "counts": "Bare counts",
    OWN: "Yours",
}
"""What gives a text a probability."""
TITLES = {**GENERATORS, **SCORERS, "sums": "Sums", "run": "Training run", "trained": "Your run"}
FILES = Path("assets/models")
_LEARNED_FROM = "Trained here on 3,600 generated messages, 83 words: type only words they use."
ABOUT = {
    "transformer": _LEARNED_FROM,
    "bigram": _LEARNED_FROM.replace("Trained", "Counted").replace(" on ", " in "),
    "counts": "Counted in 3,600 generated messages, nothing added: a pair never seen has probability 0.",
    "table": "Three rows written by hand, an illustration. Its text is looked up as a whole.",
}


@dataclass(frozen=True)
class OfferedModel:
    """A model, and how this page addresses it."""

    kind: str
    name: str
    """For links, exports and memory."""
    model: ServedModel
    prompt: str
    """The link parameter of its prompt."""
    default: str
    begin: tuple[int, ...] = ()
    """What it reads before any text."""


def choose_model(shown: bool, kinds: Iterable[str] = GENERATORS) -> str:
    """The control that says which model; on a stage the link alone says it."""
    offered = [kind for kind in kinds if kind != OWN or model_picker.own_model()]
    key = url_state.choice("with", offered, PRETRAINED)
    if not shown:
        return str(st.session_state[key])
    # A picture may answer a link by itself before this control has heard of it: hence a control of its own a scene.
    return on_demand.control(
        key, st.segmented_control, "Model", offered, starts="default", format_func=TITLES.__getitem__,
        required=True, label_visibility="collapsed",
    ) or PRETRAINED  # fmt: skip


def offered_model(kind: str, inside: bool = False) -> OfferedModel:
    """The model, loaded if need be; `inside` where it is to be looked into. Raises ModelUnavailable."""
    own = model_picker.own_model()
    if kind == PRETRAINED and not (own and model_picker.name() == f"{OWN}/{own.key}"):
        model, name = model_picker.model(), model_picker.name()
        if inside and model_picker.is_remote():
            name = model_picker.looked_into()
            model = registry.get(name)
        begin = registry.begin(name)
        return OfferedModel(kind, name, registry.bare(name) if begin else model, "prompt", prompt_box.DEFAULT, begin)
    if own and kind in (OWN, PRETRAINED):  # chosen here, or for all pages
        return OfferedModel(kind, f"own/{own.key}", own.model, "mine", own.prompt, own.begin)
    model = registry.serve(f"ladder/{kind}", _loader(kind))
    if kind == "table":
        return OfferedModel(kind, kind, model, "row", "Order shipped from the")
    return OfferedModel(kind, kind, model, "line", "the package left the", begin=(0,))  # as in training, after <bos>


def _loader(kind: str) -> Callable[[], LanguageModel]:
    def load() -> LanguageModel:
        from lm_core.models import model_file
        from lm_core.models.table_model import ORDER_SHIPPED, TableModel

        if kind == "counts":
            return _counts()
        return TableModel(ORDER_SHIPPED) if kind == "table" else model_file.read(FILES / f"{kind}.safetensors")[0]

    return load


def _counts() -> LanguageModel:
    """The bigram before anything is added to its counts; words as the other small models know them."""
    from lm_core.models import model_file
    from lm_core.models.ngrams.model import NgramModel
    from lm_core.training.small_models import learning_corpus

    words = model_file.read(FILES / "bigram.safetensors")[0].tokenizer
    return NgramModel.fit(learning_corpus()[0].encode(words), order=2, tokenizer=words)


def about_model(kind: str) -> str:
    """One sentence on what the model is, where the picker of the frame does not say it."""
    if kind == OWN and (own := model_picker.own_model()):
        return f"Your own: {own.name}. It knows the words of its text and no others."
    return ABOUT.get(kind, "")


def is_offered(name: str) -> bool:
    """Whether a model of this name can be chosen here."""
    own = model_picker.own_model()
    if name.startswith(f"{OWN}/"):
        return own is not None and name == f"{OWN}/{own.key}"
    return name in TITLES or name in [entry.name for entry in (*pretrained.catalogue(), *remote.engines())]
