"""The calculator's link parameters, each with its default and its reader, and the scenario they make.

Controls, links and stored scenarios all pass the same readers, as text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, fields, replace
from typing import Any

import streamlit as st

from lm_core import kv_sizing
from lm_core.errors import InvalidInput, whole_number
from lm_core.kv_sizing import DTYPES, ENGINES, FORMATS, GPUS, Geometry, LayerGroup, Scenario, Split
from lm_core.kv_sizing.capacity.gpus import Gpu
from lm_core.kv_sizing.engines.as_stored import AUTO
from lm_core.kv_sizing.model_import import strict_json
from pages.shared import markup, url_state

BY_HAND, GROUPS, IMPORTED = "by-hand", "groups", "imported"
PLOTS = ("length", "sequences")
LONGEST, MOST, LONGEST_LINK = 1 << 30, 1 << 20, 4000
HIGHEST = {
    "block_size": 4096, "page_size": 4096, "n_ubatch": 1 << 20, "max_num_batched_tokens": 1 << 24, "draft_tokens": 64,
    "tokens_per_block": 4096,
}  # fmt: skip
MOST_GPUS = 1024
OFFLOADING = ("llama.cpp", "Ollama")
OWN_BANDWIDTH = 1000
LEAST_RATIO = 0.01
_GB, _GIB = 10**9, 2**30
_START = '[{"kind":"full","layers":8,"kv_heads":8,"k_dim":128,"v_dim":128},{"kind":"sliding","layers":24,"kv_heads":8,"k_dim":128,"v_dim":128,"window":4096}]'  # noqa: E501
_CHANGED = ", changed"
COLUMNS = tuple(field.name for field in fields(LayerGroup))
Values = dict[str, Any]


@dataclass(frozen=True)
class Parameter:
    """One name in the link; `read` turns its text into a value or raises InvalidInput."""

    default: Any
    read: Callable[[str], Any]


def _whole(name: str, default: int, low: int, high: int) -> Parameter:
    def read(text: str) -> int:
        digits = text.isascii() and text.isdigit() and len(text) < 20
        return whole_number(name, int(text) if digits else text, low, high)

    return Parameter(default, read)


def _real(name: str, default: float, high: float, low: float = 0.0) -> Parameter:
    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not low <= value <= high:
            raise InvalidInput(name, f"a number from {low:g} to {high:,.0f}", text)
        return value

    return Parameter(default, read)


def _one_of(name: str, allowed: tuple[Any, ...], default: Any) -> Parameter:
    by_text = {str(value): value for value in allowed}

    def read(text: str) -> Any:
        if text not in by_text:
            raise InvalidInput(name, "one of " + ", ".join(by_text), text)
        return by_text[text]

    return Parameter(default, read)


def _text(name: str, default: str, check: Callable[[str], object] = len) -> Parameter:
    def read(text: str) -> str:
        if len(text) > 4 * LONGEST_LINK:
            raise InvalidInput(name, f"at most {4 * LONGEST_LINK:,} characters", f"{len(text):,} characters")
        check(text)
        return text

    return Parameter(default, read)


def rows(text: str) -> dict[str, Any]:
    """Layer groups in a link, as an object with `groups`, before anybody knows whether they make a model."""
    found = strict_json.read(text, "groups")
    found = {"groups": found} if isinstance(found, list) else found
    listed = found.get("groups") if isinstance(found, dict) else None
    if not isinstance(listed, list) or not all(isinstance(row, dict) and _flat(row) for row in listed):
        raise InvalidInput("groups", "a list of layer groups, or an object with `groups`", text)
    return found


def _flat(row: dict[str, Any]) -> bool:
    return set(row) <= set(COLUMNS) and all(isinstance(value, (str, int)) for value in row.values())


def catalogue(changes: str) -> dict[str, Gpu]:
    """Every GPU; `changes` is JSON, name: [GiB, price of one for an hour], for one of the reader's own [.., GB/s]."""
    known = dict(GPUS)
    found = strict_json.read(changes, "gpus") if changes else {}
    for name, said in found.items() if isinstance(found, dict) else [("", found)]:
        length = 2 if name in GPUS else 3
        numbers = isinstance(said, list) and len(said) == length and all(type(x) in (int, float) for x in said)
        if not 0 < len(name) <= 40 or not numbers or not (1 <= said[0] <= 10**4 and 0 <= said[1] <= 10**6):
            raise InvalidInput("gpus", "GPUs by name, each with [GiB from 1, price per hour from 0]", name)
        speed = GPUS[name].bandwidth if name in GPUS else round(max(1, min(said[2], 10**6)) * _GB)
        base = GPUS.get(name) or Gpu(name, 1, speed)
        known[name] = replace(base, memory=round(said[0] * _GIB), bandwidth=speed, price=float(said[1]))
    return known


def _option(field: Field[Any]) -> Parameter:
    """A field of an engine's profile."""
    default: Any = field.default
    if field.type == "bool":
        flags = _one_of(field.name, (0, 1), int(default))
        return Parameter(default, lambda text: bool(flags.read(text)))
    if field.type == "float":
        return _real(field.name, default, 1, LEAST_RATIO)
    return _whole(field.name, default, 0 if field.name == "draft_tokens" else 1, HIGHEST[field.name])


def _gib_or_estimate(text: str) -> float | None:
    """The engine's reserve in GB, or None: estimated."""
    return None if text == "" else _real("aside", 0.0, 10**6).read(text)


OPTIONS = {name: tuple(f for f in fields(kind) if f.init) for name, kind in ENGINES.items()}  # type: ignore[arg-type]
PARAMETERS = {
    "arch": _one_of("arch", (BY_HAND, GROUPS, IMPORTED, *kv_sizing.names()), BY_HAND),
    "n": _whole("n", 2048, 1, LONGEST),
    "batch": _whole("batch", 1, 1, MOST),
    "mean": _whole("mean", 0, 0, LONGEST),
    "p95": _whole("p95", 0, 0, LONGEST),
    "lengths": _text("lengths", ""),
    "hits": _whole("hits", 0, 0, 100),
    "engine": _one_of("engine", tuple(ENGINES), "ideal"),
    "dtype": _one_of("dtype", (AUTO, *DTYPES), AUTO),
    "dv": _one_of("dv", ("", *DTYPES), ""),
    "tp": _whole("tp", 1, 1, MOST_GPUS),
    "dp": _whole("dp", 1, 1, MOST_GPUS),
    "pp": _whole("pp", 1, 1, MOST_GPUS),
    "cp": _whole("cp", 1, 1, MOST_GPUS),
    "wf": _one_of("wf", ("", *FORMATS), ""),
    "shared": _whole("shared", 0, 0, LONGEST),
    "draft": _whole("draft", 0, 0, 64),
    "pool": _real("pool", 0.0, 10**6),
    "cpu": _real("cpu", 0.0, 10**6),
    "cpuspeed": _real("cpuspeed", 25.0, 10**6, 0.001),
    "disk": _real("disk", 0.0, 10**6),
    "diskspeed": _real("diskspeed", 5.0, 10**6, 0.001),
    "ngl": _whole("ngl", 0, 0, 65_536),
    "nkvo": _one_of("nkvo", (0, 1), 0),
    "layers": _whole("layers", 32, 1, 65_536),
    "heads": _whole("heads", 32, 1, 65_536),
    "kv": _whole("kv", 32, 1, 65_536),
    "dim": _whole("dim", 128, 1, 65_536),
    "groups": _text("groups", _START, rows),
    "gpu": _text("gpu", "H100 80 GB"),
    "used": _whole("used", 0, 0, 100),
    "weights": _real("weights", 0.0, 10**6),
    "aside": Parameter(None, _gib_or_estimate),
    "gpus": _text("gpus", "", catalogue),
    "over": _one_of("over", PLOTS, "length"),
    "beside": _text("beside", ""),
    **{field.name: _option(field) for options in OPTIONS.values() for field in options},
}


def fill() -> Values:
    """What the page's controls stand at; a link's parameters where one is being followed."""
    return {
        name: st.session_state[url_state.parsed(name, p.default, p.read, longest=LONGEST_LINK)]
        for name, p in PARAMETERS.items()
    }


def note_too_long(values: Values) -> None:
    """Says what of the values is too long for a link, and so stays out of it."""
    if len(values["beside"]) > LONGEST_LINK:
        markup.note("The scenarios beside are too long for a link: they last as long as this visit to the page.")
    if len(values["groups"]) > LONGEST_LINK:
        markup.note("These layer groups are too long for a link: whoever gets it sees the example instead.")


def own(values: Values) -> dict[str, str]:
    """The scenario alone as link parameters: no neighbours, no view."""
    apart = ("beside", "over", "gpus")
    changed = {n: v for n, v in values.items() if n not in apart and v != PARAMETERS[n].default}
    return {name: str(int(value)) if isinstance(value, bool) else str(value) for name, value in changed.items()}


def read(texts: Mapping[str, str]) -> Values:
    """Values from a link; raises InvalidInput for the first that is wrong."""
    return {name: p.read(texts[name]) if name in texts else p.default for name, p in PARAMETERS.items()}


def settle(values: Values) -> None:
    """Says what the chosen engine does not have, and takes what it has instead."""
    kind = ENGINES[values["engine"]]
    if values["dtype"] not in kind.dtypes:
        markup.note(f"{kind.name} has no {values['dtype']} cache: its default is used.")
        _set(values, "dtype", AUTO)
    if values["dv"] and (kind.one_dtype or values["dv"] not in kind.dtypes):
        what = "stores values as keys" if kind.one_dtype else f"has no {values['dv']} cache"
        both = "its default" if values["dtype"] == AUTO else values["dtype"]
        markup.note(f"{kind.name} {what}: {both} is used for both.")
        _set(values, "dv", "")
    if values["mean"] > values["n"]:
        markup.note(f"A mean of {values['mean']:,} is longer than the longest, {values['n']:,}: it is left out.")
        _set(values, "mean", 0)
    if values["shared"] > values["n"]:
        markup.note(f"{values['shared']:,} shared tokens are more than {values['n']:,} in all: they are left out.")
        _set(values, "shared", 0)
    _settle_gpus(values, kind.name, kind.splits_heads)


def _settle_gpus(values: Values, engine: str, splits_heads: bool) -> None:
    if not splits_heads and values["tp"] > 1:
        markup.note(f"{engine} shares out layers over GPUs, not heads: so it does here.")
        _set(values, "pp", max(values["pp"], values["tp"]))
        _set(values, "tp", 1)
    if not splits_heads and values["dp"] * values["cp"] > 1:
        markup.note(f"{engine} shares out layers alone.")
        _set(values, "dp", 1)
        _set(values, "cp", 1)
    if values["tp"] % values["cp"]:
        markup.note(f"{values['cp']} parts of the context do not divide {values['tp']} GPUs: it is not divided.")
        _set(values, "cp", 1)
    if values["gpu"] not in catalogue(values["gpus"]):
        markup.note(f"There is no GPU “{values['gpu'][:40]}” here: an H100 is taken.")
        _set(values, "gpu", "H100 80 GB")


def _set(values: Values, name: str, value: object) -> None:
    values[name] = st.session_state[url_state.key_of(name)] = value


def scenario(values: Values, imported: Geometry | None = None) -> Scenario:
    """What the values ask. `imported` is the model that no link holds."""
    engine = values["engine"]
    options = {field.name: values[field.name] for field in OPTIONS[engine]}
    return Scenario(
        imported or geometry(values), values["n"], values["batch"], values["mean"], values["dtype"], values["dv"],
        kv_sizing.engine(engine, **options), Split(values["tp"], values["pp"], values["dp"], values["cp"]),
        values["wf"], round(values["weights"] * _GB), catalogue(values["gpus"]).get(values["gpu"], GPUS["H100 80 GB"]),
        values["used"], None if values["aside"] is None else round(values["aside"] * _GB), values["shared"],
        values["draft"], round(values["pool"] * _GB), *_on_processor(values),
    )  # fmt: skip


def _on_processor(values: Values) -> tuple[int, bool]:
    """Layers on the GPUs (0: all) and whether the cache is kept by the processor; llama.cpp's alone."""
    offloads = values["engine"] in OFFLOADING
    return (values["ngl"], bool(values["nkvo"])) if offloads else (0, False)


def geometry(values: Values) -> Geometry:
    """The model meant, unless it is an imported one."""
    if values["arch"] == BY_HAND:
        return Geometry.by_hand(values["layers"], values["heads"], values["kv"], values["dim"])
    if values["arch"] == GROUPS:
        found = rows(values["groups"])
        return Geometry.from_json({"name": "layer groups of your own", **found})
    if values["arch"] == IMPORTED:
        raise InvalidInput("arch", "a model that a link can hold; turn the imported one into layer groups", IMPORTED)
    return kv_sizing.preset(values["arch"])


def groups_text(shape: Geometry) -> str:
    """A model as it stands in a link."""
    name = shape.name.removesuffix(_CHANGED)
    return compact({**shape.to_json(), "name": f"{name}{_CHANGED}"})


def compact(data: object) -> str:
    """JSON without spaces."""
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False)
