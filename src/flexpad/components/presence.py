"""Who is there: from packed images to their places, and which modalities may see which."""

from __future__ import annotations

import torch
from torch import Tensor

from flexpad.engine.draws import Draws


def unpack(packed: Tensor, present: Tensor, absent: float) -> Tensor:
    """Put what was computed of present images back to its place.

    Args:
        packed: (n, ...), in row-major order of ``present``.
        present: (B, M) bool with n True.
        absent: What stands elsewhere.

    Returns:
        (B, M, ...).
    """
    unpacked = packed.new_full((*present.shape, *packed.shape[1:]), absent)
    unpacked[present] = packed
    return unpacked


def visible(shown: Tensor) -> Tensor:
    """Tell what each modality may see: what is shown of its item, and itself in any case.

    Args:
        shown: (B, M) bool.

    Returns:
        (B, M, M) bool: whether the first modality sees the second. A row of a modality that is
        absent means nothing, and is not empty.

    >>> visible(torch.tensor([[True, False, False]]))[0].int().tolist()
    [[1, 0, 0], [1, 1, 0], [1, 0, 1]]
    """
    itself = torch.eye(shown.shape[1], dtype=torch.bool, device=shown.device)
    return shown[:, None] | itself


def shown_in_training(present: Tensor, hidden: float, draws: Draws) -> Tensor:
    """Draw what others may see of an item in a training step, (B, M) bool.

    Args:
        present: (B, M) bool.
        hidden: Probability with which a modality is hidden from the others.
        draws: Of the step.
    """
    drawn = draws.uniform("shown to other modalities", *present.shape).to(present.device)
    return present & (drawn >= hidden)


def mean_of_present(values: Tensor, present: Tensor) -> Tensor:
    """Give the mean of values (B, M, ...) over the present modalities of an item, (B, ...).

    What stands where a modality is absent is not read, even where it is NaN.
    """
    mask = present.view(*present.shape, *[1] * (values.dim() - 2))
    return values.masked_fill(~mask, 0.0).sum(dim=1) / mask.sum(dim=1)
