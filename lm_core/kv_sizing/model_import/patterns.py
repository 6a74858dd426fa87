"""The kind of each layer of a config, from the many ways in which model files spell their patterns."""

from __future__ import annotations

import re
from typing import Any

from lm_core.errors import InvalidInput, whole_number
from lm_core.kv_sizing.model_import import layer_names as kinds
from lm_core.kv_sizing.model_import.layer_names import FULL, LINEAR, MAMBA, NOTHING, SLIDING
from lm_core.kv_sizing.model_import.reader import Reader
from lm_core.kv_sizing.model_import.windows import windowed_layers

# Lists of names, one for each layer; others are found by how their own name reads.
_LISTS = ("layer_types", "layers_block_type", "hybrid_block_layout", "attention_layers", "mixer_types")
_LIST_NAME = re.compile(
    r"^(?!mlp_|ffn_|moe_|indexer_|feed_forward)\w*(layer|block|attn|attention|mixer)s?_?\w*(types?|layout|kinds?|schedule|pattern)$"
)
_INDEX_NAME = re.compile(
    r"^(?P<kind>local|sliding|swa|window|windowed|full|global|attn|attention|softmax)_?(attn|attention)?_?(layers?)?_?"
    r"(ids?|idxs?|index|indexes|indices|indexs|layers|list)$"
)
_PERIOD_NAME = re.compile(
    r"^(full|global)_(attn|attention)?_?(layers?)?_?(every|every_n|every_n_layers|interval|period|freq|frequency)$"
    r"|^(every_n_global|global_layer_interval|layer_switch)$"
)


def layer_kinds(config: Reader, family: str, layers: int, drafts: int) -> list[str]:
    """One name per layer, in order; `drafts`: how many entries more a list may have, for draft layers."""
    for spelled in (_sambay, _listed, _lettered, _linear_attention, _by_flags, _by_index):
        found = spelled(config, layers, drafts)
        if found is not None:
            return found
    if (periodic := _by_period(config, family, layers)) is not None:
        return periodic
    alone = {
        "mamba": MAMBA, "falcon_mamba": MAMBA, "mamba2": kinds.MAMBA_2, "falcon_h1": kinds.BESIDE, "xlstm": "xlstm",
        "rwkv": "rwkv", "rwkv5": "rwkv", "rwkv6": "rwkv", "rwkv7": "rwkv",
    }  # fmt: skip
    if family in alone:
        return [alone[family]] * layers
    return windowed_layers(config, family, layers)


def _sambay(config: Reader, layers: int, _: int) -> list[str] | None:
    """SambaY (Phi-4-mini-flash): Mamba before every attention; the second half reads what one layer of it keeps."""
    every = config.number("mb_per_layer", low=0)
    if not every:
        return None
    half = layers // 2
    first = [MAMBA if index % every == 0 else SLIDING for index in range(half)]
    config.notes.append(f"SambaY: the last {layers - half - 2} of {layers} layers keep nothing of their own.")
    return [*first, MAMBA, FULL, *[NOTHING] * (layers - half - 2)][:layers]


def _listed(config: Reader, layers: int, drafts: int) -> list[str] | None:
    """A name for each layer, as newer files have it; some repeat a short pattern."""
    for key in (*_LISTS, *(key for key in config if _LIST_NAME.match(key) and _of(str, config.peek(key)))):
        names = config.list(key, layers, drafts) if config.peek(key) is not None and key != "block_types" else None
        if names is not None:
            _explained(config)
            read = kinds.letter if key.endswith("layout") else kinds.kind
            return [read(_name(key, name)) for name in names]
    pattern = config.list("block_types")
    if pattern:
        names = [kinds.kind(_name("block_types", name)) for name in pattern]
        return [names[i % len(names)] for i in range(layers)]
    return None


def _explained(config: Reader) -> None:
    """Where a file names the kind of every layer, its rules and lists of numbers have nothing left to say."""
    config.explain(
        "full_attention_interval", "attn_layer_period", "attn_layer_offset", "attn_layer_indices", "full_attn_idxs",
        "global_attn_every_n_layers", "hybrid_override_pattern", "hybrid_layer_pattern", "attn_type_list",
        "layer_group_size", "window_pattern", "attention_types", "hybrid_layer_ids",
        "prefix_dense_sliding_window_pattern", *_LISTS,
        *(key for key in config if _INDEX_NAME.match(key) and _of(int, config.peek(key))),
        *(key for key in config if _PERIOD_NAME.match(key) and type(config.peek(key)) is int),
    )  # fmt: skip


def _of(kind: type, value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(type(each) is kind for each in value)


def _name(key: str, name: object) -> str:
    if not isinstance(name, str) or not name or len(name) > 200:
        raise InvalidInput(key, "a list of names", name)
    return name


def _lettered(config: Reader, layers: int, drafts: int) -> list[str] | None:
    """A letter for each layer (Nemotron-H)."""
    pattern = config.get("hybrid_override_pattern")
    if pattern is None:
        return None
    if not isinstance(pattern, str) or not layers <= len(pattern) <= layers + drafts:
        raise InvalidInput("hybrid_override_pattern", f"{layers} letters", pattern)
    return [kinds.kind(letter) for letter in pattern[:layers]]


def _linear_attention(config: Reader, layers: int, _: int) -> list[str] | None:
    """Numbers of the layers that are linear, counted from 1 (Kimi-Linear)."""
    part = config.part("linear_attn_config")
    full, linear = (part.list("full_attn_layers"), part.list("kda_layers")) if part else (None, None)
    if full is None and linear is None:
        return None
    found = [kinds.UNASSIGNED] * layers
    for name, numbers in ((FULL, full or []), (kinds.KDA, linear or [])):
        for number in numbers:
            found[whole_number(name, number, 1, layers) - 1] = name
    return found


def _by_flags(config: Reader, layers: int, drafts: int) -> list[str] | None:
    """0 and 1 for each layer: MiMo-V2 (1 is sliding), MiniMax-Text (1 is full), or a window for each layer."""
    for key, names in (
        ("hybrid_layer_pattern", (FULL, SLIDING)),
        ("attn_type_list", (kinds.LIGHTNING, FULL)),
    ):
        flags = config.list(key, layers, drafts)
        if flags is not None:
            return [names[whole_number(key, flag, 0, 1)] for flag in flags]
    if isinstance(config.peek("sliding_window"), list):
        return [SLIDING if window else FULL for window in config.list("sliding_window", layers, drafts) or []]
    return None


def _by_index(config: Reader, layers: int, _: int) -> list[str] | None:
    """The numbers of some layers, counted from 0: those with a window, or those that attend to everything.

    Bamba and LFM2 name their attention layers so, the others being Mamba or convolutions.
    """
    for key, other in (("attn_layer_indices", MAMBA), ("full_attn_idxs", kinds.CONV), ("cross_attention_layers", FULL)):
        numbers = config.list(key)
        if numbers is not None:
            here = _numbers(key, numbers, layers)
            name = kinds.CROSS if key.startswith("cross") else FULL
            return [name if i in here else other for i in range(layers)]
    for key in config:
        found, numbers = _INDEX_NAME.match(key), config.peek(key)
        if key == "full_attention_idx" or not found or not isinstance(numbers, list):
            continue
        here = _numbers(key, config.list(key) or [], layers)
        if found["kind"] in ("local", "sliding", "swa", "window", "windowed"):
            return [SLIDING if i in here else FULL for i in range(layers)]
        return [FULL if i in here else _other(config) for i in range(layers)]
    return None


def _numbers(key: str, numbers: list[Any], layers: int) -> set[int]:
    return {whole_number(key, number, 0, layers - 1) for number in numbers}


def _other(config: Reader) -> str:
    """What the layers are that a file does not name as full, by what else it states."""
    given = set(config)
    if any(key.startswith("linear_") for key in given):
        return LINEAR
    if any(key.startswith(("mamba_", "ssm_")) for key in given):
        return MAMBA
    return SLIDING if any("window" in key for key in given) else kinds.UNASSIGNED


def _by_period(config: Reader, family: str, layers: int) -> list[str] | None:
    """One full layer in so many; the others are linear (Qwen3-Next), Mamba (Jamba, PLaMo 2) or have a window."""
    every = config.number("full_attention_interval")
    if every:
        return [LINEAR if (i + 1) % every else FULL for i in range(layers)]
    period = config.number("attn_layer_period")
    if period:
        offset = config.number("attn_layer_offset", low=0) or 0
        return [FULL if i % period == offset else MAMBA for i in range(layers)]
    if step := config.number("mamba_step"):
        if config.flag("mamba_enabled") is False:
            return [kinds.ATTENTION] * layers
        full = set(config.list("full_attention_idx") or [])
        attends = [i % step == step // 2 if layers > step // 2 else i < layers - 1 for i in range(layers)]
        return [(FULL if i in full else kinds.ATTENTION) if here else MAMBA for i, here in enumerate(attends)]
    key = next((key for key in config if _PERIOD_NAME.match(key)), None) or "global_attn_every_n_layers"
    if every := config.number(key):
        other, first = _other(config), 0 if family.startswith("modernbert") else 1
        return [other if (i + first) % every else FULL for i in range(layers)]
    return None
