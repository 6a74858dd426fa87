"""Parts switched off: against hooks on transformers' own modules, by the stream that is left, and undone for good."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lm_core import Distribution, InvalidInput, Transformer
from lm_core.inspection import inspect
from lm_core.inspection.ablation import Intervention, logits_without
from lm_core.models import hugging_face

Make = Callable[..., Transformer]
IDS = [3, 1, 4, 1, 5, 9, 2, 6]
PARTS = [
    *(Intervention(layer, head, by=by) for layer in (1, 2) for head in (1, 4) for by in ("zero", "mean")),
    Intervention(1), Intervention(2, by="mean"), Intervention(1, part="mlp"), Intervention(2, part="mlp", by="mean"),
]  # fmt: skip


def _hook(layer: Any, style: str, off: Intervention) -> None:
    """The same intervention in their model: the projection's input for a head, the module's output else."""
    attention = layer.self_attn if style == "llama" else layer.attn
    put = (lambda x: torch.zeros_like(x)) if off.by == "zero" else (lambda x: x.mean(1, keepdim=True).expand_as(x))
    if off.part == "mlp":
        layer.mlp.register_forward_hook(lambda _m, _given, out: put(out))
    elif not off.head:
        attention.register_forward_hook(lambda _m, _given, out: (put(out[0]), *out[1:]))
    else:
        projection = attention.o_proj if style == "llama" else attention.c_proj
        wide = slice((off.head - 1) * 8, off.head * 8)

        def before(_module: object, given: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
            heads = given[0].clone()
            heads[..., wide] = put(heads[..., wide])
            return (heads,)

        projection.register_forward_pre_hook(before)


@pytest.mark.parametrize(("style", "kv_heads"), [("llama", 2), ("gpt2", 4)])
@pytest.mark.long("the first case imports transformers")
def test_as_hooks_on_transformers_do(make_tiny: Make, style: str, kv_heads: int) -> None:
    from transformers import AutoConfig, AutoModelForCausalLM

    ours = make_tiny(kv_heads=kv_heads, style=style)
    assert ours.config.head_dim == 8
    for off in PARTS:
        theirs = AutoModelForCausalLM.from_config(AutoConfig.for_model(**hugging_face.to_config(ours.config))).eval()
        theirs.load_state_dict(hugging_face.to_names(ours.state_dict(), ours.config), strict=False)
        theirs.tie_weights()
        layers = theirs.model.layers if style == "llama" else theirs.transformer.h
        _hook(layers[off.layer - 1], style, off)
        with torch.inference_mode():
            expected = theirs(torch.tensor([IDS])).logits[0].log_softmax(-1).numpy()
        found = torch.from_numpy(logits_without(ours, IDS, [off])).log_softmax(-1).numpy()
        assert found == pytest.approx(expected, abs=1e-5), off


def test_one_head_carries_the_capital(model: Transformer) -> None:
    ids = model.tokenizer.encode("The capital of France is")
    paris = model.tokenizer.encode(" Paris")[0]
    before, after = (
        Distribution(logits_without(model, ids, off)[-1]).row(paris).probability for off in ([], [Intervention(24, 5)])
    )
    assert before == pytest.approx(0.773, abs=0.002)
    assert after == pytest.approx(0.141, abs=0.002)


@given(st.lists(st.sampled_from(PARTS), max_size=4), st.lists(st.integers(0, 30), min_size=1, max_size=8))
def test_nothing_is_left_in_the_model(make_tiny: Make, off: list[Intervention], ids: list[int]) -> None:
    tiny = make_tiny()
    before = tiny.logits(ids)
    logits_without(tiny, ids, off)
    assert np.array_equal(tiny.logits(ids), before)


def test_with_every_part_off_the_embeddings_are_left(make_tiny: Make) -> None:
    tiny = make_tiny()
    everything = [Intervention(layer, part=part) for layer in (1, 2) for part in ("attention", "mlp")]
    streams = torch.from_numpy(inspect(tiny, IDS).residual[0])
    with torch.inference_mode():
        expected = tiny.head(tiny.norm(streams)).numpy()
    assert logits_without(tiny, IDS, everything) == pytest.approx(expected, abs=1e-5)


def test_refusals(make_tiny: Make) -> None:
    tiny = make_tiny()
    for off, sentence in ((Intervention(3), "`layer`"), (Intervention(0), "`layer`"), (Intervention(1, 5), "`head`")):
        with pytest.raises(InvalidInput, match=sentence):
            logits_without(tiny, [1], [off])
    for wrong in ({"part": "norm"}, {"part": "mlp", "head": 1}, {"by": "noise"}):
        with pytest.raises(InvalidInput):
            Intervention(1, **wrong)  # type: ignore[arg-type]
    before = tiny.logits(IDS)
    with pytest.raises(InvalidInput):
        logits_without(tiny, IDS, [Intervention(1, 1), Intervention(9)])
    assert np.array_equal(tiny.logits(IDS), before)  # the first is taken out although the second is refused
