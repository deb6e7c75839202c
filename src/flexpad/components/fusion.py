"""How answers for single modalities become one for a subset of them."""

from __future__ import annotations

from torch import Tensor


def mean_of_logits(logits: Tensor, present: Tensor) -> Tensor:
    """Answer for a subset by the mean of its score logits.

    Args:
        logits: (B, M); what stands where a modality is not in the subset is not read.
        present: The subset, (B, M) bool, at least one True per row.

    Returns:
        (B,).
    """
    return logits.masked_fill(~present, 0.0).sum(dim=1) / present.sum(dim=1)
