"""The training loss: targets shifted by one, cross-entropy of the logits."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lm_core.errors import InvalidInput

IGNORED = -100
"""A target that is not scored, such as padding."""


def shift(ids: Sequence[int]) -> tuple[list[int], list[int]]:
    """Inputs and targets of one sequence: at each position the target is the token that comes next.

    A sequence of L tokens holds L - 1 predictions, all of them made in one pass (teacher forcing, Williams 1989).

    >>> shift([0, 1, 2, 3, 4])
    ([0, 1, 2, 3], [1, 2, 3, 4])
    """
    if len(ids) < 2:
        raise InvalidInput("ids", "at least 2 tokens: one to read and one to predict", list(ids))
    return list(ids[:-1]), list(ids[1:])


def token_losses(logits: Tensor, targets: Tensor) -> Tensor:
    """-ln p(target) of each position, nats: logits (..., vocab), targets (...) -> (...); 0 where IGNORED, whatever
    the logits are there.

    ln p = logit - ln sum exp(logits); logsumexp subtracts the largest logit first, so that nothing overflows.
    """
    if logits.dim() < 1 or logits.shape[:-1] != targets.shape or logits.shape[-1] == 0:
        raise InvalidInput("targets", f"of shape {tuple(logits.shape[:-1])}, as the logits", tuple(targets.shape))
    if targets.dtype != torch.int64 or not logits.is_floating_point():
        raise InvalidInput("targets", "int64, with logits of floats", f"{targets.dtype}, {logits.dtype}")
    scored = targets != IGNORED
    index = targets.where(scored, 0)
    if targets.numel() and not (int(index.min()) >= 0 and int(index.max()) < logits.shape[-1]):
        allowed = f"token ids from 0 to {logits.shape[-1] - 1}, or {IGNORED}"
        raise InvalidInput("targets", allowed, [int(targets.min()), int(targets.max())])
    if not scored.all():  # 0 times nan or inf is nan, also in the gradient: such a row is not looked at
        logits = logits.where(scored.unsqueeze(-1), 0.0)  # (..., 1), over the vocabulary
    true = logits.gather(-1, index.unsqueeze(-1)).squeeze(-1)
    return (logits.logsumexp(-1) - true).where(scored, 0.0)


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean of -ln p(target) over the positions that are scored, nats per token.

    torch gives nan when every target is ignored; here that is an error.

    >>> rows = torch.tensor([[0.0, 0.0], [0.0, 0.0]])
    >>> round(cross_entropy(rows, torch.tensor([1, IGNORED])).item(), 4)
    0.6931
    """
    losses = token_losses(logits, targets)
    scored = int((targets != IGNORED).sum())
    if scored == 0:
        raise InvalidInput("targets", "at least one that is not ignored", "none")
    return losses.sum() / scored
