"""Parts switched off, arrows cut, streams put in place: against hooks on transformers' own modules, and by hand."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lm_core import Distribution, InvalidInput, Transformer
from lm_core.inspection import inspect
from lm_core.inspection.causal_mask import without_mask
from lm_core.inspection.contributions import contributions
from lm_core.inspection.interventions import Ablation, Intervention, Knockout, Patch, Unmask, logits_with
from lm_core.models import hugging_face

Make = Callable[..., Transformer]
IDS = [3, 1, 4, 1, 5, 9, 2, 6]
SECOND = [3, 1, 7, 1, 5, 9, 8, 6]
STYLES = {"llama": {}, "qwen3": {"qk_norm": True}, "gpt2": {"style": "gpt2", "kv_heads": 4}}
PARTS: list[Intervention] = [
    *(Ablation(layer, head, by=by) for layer in (1, 2) for head in (1, 4) for by in ("zero", "mean")),
    Ablation(1), Ablation(2, by="mean"), Ablation(1, part="mlp"), Ablation(2, part="mlp", by="mean"),
    Knockout(1, 2, 5, 3), Knockout(2, 0, 7, 0),
]  # fmt: skip


def drawn(model: Transformer, ids: list[int], second: list[int], seed: int) -> list[Intervention]:
    """20 heads, 10 MLPs, 10 arrows and 30 cells, by zero and by mean, in one head and in all."""
    dice, config, time = np.random.default_rng(seed), model.config, len(ids)
    other = inspect(model, second)
    number = lambda least, most: int(dice.integers(least, most + 1))  # noqa: E731
    way = lambda: str(dice.choice(["zero", "mean"]))  # noqa: E731
    found: list[Intervention] = [
        Ablation(number(1, config.layers), number(1, config.heads), by=way()) for _ in range(20)
    ]
    found += [Ablation(number(1, config.layers), part="mlp", by=way()) for _ in range(10)]
    for _ in range(10):
        reader = number(1, time - 1)
        found.append(Knockout(number(1, config.layers), number(0, config.heads), reader, number(0, reader)))
    for _ in range(30):
        layer, position = number(0, config.layers), number(0, time - 1)
        found.append(Patch(layer, position, other.residual[layer, position]))
    return found


@contextmanager
def hooked(theirs: Any, off: Intervention, config: Any) -> Iterator[None]:
    """The same intervention in their model, by hooks on its modules."""
    body = theirs.model if hasattr(theirs, "model") else theirs.transformer
    layers = body.layers if hasattr(body, "layers") else body.h
    layer = layers[max(off.layer, 1) - 1]
    attention = layer.self_attn if hasattr(layer, "self_attn") else layer.attn
    if isinstance(off, Patch):
        hook = _patched(layer, off)
    elif isinstance(off, Knockout):
        hook = _cut(attention, off, config.heads)
    else:
        put = torch.zeros_like if off.by == "zero" else (lambda x: x.mean(1, keepdim=True).expand_as(x))
        if off.part == "mlp":
            hook = layer.mlp.register_forward_hook(lambda _m, _given, out: put(out))
        elif not off.head:
            hook = attention.register_forward_hook(lambda _m, _given, out: (put(out[0]), *out[1:]))
        else:
            projection = attention.o_proj if hasattr(attention, "o_proj") else attention.c_proj
            wide = slice((off.head - 1) * config.head_dim, off.head * config.head_dim)

            def before(_module: object, given: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
                heads = given[0].clone()
                heads[..., wide] = put(heads[..., wide])
                return (heads,)

            hook = projection.register_forward_pre_hook(before)
    try:
        yield
    finally:
        hook.remove()


def _patched(layer: Any, off: Patch) -> Any:
    def put(stream: torch.Tensor) -> torch.Tensor:
        stream = stream.clone()
        stream[:, off.position] = torch.from_numpy(off.values)
        return stream

    if not off.layer:
        return layer.register_forward_pre_hook(lambda _m, given: (put(given[0]), *given[1:]))
    return layer.register_forward_hook(
        lambda _m, _given, out: (put(out[0]), *out[1:]) if isinstance(out, tuple) else put(out)
    )


def _cut(attention: Any, off: Knockout, heads: int) -> Any:
    def before(_module: object, given: Any, named: dict[str, Any]) -> Any:
        mask = named["attention_mask"].expand(1, heads, -1, -1).clone()
        mask[:, off.head - 1 if off.head else slice(None), off.reader, off.key] = -torch.inf
        return given, {**named, "attention_mask": mask}

    return attention.register_forward_pre_hook(before, with_kwargs=True)


def compare(ours: Transformer, theirs: Any, ids: list[int], off: list[Intervention], within: float) -> None:
    """Log-probabilities of the whole vocabulary at every position, in nats."""
    theirs.set_attn_implementation("eager")
    for each in off:
        if isinstance(each, Knockout) and each.reader == each.key == 0:
            continue
        with torch.inference_mode(), hooked(theirs, each, ours.config):
            expected = theirs(torch.tensor([ids])).logits[0].log_softmax(-1)
        found = torch.from_numpy(logits_with(ours, ids, [each])).log_softmax(-1)
        assert float((found - expected).abs().max()) < within, each


def alike(ours: Transformer, theirs: Any, ids: list[int], within: float) -> None:
    """Attention, streams and what their own final norm and head make of each layer, beside ours."""
    theirs.set_attn_implementation("eager")
    body = theirs.model if hasattr(theirs, "model") else theirs.transformer
    norm = body.norm if hasattr(body, "norm") else body.ln_f
    found = inspect(ours, ids)
    with torch.inference_mode():
        theirs_found = theirs(torch.tensor([ids]), output_attentions=True, output_hidden_states=True)
        weights = np.stack([layer[0].numpy() for layer in theirs_found.attentions])
        streams = torch.stack([state[0] for state in theirs_found.hidden_states[:-1]])  # the last is normed already
        lenses = theirs.lm_head(norm(streams)).log_softmax(-1)  # (layers, time, vocab_size)
        mine = ours.head(ours.norm(torch.from_numpy(found.residual[:-1]))).log_softmax(-1)
    assert np.abs(found.attention - weights).max() < within
    assert float((streams - torch.from_numpy(found.residual[:-1])).abs().max()) < within * max(
        1, float(streams.abs().max())
    )
    assert float((lenses - mine).abs().max()) < within
    assert np.abs(found.logits - theirs_found.logits[0].numpy()).max() < within


@pytest.mark.parametrize("style", list(STYLES))
@pytest.mark.long("the first case imports transformers")
def test_as_hooks_on_transformers_do(make_tiny: Make, style: str) -> None:
    from transformers import AutoConfig, AutoModelForCausalLM

    ours = make_tiny(layers=4, **STYLES[style])
    config = hugging_face.to_config(replace(ours.config, qk_norm=False))
    config["model_type"] = style  # a Llama with norms of queries and keys is a Qwen3
    theirs = AutoModelForCausalLM.from_config(AutoConfig.for_model(**config)).eval()
    theirs.load_state_dict(hugging_face.to_names(ours.state_dict(), ours.config), strict=False)
    theirs.tie_weights()
    whole = [Ablation(2), Ablation(3, by="mean")]
    for seed, (ids, second) in enumerate(((IDS, SECOND), (SECOND, IDS), ([5, 6, 5, 6, 7], [5, 9, 5, 6, 2]))):
        alike(ours, theirs, ids, 1e-4)
        compare(ours, theirs, ids, [*drawn(ours, ids, second, seed), *whole], 1e-4)


@pytest.mark.soak
def test_as_hooks_on_transformers_do_in_the_pretrained_model(model: Transformer) -> None:
    from tests.authority import Live

    theirs = Live().model
    pairs = (
        ("The capital of France is", "The capital of Italy is"),
        ("def add(a, b):\n    return", "def sub(a, b):\n    return"),
        ("Two cats sat on the mat and one", "Two dogs sat on the mat and six"),
    )
    for seed, (first, second) in enumerate(pairs):
        ids, other = (list(model.tokenizer.encode(text)) for text in (first, second))
        alike(model, theirs, ids, 1e-3)
        compare(model, theirs, ids, drawn(model, ids, other, seed), 1e-3)


def test_one_head_carries_the_capital(model: Transformer) -> None:
    """Layer 24's head 5 reads France; without it, or without that one arrow, Paris falls from 77 to some 15 %."""
    ids = model.tokenizer.encode("The capital of France is")
    paris = model.tokenizer.encode(" Paris")[0]
    arrow, elsewhere = Knockout(24, 5, reader=4, key=3), Knockout(24, 5, reader=4, key=2)
    whole, head, cut, other = (
        Distribution(logits_with(model, ids, off)[-1]).row(paris).probability
        for off in ([], [Ablation(24, 5)], [arrow], [elsewhere])
    )
    assert whole == pytest.approx(0.773, abs=0.002)
    assert head == pytest.approx(0.141, abs=0.002)
    assert cut == pytest.approx(0.147, abs=0.002)
    assert other == pytest.approx(whole, abs=0.05)


@given(st.lists(st.sampled_from(PARTS), max_size=4))
def test_nothing_is_left_in_the_model(make_tiny: Make, off: list[Intervention]) -> None:
    tiny = make_tiny()
    before = tiny.logits(IDS)
    logits_with(tiny, IDS, off)
    assert np.array_equal(tiny.logits(IDS), before)


@given(st.lists(st.sampled_from(PARTS), max_size=3), st.sampled_from(list(STYLES)), st.integers(0, 7))
def test_a_recorded_pass_is_the_same_and_its_parts_sum_to_the_logit(
    make_tiny: Make, off: list[Intervention], style: str, position: int
) -> None:
    """Also with a stream of another text in place; a head that is off adds nothing."""
    tiny = make_tiny(**STYLES[style])
    put = Patch(1, 3, inspect(tiny, SECOND).residual[1, 3])
    found = inspect(tiny, IDS, [*off, put])
    assert np.abs(found.logits - logits_with(tiny, IDS, [*off, put])).max() < 1e-4
    who = contributions(tiny, found, position, 7)
    assert who.logit == pytest.approx(float(found.logits[position, 7]), abs=1e-4)
    for each in off:
        if isinstance(each, Ablation) and each.by == "zero" and each.head:
            assert who.heads[each.layer - 1, each.head - 1] == 0


def test_with_every_part_off_the_embeddings_are_left(make_tiny: Make) -> None:
    tiny = make_tiny()
    everything = [Ablation(layer, part=part) for layer in (1, 2) for part in ("attention", "mlp")]
    streams = torch.from_numpy(inspect(tiny, IDS).residual[0])
    with torch.inference_mode():
        expected = tiny.head(tiny.norm(streams)).numpy()
    assert logits_with(tiny, IDS, everything) == pytest.approx(expected, abs=1e-5)


def test_a_cut_arrow_has_no_weight_and_the_others_grow(make_tiny: Make) -> None:
    """By hand: the others' shares, over one less the share that was cut."""
    tiny = make_tiny()
    before, after = inspect(tiny, IDS), inspect(tiny, IDS, [Knockout(1, 3, reader=5, key=2)])
    row = before.attention[0, 2, 5].copy()
    row[2] = 0
    assert after.attention[0, 2, 5] == pytest.approx(row / row.sum(), abs=1e-6)
    assert np.array_equal(after.attention[0, [0, 1, 3]], before.attention[0, [0, 1, 3]])


def test_without_the_mask_all_is_read(make_tiny: Make) -> None:
    """As the model with its mask left out; and an arrow to a later token can be cut then."""
    tiny = make_tiny()
    open_to_all = without_mask(tiny)
    assert logits_with(tiny, IDS, [Unmask()]) == pytest.approx(open_to_all.logits(IDS), abs=1e-5)
    cut = inspect(tiny, IDS, [Unmask(), Knockout(1, 0, reader=2, key=6)])
    assert (cut.attention[0, :, 2, 6] == 0).all()
    assert (cut.attention[1] > 0).all()


def test_refusals(make_tiny: Make) -> None:
    tiny = make_tiny()
    for off, sentence in (
        (Ablation(3), "`layer`"), (Ablation(0), "`layer`"), (Ablation(1, 5), "`head`"),
        (Knockout(1, 5, 1, 0), "`head`"),
        (Knockout(1, 1, 9, 0), "`reader`"), (Knockout(1, 1, 2, 3), "`key`"), (Knockout(1, 1, 0, 0), "only position"),
        (Patch(3, 0, np.zeros(32, np.float32)), "`layer`"), (Patch(1, 8, np.zeros(32, np.float32)), "`position`"),
        (Patch(1, 0, np.zeros(31, np.float32)), "32 numbers"),
    ):  # fmt: skip
        with pytest.raises(InvalidInput, match=sentence):
            logits_with(tiny, IDS, [off])
    for wrong in ({"part": "norm"}, {"part": "mlp", "head": 1}, {"by": "noise"}):
        with pytest.raises(InvalidInput):
            Ablation(1, **wrong)  # type: ignore[arg-type]
    before = tiny.logits(IDS)
    with pytest.raises(InvalidInput):
        logits_with(tiny, IDS, [Ablation(1, 1), Ablation(9)])
    assert np.array_equal(tiny.logits(IDS), before)  # the first is taken out although the second is refused
