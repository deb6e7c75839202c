"""Terms of a loss that several methods have, in log odds: positive says bona fide."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from flexpad.types import MODALITIES


def classification(log_odds: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy of n answers, (n,) against (n,) with 1 for bona fide.

    With two classes a pair of logits is used only through its difference; cross-entropy over two
    logits is binary cross-entropy over their difference.
    """
    return F.binary_cross_entropy_with_logits(log_odds, target.to(log_odds.dtype))


def by_modality(log_odds: Tensor, present: Tensor, target: Tensor) -> dict[str, Tensor]:
    """Cross-entropy of what each modality answers, a term a modality.

    Each is a mean over all items, to which an item without the modality adds nothing, so that their
    sum is the mean over items of the sum over what they have.

    Args:
        log_odds: (B, M); what stands where a modality is absent is not read.
        present: (B, M) bool.
        target: 1 for bona fide, (B,).
    """
    answers = log_odds.masked_fill(~present, 0.0)
    wanted = target.to(answers.dtype)[:, None].expand_as(answers)
    losses = F.binary_cross_entropy_with_logits(answers, wanted, reduction="none")
    terms = losses.masked_fill(~present, 0.0).mean(dim=0)
    return {modality.value: term for modality, term in zip(MODALITIES, terms, strict=True)}
