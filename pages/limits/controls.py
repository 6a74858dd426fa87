"""Controls of the page on limits, and the models that answer there."""

from __future__ import annotations

from lm_core.serving import ServedModel
from lm_core.serving.registry import registry
from lm_core.text.arithmetic_task import HIGHEST, WORDINGS
from lm_core.text.syntax_task import CASES
from pages.shared import url_state
from pages.shared.controls import offered_models

RECORD = "Record"
SELF_TEST = "A shipment event JSON record starts with"
POLICY = "Refund policy: annual plans are refundable within 14 days."
ASK = "The refund policy says annual plans are"
ENDINGS = ("refundable", "non-refundable")
ORDER = 83125
FEW = 12
"""Sums asked of every model at first: each takes the pretrained one some tenths of a second."""
CLAIMS = ("understands", "memorises", "reasons", "sums")
LONGEST = 600
"""Characters of a policy or a prompt here."""

SMALL = {"bigram": "Bigram", "transformer": "Small Transformer"}
WHO = {**SMALL, offered_models.PRETRAINED: "Pretrained"}


def declare() -> None:
    """The parameters of all views."""
    few_or_all = (FEW, "all")
    url_state.choice("wording", range(len(WORDINGS)), 0)
    url_state.choice("cases", few_or_all, FEW)
    url_state.number("total", 9, 1, HIGHEST)
    url_state.number("taken", 2, 0, HIGHEST)
    url_state.choice("place", (RECORD, *CASES), RECORD)
    url_state.text("policy", POLICY, LONGEST)
    url_state.text("ask", ASK, LONGEST)
    url_state.number("order", ORDER, 10_000, 99_999)
    url_state.flag("found")
    url_state.choice("claim", CLAIMS, CLAIMS[0])


def small(kind: str, subject: str) -> ServedModel:
    """The bigram or the small Transformer that learned sums or syntax."""

    def load() -> object:
        from lm_core.models import model_file
        from lm_core.models.ngrams.model import AddK, NgramModel
        from lm_core.models.prefixed_model import PrefixedModel
        from lm_core.training import small_models

        if kind == "transformer":
            return PrefixedModel(model_file.read(offered_models.FILES / f"{subject}.safetensors")[0], [0])
        corpus, tokenizer = small_models.sums_corpus() if subject == "sums" else small_models.syntax_corpus()
        return PrefixedModel(NgramModel.fit(corpus.encode(tokenizer), 2, tokenizer, AddK(0.01)), [0])

    return registry.serve(f"limits/{subject}/{kind}", load)  # type: ignore[arg-type]
