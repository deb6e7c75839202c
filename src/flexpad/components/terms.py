"""Terms of a loss that several methods have, in log odds: positive says bona fide."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def classification(log_odds: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy of n answers, (n,) against (n,) with 1 for bona fide.

    With two classes a pair of logits is used only through its difference; cross-entropy over two
    logits is binary cross-entropy over their difference.
    """
    return F.binary_cross_entropy_with_logits(log_odds, target.to(log_odds.dtype))
