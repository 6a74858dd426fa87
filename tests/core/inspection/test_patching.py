"""The sweep: each cell is one patch of its own, the ends are known, and what agrees changes nothing."""

from collections.abc import Callable

import numpy as np
import pytest

from lm_core import InvalidInput, Transformer
from lm_core.inspection import inspect
from lm_core.inspection.interventions import Patch, logits_with
from lm_core.inspection.patching import patch_effects

Make = Callable[..., Transformer]
IDS, SECOND = [3, 1, 4, 1, 5, 9, 2, 6], [3, 1, 7, 1, 5, 9, 8, 6]


@pytest.mark.parametrize("shape", [{}, {"qk_norm": True}, {"style": "gpt2", "kv_heads": 4}])
def test_every_cell_is_one_patch(make_tiny: Make, shape: dict[str, int]) -> None:
    tiny = make_tiny(**shape)
    first, second = inspect(tiny, IDS), inspect(tiny, SECOND)
    one, other = (int(each.logits[-1].argmax()) for each in (first, second))
    lead = lambda logits: float(logits[-1, one]) - float(logits[-1, other])  # noqa: E731
    for layer, effects in patch_effects(tiny, first, second):
        for position, effect in enumerate(effects):
            patched = logits_with(tiny, IDS, [Patch(layer, position, second.residual[layer, position])])
            expected = (lead(first.logits) - lead(patched)) / (lead(first.logits) - lead(second.logits))
            assert effect == pytest.approx(expected, abs=1e-4)


def test_the_ends(make_tiny: Make) -> None:
    """Before the first token that differs nothing changes; the last cell of the last layer is the other answer."""
    tiny = make_tiny()
    effects = dict(patch_effects(tiny, inspect(tiny, IDS), inspect(tiny, SECOND)))
    assert list(effects) == [0, 1, 2]
    assert all((each[:2] == 0).all() for each in effects.values())
    assert effects[2] == pytest.approx([0, 0, 0, 0, 0, 0, 0, 1], abs=1e-5)


def test_where_the_capital_is_written(model: Transformer) -> None:
    """France or Italy: early layers hold it at the country, late ones at the last token (Meng et al. 2022)."""
    first, second = (inspect(model, model.tokenizer.encode(f"The capital of {c} is")) for c in ("France", "Italy"))
    effects = np.stack([each for _, each in patch_effects(model, first, second)])  # (layers + 1, time)
    assert effects[:16, 3] == pytest.approx(1, abs=0.1)
    assert effects[28:, 4] == pytest.approx(1, abs=0.1)
    assert effects[28:, 3] == pytest.approx(0, abs=0.1)


def test_refusals(make_tiny: Make) -> None:
    tiny = make_tiny()
    with pytest.raises(InvalidInput, match="8 tokens"):
        next(patch_effects(tiny, inspect(tiny, IDS), inspect(tiny, IDS[1:])))
    with pytest.raises(InvalidInput, match="another likeliest"):
        next(patch_effects(tiny, inspect(tiny, IDS), inspect(tiny, IDS)))
