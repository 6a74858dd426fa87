"""What a size rests on, in bytes: what it would be if an assumption did not hold, or an option were set otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from lm_core.errors import InvalidInput
from lm_core.kv_sizing.engines.profiles import Engine, LlamaCpp
from lm_core.kv_sizing.engines.vllm import Vllm
from lm_core.kv_sizing.geometry import Geometry
from lm_core.kv_sizing.scenario import Scenario
from lm_core.kv_sizing.sizing import Sizing, size


@dataclass(frozen=True)
class Effect:
    """A sentence, and the size without it; None where that cannot be computed."""

    says: str
    otherwise: Sizing | None


def effects(sizing: Sizing) -> tuple[Effect, ...]:
    """Every assumption of a size, the model's first.

    >>> from lm_core.kv_sizing import from_config
    >>> config = {"num_hidden_layers": 2, "num_attention_heads": 2, "hidden_size": 64, "cla_share_factor": 2}
    >>> (effect,) = effects(size(from_config(config), 100))
    >>> effect.otherwise.total
    51200
    """
    model = sizing.geometry
    found = []
    for number, each in enumerate(sizing.assumptions):
        # The engine's own assumptions come last; what they say of a window holds whatever the family.
        family = model.family if number < len(model.assumptions) else ""
        other = replace(model, groups=each.otherwise, assumptions=(), family=family) if each.otherwise else None
        found.append(Effect(each.says, _sized(other, sizing, sizing.engine) if other else None))
    return tuple(found)


def deciding(scenario: Scenario) -> tuple[Effect, ...]:
    """The assumptions and options of the engine without which "fits" would be "does not fit", or the reverse."""
    sizing = scenario.on_each
    verdict = scenario.budget.verdict(sizing.per_gpu)
    return tuple(
        each
        for each in (*effects(sizing), *_options(sizing), *_windows(sizing))
        if each.otherwise and scenario.budget.verdict(each.otherwise.per_gpu) != verdict
    )


def known_part(model: Geometry) -> Geometry | None:
    """What is known of a model that is not known as a whole; None where that is nothing."""
    groups = tuple(group for group in model.groups if group.kind != "unknown")
    return replace(model, groups=groups, not_understood=()) if groups else None


def _options(sizing: Sizing) -> Iterator[Effect]:
    """Options that make this engine take more, each set otherwise."""
    engine = sizing.engine
    if isinstance(engine, Vllm):
        if engine.mamba_align and any(group.kind == "state" for group in sizing.geometry.groups):
            yield _otherwise(
                "Prefix caching, on by default, keeps a second block of state (mamba_align).", sizing, mamba_align=False
            )
        if engine.async_scheduling and any(group.kind in ("sliding", "chunked") for group in sizing.stored.groups):
            yield _otherwise(
                "Asynchronous scheduling keeps twice the tokens under way in layers with a window.", sizing,
                async_scheduling=False,
            )  # fmt: skip
    if isinstance(engine, LlamaCpp):
        if engine.swa_full:
            yield _otherwise("Layers with a window are kept in full (swa-full).", sizing, swa_full=False)
        if not engine.unified and sizing.load.sequences > 1:
            yield _otherwise("Every slot has a buffer of its own (not unified).", sizing, unified=True)


def _windows(sizing: Sizing) -> Iterator[Effect]:
    """Windows that the engine is known not to apply."""
    if sizing.stored.groups != sizing.geometry.groups and sizing.remarks:
        other = replace(sizing.geometry, family="")
        yield Effect(f"{sizing.engine.name} does not apply this model's window.", _sized(other, sizing, sizing.engine))


def _otherwise(says: str, sizing: Sizing, **options: Any) -> Effect:
    return Effect(says, _sized(sizing.geometry, sizing, replace(sizing.engine, **options)))  # type: ignore[type-var]


def _sized(model: Geometry, sizing: Sizing, engine: Engine) -> Sizing | None:
    load = sizing.load
    try:
        return size(
            model, load.context, load.sequences, load.dtype_k.name, load.dtype_v.name, engine, load.tensor_parallel
        )
    except InvalidInput:
        return None
