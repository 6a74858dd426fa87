"""Activation patching of every cell: what of a second text, put in one place, makes the model answer as on that one.

Source: Meng et al. 2022, "Locating and Editing Factual Associations in GPT"; the measure is the logit difference of
Heimersheim and Nanda 2024, "How to use and interpret activation patching".
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from lm_core.errors import InvalidInput
from lm_core.inspection.forward_pass import Inspection
from lm_core.models.attention import Step, rotary, rotation_rates
from lm_core.models.transformer import Block, Transformer

_TOGETHER = 16  # positions patched in one batch: 16 x 64 tokens x 576 x 4 B = 2.4 MB of streams


def patch_effects(
    model: Transformer, first: Inspection, second: Inspection
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """(layer, effects) for each layer from the embeddings on: `second`'s stream put into `first`, a cell at a time.

    effects (time): how far the last position goes from the answer to `first` to that to `second`, by the lead of the
    one's likeliest token over the other's: 0 as `first`, 1 as `second`; it may lie outside. A generator, so that
    whoever asks can stop between two layers. Raises InvalidInput where the texts differ in length or agree in answer.

    >>> from lm_core import pretrained
    >>> from lm_core.inspection import inspect
    >>> model = pretrained.load()
    >>> first, second = (inspect(model, model.tokenizer.encode(f"The capital of {c} is")) for c in ("France", "Italy"))
    >>> effects = dict(patch_effects(model, first, second))
    >>> [round(float(effects[0][3]), 2), round(float(effects[30][4]), 2), round(float(effects[30][3]), 2)]
    [1.0, 1.0, 0.0]
    """
    time = len(first.ids)
    if len(second.ids) != time:
        raise InvalidInput("second", f"a text of {time} tokens, as the first", len(second.ids))
    tokens = [int(each.logits[-1].argmax()) for each in (first, second)]
    if tokens[0] == tokens[1]:
        raise InvalidInput("second", "a text with another likeliest next token", "the same")
    leads = [float(each.logits[-1, tokens[0]]) - float(each.logits[-1, tokens[1]]) for each in (first, second)]
    for layer in range(model.config.layers + 1):
        found = _leads(model, first, second, layer, tokens)
        yield layer, (leads[0] - found) / (leads[0] - leads[1])


@torch.inference_mode()
def _leads(
    model: Transformer, first: Inspection, second: Inspection, layer: int, tokens: list[int]
) -> NDArray[np.float64]:
    """(time): the lead of the first token over the other at the last position, for a patch at each position."""
    time = len(first.ids)
    differ = (first.residual[layer] != second.residual[layer]).any(axis=-1)  # (time)
    found = np.full(time, float(first.logits[-1, tokens[0]]) - float(first.logits[-1, tokens[1]]))
    for places in np.array_split(np.flatnonzero(differ), max(1, -(-int(differ.sum()) // _TOGETHER))):
        streams = torch.from_numpy(first.residual[layer]).repeat(len(places), 1, 1)  # (places, time, hidden)
        streams[torch.arange(len(places)), torch.from_numpy(places)] = torch.from_numpy(second.residual[layer, places])
        last = model.norm(_through(model, streams, layer)[:, -1])  # (places, hidden)
        logits = (last @ model.unembedding[tokens].T).double().numpy()  # (places, 2)
        found[places] = logits[:, 0] - logits[:, 1]
    return found


def _through(model: Transformer, streams: torch.Tensor, layer: int) -> torch.Tensor:
    """(batch, time, hidden) behind `layer` carried through all layers above it."""
    time, turn = streams.shape[1], None
    if model.embed_positions is None:
        turn = rotary(torch.arange(time)[None], rotation_rates(model.config))
    step = Step(turn, None, [time] * len(streams), None)
    for n, block in enumerate(model.layers[layer:], start=layer):
        assert isinstance(block, Block)
        streams = block(streams, n, step)
    return streams
