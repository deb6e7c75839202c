"""How answers for single modalities become one for a subset of them."""

from __future__ import annotations

from torch import Tensor

from flexpad.types import BadInput

FUSIONS = ("mean", "sum")


def mean_of_logits(logits: Tensor, present: Tensor) -> Tensor:
    """Answer for a subset by the mean of its score logits.

    Args:
        logits: (B, M); what stands where a modality is not in the subset is not read.
        present: The subset, (B, M) bool, at least one True per row.

    Returns:
        (B,).
    """
    return logits.masked_fill(~present, 0.0).sum(dim=1) / present.sum(dim=1)


def fuse_logits(logits: Tensor, present: Tensor, fusion: str) -> Tensor:
    """Answer for a subset by the mean or the sum of its score logits.

    Args:
        logits: (B, M); what stands where a modality is not in the subset is not read.
        present: The subset, (B, M) bool, at least one True per row.
        fusion: ``sum`` takes modalities for independent witnesses, so that three that are fairly
            sure make a very sure one; ``mean`` keeps the scale of one modality, so that subsets of
            any size can be held against one threshold.

    Returns:
        (B,).
    """
    mean = mean_of_logits(logits, present)
    return mean * present.sum(dim=1) if fusion == "sum" else mean


def require_fusion(fusion: str) -> None:
    """Refuse what is no way to fuse.

    Raises:
        BadInput: It is neither of :data:`FUSIONS`.
    """
    if fusion not in FUSIONS:
        raise BadInput(f"key 'fusion' should be {' or '.join(FUSIONS)}, not {fusion!r}")
