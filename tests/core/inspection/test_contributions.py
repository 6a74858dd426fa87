"""Who wrote a logit: the parts sum to it, each is what transformers' own modules write, and the known head is found."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lm_core import InvalidInput, Transformer
from lm_core.inspection import inspect
from lm_core.inspection.contributions import contributions
from lm_core.models import hugging_face

Make = Callable[..., Transformer]
IDS = [3, 1, 4, 1, 5, 9, 2, 6]


@pytest.mark.parametrize(("style", "kv_heads"), [("llama", 2), ("gpt2", 4)])
@pytest.mark.long("the first case imports transformers")
def test_parts_are_what_transformers_modules_write(make_tiny: Make, style: str, kv_heads: int) -> None:
    """Hooks on their output projections and MLPs; one head is what its columns of the projection make of its slice."""
    from transformers import AutoConfig, AutoModelForCausalLM

    ours = make_tiny(kv_heads=kv_heads, style=style)
    theirs = AutoModelForCausalLM.from_config(AutoConfig.for_model(**hugging_face.to_config(ours.config))).eval()
    theirs.load_state_dict(hugging_face.to_names(ours.state_dict(), ours.config), strict=False)
    theirs.tie_weights()
    body = theirs.model if style == "llama" else theirs.transformer
    layers = body.layers if style == "llama" else body.h
    before_heads: list[torch.Tensor] = []
    of_mlps: list[torch.Tensor] = []
    for layer in layers:
        projection = layer.self_attn.o_proj if style == "llama" else layer.attn.c_proj
        projection.register_forward_hook(lambda _module, given, _out: before_heads.append(given[0][0, -1].double()))
        layer.mlp.register_forward_hook(lambda _module, _given, out: of_mlps.append(out[0, -1].double()))
    with torch.inference_mode():
        states = theirs(torch.tensor([IDS]), output_hidden_states=True).hidden_states
        norm = body.norm if style == "llama" else body.ln_f
        wanted = (theirs.lm_head.weight[7] - theirs.lm_head.weight[2]).double() * norm.weight.double()
        if style == "gpt2":
            wanted = wanted - wanted.mean()
        who = contributions(ours, inspect(ours, IDS), 7, 7, 2)
        for n, layer in enumerate(layers):
            projection = layer.self_attn.o_proj.weight if style == "llama" else layer.attn.c_proj.weight.T
            for head, columns in enumerate(projection.double().chunk(4, dim=1)):  # (hidden, head_dim)
                mine = before_heads[n].chunk(4)[head]
                assert who.heads[n, head] == pytest.approx(float(columns @ mine @ wanted) * who.scale, abs=1e-5)
            assert who.mlps[n] == pytest.approx(float(of_mlps[n] @ wanted) * who.scale, abs=1e-5)
        assert who.embedding == pytest.approx(float(states[0][0, -1].double() @ wanted) * who.scale, abs=1e-5)


@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=10), st.integers(0, 30), st.one_of(st.none(), st.integers(0, 30)),
    st.sampled_from([("llama", 1), ("llama", 4), ("gpt2", 4)]),
)  # fmt: skip
def test_they_sum_to_the_logit(
    make_tiny: Make, ids: list[int], token: int, against: int | None, shape: tuple[str, int]
) -> None:
    tiny = make_tiny(style=shape[0], kv_heads=shape[1])
    found = inspect(tiny, ids)
    who = contributions(tiny, found, len(ids) - 1, token, against)
    logits = found.logits[-1].astype(np.float64)
    assert who.logit == pytest.approx(logits[token] - (0 if against is None else logits[against]), abs=1e-4)
    assert sum(part.logit for part in who.parts) == pytest.approx(who.logit, abs=1e-9)
    assert [abs(part.logit) for part in who.parts] == sorted((abs(p.logit) for p in who.parts), reverse=True)


def test_the_head_that_brings_the_capital(model: Transformer) -> None:
    """Of all 301 parts, layer 24's head 5 moves Paris most against London; it reads France."""
    ids = model.tokenizer.encode("The capital of France is")
    paris, london = (model.tokenizer.encode(word)[0] for word in (" Paris", " London"))
    found = inspect(model, ids)
    first = contributions(model, found, 4, paris, london).parts[0]
    assert (first.kind, first.layer, first.head) == ("head", 24, 5)
    assert found.attention[23, 4, 4].argmax() == 3
    for token, against in ((paris, None), (paris, london), (london, paris)):
        expected = float(found.logits[4, token]) - (0.0 if against is None else float(found.logits[4, against]))
        assert contributions(model, found, 4, token, against).logit == pytest.approx(expected, abs=1e-4)


def test_refusals(make_tiny: Make) -> None:
    tiny = make_tiny()
    with pytest.raises(InvalidInput, match="`position`"):
        contributions(tiny, inspect(tiny, [1]), 1, 0)
    with pytest.raises(InvalidInput, match="`token id`"):
        contributions(tiny, inspect(tiny, [1]), 0, 0, 31)
