"""`python -m lm_core.kv_sizing --model llama-3.1-8b --context 32768 --batch 4 --engine vllm --json`."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

from lm_core.errors import InvalidInput
from lm_core.kv_sizing import (
    ENGINES,
    FORMATS,
    GPUS,
    Effect,
    Geometry,
    Scenario,
    Sizing,
    Split,
    as_csv,
    as_json,
    effects,
    from_text,
    gpu,
    known_part,
    names,
    not_known_json,
    preset,
    size,
)
from lm_core.kv_sizing.geometry import NOT_KNOWN
from lm_core.kv_sizing.model_import import strict_json
from lm_core.kv_sizing.report import amounts, html_page

EXIT_NOT_KNOWN = 3


def main(arguments: list[str] | None = None) -> int:
    """Prints the size and how it came about.

    Returns 2 with one sentence if the question cannot be answered, and NOT_KNOWN with what is known if the model was
    not understood as a whole.
    """
    asked = _parser().parse_args(arguments)
    try:
        gpu(asked.gpu)
        model = _geometry(asked)
        if asked.harmless:
            model = model.assuming_harmless(tuple(asked.harmless.split(",")))
        if model.reading == NOT_KNOWN:
            known = known_part(model)
            print(_not_known(asked, model, _sizing(asked, known) if known else None))
            return EXIT_NOT_KNOWN
        sizing = _sizing(asked, model)
    except (InvalidInput, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    print(_shown(asked, sizing))
    return 0


def _sizing(asked: argparse.Namespace, model: Geometry) -> Sizing:
    options = dict(_option(text) for text in asked.option)
    return size(
        model, asked.context, asked.batch, asked.dtype_k, asked.dtype_v or asked.dtype_k, asked.engine,
        asked.tensor_parallel, **options,
    )  # fmt: skip


def _not_known(asked: argparse.Namespace, model: Geometry, known: Sizing | None) -> str:
    """What stands instead of a total."""
    if asked.json:
        return json.dumps(not_known_json(model, known), indent=2)
    lines = [f"{model.name}: KV cache not known"]
    if model.not_understood:
        lines += [
            f"Not understood, and may have a bearing on the cache: {', '.join(model.not_understood)}",
            "If they have none, say so: --harmless KEY,KEY",
        ]
    lines += [f"To be assigned a kind: {group.says()}" for group in model.unassigned]
    if known:
        lines.append(f"The part that is known: {amounts.both(known.per_added_token)} per added token")
        lines += [f"  {line.label}: {line.formula} = {line.bytes:,} B" for line in known.lines]
    return "\n".join(lines)


def _shown(asked: argparse.Namespace, sizing: Sizing) -> str:
    if asked.json:
        return json.dumps(as_json(sizing), indent=2)
    if asked.csv:
        return as_csv(sizing).rstrip()
    if asked.hand_in:
        return html_page.html_report(_scenario(asked, sizing), date.today().isoformat())
    return _text(sizing)


def _scenario(asked: argparse.Namespace, sizing: Sizing) -> Scenario:
    """The same question with the GPUs it is about."""
    load = sizing.load
    return Scenario(
        sizing.geometry, load.context, load.sequences, 0, load.dtype_k.name, load.dtype_v.name, sizing.engine,
        Split(tensor=load.tensor_parallel), asked.weight_format, round(asked.weights * 10**9), gpu(asked.gpu),
        asked.utilisation,
    )  # fmt: skip


def _text(sizing: Sizing) -> str:
    load = sizing.load
    lines = [
        f"{sizing.geometry.name}, {load.sequences:,} x {load.context:,} tokens, "
        f"K {load.dtype_k.name}, V {load.dtype_v.name}, {sizing.engine.name} {sizing.engine.version}",
        f"KV cache         {amounts.both(sizing.total)}",
        f"per GPU          {amounts.both(sizing.per_gpu)}, tensor parallel {load.tensor_parallel}",
        f"per sequence     {amounts.both(sizing.per_sequence)}",
        f"per added token  {amounts.both(sizing.per_added_token)}",
        f"fixed state      {amounts.both(sizing.fixed)}",
        f"payload          {amounts.both(sizing.payload)}",
        f"copies of heads  {amounts.both(sizing.replication)}",
        f"engine's share   {amounts.both(sizing.padding)}",
        *(f"  {line.label}: {line.formula} = {line.bytes:,} B" for line in sizing.lines),
        *(f"Note: {remark}" for remark in (*sizing.geometry.notes, *sizing.remarks)),
        *(f"Assumed: {each.says}{_without(each)}" for each in effects(sizing)),
    ]
    return "\n".join(lines)


def _without(effect: Effect) -> str:
    return f" If not: {amounts.both(effect.otherwise.total)}." if effect.otherwise else ""


def _geometry(asked: argparse.Namespace) -> Geometry:
    if asked.model:
        return preset(asked.model)
    path = Path(asked.config or asked.geometry)
    with path.open("rb") as file:
        text = file.read(strict_json.MOST_BYTES + 1)
    return from_text(text, path.stem) if asked.config else Geometry.from_json(strict_json.read(text, "geometry"))


def _option(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except ValueError:
        raise InvalidInput("option", "written as name=value, such as block_size=32", text) from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lm_core.kv_sizing", description="Sizes a KV cache.")
    model = parser.add_mutually_exclusive_group(required=True)
    model.add_argument("--model", help=f"one of {', '.join(names())}")
    model.add_argument("--config", help="a model's config.json")
    model.add_argument("--geometry", help="layer groups as JSON")
    parser.add_argument("--context", type=int, required=True, help="tokens in every sequence")
    parser.add_argument("--batch", type=int, default=1, help="sequences")
    parser.add_argument("--dtype-k", default="auto", help="auto: what the engine takes by itself")
    parser.add_argument("--dtype-v", help="as K unless given")
    parser.add_argument("--engine", default="ideal", help=f"one of {', '.join(ENGINES)}")
    parser.add_argument("--tensor-parallel", type=int, default=1)
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="an option of the engine")
    parser.add_argument("--harmless", default="", metavar="KEY,KEY", help="keys that change nothing that is kept")
    parser.add_argument("--gpu", default="H100 80 GB", help=f"for --hand-in, one of {', '.join(GPUS)}")
    parser.add_argument("--utilisation", type=int, default=0, help="for --hand-in, percent; 0: the engine's default")
    parser.add_argument("--weight-format", default="", help=f"for --hand-in, one of {', '.join(FORMATS)}")
    parser.add_argument("--weights", type=float, default=0.0, help="for --hand-in, GB, instead of a format")
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--json", action="store_true")
    shown.add_argument("--csv", action="store_true", help="the parts on one GPU")
    shown.add_argument("--hand-in", action="store_true", help="one page of HTML: question, answer, assumptions")
    return parser


if __name__ == "__main__":
    sys.exit(main())
