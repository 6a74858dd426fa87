"""The size of a KV cache in whole bytes, in total and in parts, for one model, workload and engine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from lm_core.errors import InvalidInput
from lm_core.kv_sizing.engines.as_stored import as_stored
from lm_core.kv_sizing.engines.mlx import Mlx
from lm_core.kv_sizing.engines.profiles import Engine, Ideal, LlamaCpp, Ollama, SGLang, Transformers
from lm_core.kv_sizing.engines.tensorrt_llm import TensorRTLLM
from lm_core.kv_sizing.engines.vllm import Vllm
from lm_core.kv_sizing.geometry import Assumption, Geometry
from lm_core.kv_sizing.workload import Line, Workload

ENGINES: dict[str, type[Engine]] = {
    kind.name: kind for kind in (Ideal, Vllm, SGLang, TensorRTLLM, LlamaCpp, Ollama, Mlx, Transformers)
}


@dataclass(frozen=True)
class Sizing:
    """Bytes. `total` = `payload` + `replication` + `padding`, and also = `tensor_parallel` x the sum of `lines`.

    `payload`: what the model needs on any engine, stored once. `replication`: copies of KV heads or latents on
    further GPUs. `padding`: whatever else this engine takes; below zero where it stores less than the ideal would.
    `per_added_token`: payload that one more token adds to one sequence at this length. `fixed`: payload that does not
    grow with length, over all sequences.

    `geometry` is the model; `stored` what the engine keeps of it, with `remarks` on the difference. The figures rest
    on `assumptions`, the model's and the engine's.
    """

    geometry: Geometry
    stored: Geometry
    load: Workload
    engine: Engine
    lines: tuple[Line, ...]
    total: int
    per_gpu: int
    payload: int
    replication: int
    padding: int
    per_added_token: int
    fixed: int
    remarks: tuple[str, ...]
    assumptions: tuple[Assumption, ...]

    @property
    def per_sequence(self) -> int:
        """The total dealt out over the sequences, rounded up to a byte."""
        return -(-self.total // self.load.sequences)


def profile(name: object) -> type[Engine]:
    """The kind of engine of that name, upper and lower case alike; an engine itself is one of its kind.

    >>> profile("VLLM").splits_heads, profile(Ideal()).name
    (True, 'ideal')
    """
    found = next((k for known, k in ENGINES.items() if type(name) is k or known.lower() == str(name).lower()), None)
    if found is None:
        raise InvalidInput("engine", f"one of {', '.join(ENGINES)}", name)
    return found


def engine(name: object, **options: Any) -> Engine:
    """The profile of that name (upper and lower case alike) with its options.

    >>> engine("vllm", block_size=32).block_size
    32
    """
    kind = profile(name)
    for option, value in options.items():
        fields = getattr(kind, "__dataclass_fields__", {})
        if option not in fields or fields[option].type.startswith("ClassVar"):
            raise InvalidInput(option, f"left out: {kind.name} has no such option", value)
        if fields[option].type == "bool" and not isinstance(value, bool):
            raise InvalidInput(option, "true or false", value)
    return kind(**options)


def size(
    geometry: Geometry,
    context: int,
    sequences: int = 1,
    dtype_k: str = "bf16",
    dtype_v: str | None = None,
    engine: str | Engine = "ideal",
    tensor_parallel: int = 1,
    **options: Any,
) -> Sizing:
    """How many bytes the cache takes. `context` is the length of every sequence; V's dtype is K's unless given.

    A dtype of "auto" is the engine's own choice. Raises InvalidInput for layers not yet assigned, keys of a file that
    were not understood, a dtype or a split that this engine does not have.

    >>> article = Geometry.by_hand(layers=32, heads=32, kv_heads=32, head_dim=128)
    >>> size(article, context=2048).total == 2**30, size(article, context=32768).total == 2**34
    (True, True)
    """
    chosen = _engine(engine, options)
    _known(geometry)
    stored = as_stored(geometry, chosen.name, str(dtype_k), str(dtype_k if dtype_v is None else dtype_v))
    load = Workload.of(context, sequences, stored.dtype_k, stored.dtype_v, tensor_parallel)
    check(geometry, load, chosen)
    lines = tuple(chosen.lines(stored.geometry, load))
    alone = replace(load, tensor_parallel=1)
    ranks = load.tensor_parallel
    payload, per_gpu = _sum(Ideal().lines(geometry, alone)), _sum(lines)
    copies = ranks * _sum(Ideal().lines(geometry, load)) - payload
    return Sizing(
        geometry, stored.geometry, load, chosen, lines, ranks * per_gpu, per_gpu, payload, copies,
        padding=ranks * per_gpu - payload - copies, per_added_token=_added(geometry, alone),
        fixed=_fixed(geometry, alone), remarks=stored.remarks,
        assumptions=(*geometry.assumptions, *stored.assumptions),
    )  # fmt: skip


def _engine(engine_or_name: str | Engine, options: dict[str, Any]) -> Engine:
    if isinstance(engine_or_name, str):
        return engine(engine_or_name, **options)
    if options:
        raise InvalidInput("engine", "a name where options are given beside it", engine_or_name)
    return engine_or_name


def _known(geometry: Geometry) -> None:
    """No total for a model that is not known."""
    for group in geometry.unassigned:
        raise InvalidInput(
            "kind", f"assigned for {group.layers} layers before there is a total", group.label or "unknown"
        )
    if keys := geometry.not_understood:
        raise InvalidInput("config", "understood before there is a total", f"unclear about {', '.join(keys)}")


def check(geometry: Geometry, load: Workload, chosen: Engine) -> None:
    """Refuses what this engine cannot hold, one sentence for the first fault."""
    for group in geometry.groups:
        if group.tokens_per_row > 1 and group.kind not in chosen.pooled:
            raise InvalidInput("engine", f"another one: how {chosen.name} keeps pooled rows is not known", chosen.name)
    for side, kind in (("dtype_k", load.dtype_k), ("dtype_v", load.dtype_v)):
        if kind.name not in chosen.dtypes:
            raise InvalidInput(side, f"one that {chosen.name} has: {', '.join(chosen.dtypes)}", kind.name)
    if chosen.one_dtype and load.dtype_k != load.dtype_v:
        raise InvalidInput("dtype_v", f"the same as dtype_k, as {chosen.name} stores both alike", load.dtype_v.name)
    if load.tensor_parallel > 1 and not chosen.splits_heads:
        raise InvalidInput(
            "tensor_parallel", f"1, because {chosen.name} splits layers, not heads", load.tensor_parallel
        )


def _sum(lines: list[Line] | tuple[Line, ...]) -> int:
    return sum(line.bytes for line in lines)


def _added(geometry: Geometry, load: Workload) -> int:
    one = replace(load, sequences=1)
    longer = replace(one, context=load.context + 1)
    return _sum(Ideal().lines(geometry, longer)) - _sum(Ideal().lines(geometry, one))


def _fixed(geometry: Geometry, load: Workload) -> int:
    """State and encoder rows, whatever the length."""
    fixed = tuple(group for group in geometry.groups if group.kind in ("state", "cross"))
    return _sum(Ideal().lines(replace(geometry, groups=fixed), load)) if fixed else 0
