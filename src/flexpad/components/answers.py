"""How answers are put together, of levels and of modalities; each is a log odds."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from flexpad.types import BadInput

FUSIONS = ("mean", "sum")


def mean_probability(one: Tensor, other: Tensor) -> Tensor:
    """Give the mean of the probabilities that two log odds stand for, as log odds."""
    bonafide = torch.logaddexp(F.logsigmoid(one), F.logsigmoid(other))
    attack = torch.logaddexp(F.logsigmoid(-one), F.logsigmoid(-other))
    return bonafide - attack


def require_fusion(fusion: str) -> None:
    """Refuse what is no way to fuse.

    Raises:
        BadInput: It is neither of :data:`FUSIONS`.
    """
    if fusion not in FUSIONS:
        raise BadInput(f"key 'fusion' should be {' or '.join(FUSIONS)}, not {fusion!r}")


def fuse_logits(logits: Tensor, present: Tensor, fusion: str = "mean") -> Tensor:
    """Answer for a subset by the answers of its modalities.

    Args:
        logits: (B, M); what stands where a modality is absent is never read.
        present: (B, M) bool, at least one True per row.
        fusion: ``sum`` takes modalities for independent witnesses, so that three that are fairly
            sure make a very sure one; ``mean`` keeps the scale of one modality, so that subsets of
            any size can be held against one threshold.

    Returns:
        (B,).
    """
    total = logits.masked_fill(~present, 0.0).sum(dim=1)
    return total if fusion == "sum" else total / present.sum(dim=1)
