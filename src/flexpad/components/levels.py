"""How the answer of a whole image and that of its patches become one."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def mean_probability(of_image: Tensor, of_patches: Tensor) -> Tensor:
    """Give the mean of the probabilities that two log odds stand for, as log odds."""
    bonafide = torch.logaddexp(F.logsigmoid(of_image), F.logsigmoid(of_patches))
    attack = torch.logaddexp(F.logsigmoid(-of_image), F.logsigmoid(-of_patches))
    return bonafide - attack
