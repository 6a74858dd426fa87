"""What the browser computes by itself equals lm_core: probabilities to 1e-6, what is kept and picked exactly."""

import base64
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page

from lm_core import Transformer
from lm_core.decoding.strategies import ORDERS, draw, strategy, uniforms
from lm_core.distribution import Distribution
from tests.browser.modules import empty_tab
from tests.reliability import cases

PROMPTS = ["The capital of France is", "The package left the", "Once upon a", "def add(a, b):\n    return", "7 + 5 ="]
TEMPERATURES = [0.0, 0.01, *(0.05 * step for step in range(1, 37)), 3.0, 5.0]
STEPS = ("temperature", "top_k", "top_p", "min_p")
FILTERS: list[dict[str, Any]] = [
    {}, {"k": 40}, {"p": 0.9}, {"m": 0.05}, {"k": 50, "p": 0.95, "m": 0.02}, {"p": 0.82, "m": 0.25},
]  # fmt: skip
COMPUTE = """([logits, wide, settings, darts]) => {
  const bytes = Uint8Array.from(atob(logits), (c) => c.charCodeAt(0)).buffer;
  const prepared = sampling.prepare(wide ? new Float64Array(bytes) : new Float32Array(bytes));
  const shown = prepared.order.slice(0, 60);
  return settings.map((s) => {
    const result = sampling.apply(prepared, s);
    const marked = new Uint8Array(prepared.n);
    const sorted = [...darts.keys()].sort((a, b) => darts[a] - darts[b]);
    const walked = sampling.drawMany(prepared, result, sorted.map((i) => darts[i]), marked);
    const picks = [];
    sorted.forEach((place, at) => { picks[place] = walked.picks[at]; });
    return {
      ids: [...shown],
      p: [...shown].map((id) => sampling.probability(prepared, result, id)),
      kept: result.kept, entropy: result.entropy, mass: result.mass, picks,
      rest: sampling.massOf(prepared, result, 60, prepared.n - 1),
    };
  });
}"""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """A blank page with the component's arithmetic."""
    blank = empty_tab(browser)
    blank.evaluate("import('/temperature/sampling.js').then((module) => { globalThis.sampling = module; })")
    yield blank
    blank.close()


def compute(
    page: Page, logits: NDArray[Any], settings: list[dict[str, Any]], darts: list[float]
) -> list[dict[str, Any]]:
    wide = logits.dtype == np.float64
    return page.evaluate(COMPUTE, [base64.b64encode(logits.tobytes()).decode(), wide, settings, darts])


def scenes(filters: dict[str, Any], order: tuple[str, ...], every: int = 1) -> list[dict[str, Any]]:
    """Each of the forty temperatures, or one of `every` so many and the last."""
    off = {"k": None, "p": None, "m": None}
    return [{"t": t, "order": list(order), **off, **filters} for t in [*TEMPERATURES[:-1:every], TEMPERATURES[-1]]]


def compare(logits: NDArray[Any], scene: dict[str, Any], found: dict[str, Any], darts: list[float]) -> None:
    """One scene: probabilities, what is kept, its mass and entropy, the rest, every dart."""
    named = {"temperature": scene["t"], "top_k": scene["k"], "top_p": scene["p"], "min_p": scene["m"]}
    decision = strategy(scene["order"], seed=0, **named).decide(logits)
    final, top = decision.final, Distribution(logits).top(min(60, len(logits)))
    assert found["ids"] == [row.id for row in top]
    assert found["p"] == pytest.approx([final.probabilities[row.id] for row in top], abs=1e-6)
    kept = int(np.isfinite(final.logits).sum())
    assert found["kept"] == kept
    assert found["entropy"] == pytest.approx(final.entropy("nats"), abs=1e-6)
    assert found["rest"] == pytest.approx(1 - sum(found["p"]), abs=1e-6)
    heated = Distribution(logits.astype(np.float64) / scene["t"]) if scene["t"] else final
    assert found["mass"] == pytest.approx(heated.probabilities[np.isfinite(final.logits)].sum(), abs=1e-6)
    assert found["picks"] == [draw(final.probabilities, u) for u in darts]


@pytest.mark.parametrize(
    ("filters", "order"), [(f, order) for order in ORDERS for f in FILTERS if f or order == "vllm"]
)
def test_every_prompt_temperature_filter_and_order(
    page: Page, model: Transformer, filters: dict[str, Any], order: str
) -> None:
    steps = tuple(step for step in ORDERS[order] if step in STEPS)
    rows = model.next_logits([model.tokenizer.encode(text) for text in PROMPTS])
    for logits in rows if order == "vllm" else rows[:2]:
        listed = scenes(filters, steps, cases(1 if order == "vllm" and not filters else 14, 1))
        darts = uniforms(3, 4)
        for scene, found in zip(listed, compute(page, logits, listed, darts)):
            compare(logits, scene, found, darts)


def test_a_thousand_darts_at_forty_temperatures(page: Page, model: Transformer) -> None:
    logits = model.next_logits([model.tokenizer.encode(PROMPTS[1])])[0]
    darts = uniforms(11, 1000)
    listed = scenes({}, STEPS)
    assert len(listed) == 40
    for scene, found in zip(listed, compute(page, logits, listed, darts)):
        assert found["picks"] == _picks(strategy(scene["order"], temperature=scene["t"]).decide(logits).final, darts)


def _picks(final: Distribution, darts: list[float]) -> list[int]:
    """As `draw`, for many darts at once."""
    cumulative = np.cumsum(final.probabilities)
    picks = np.searchsorted(cumulative / cumulative[-1], darts, side="right")
    assert picks[0] == draw(final.probabilities, darts[0])
    return picks.tolist()


@pytest.mark.parametrize(
    "logits",
    [[1.0, 1.0, 1.0, 1.0], [0.0, -0.0, 2.0, 2.0, -5.0], [1000.0, 999.0, -1000.0], [3.0, 2.0, 1.0], [0.0, -800.0]],
    ids=str,
)
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_ties_and_extremes(page: Page, logits: list[float], kind: type[np.floating]) -> None:
    values = np.array(logits, kind)
    darts = uniforms(5, 50)
    ends: tuple[dict[str, Any], ...] = ({"p": 1.0, "k": 2}, {"m": 1.0}, {"p": 0.0}, {"m": 0.0})
    for filters in ({}, {"k": 1}, {"k": 3}, {"p": 0.5}, {"p": 0.8}, {"m": 0.5}, *ends):
        for order in ORDERS:
            listed = scenes(filters, tuple(step for step in ORDERS[order] if step in STEPS), cases(8, 1))
            for scene, found in zip(listed, compute(page, values, listed, darts)):
                compare(values, scene, found, darts)
