"""How what an image answers at its levels, the whole and its patches, becomes one answer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import torch
import torch.nn.functional as F
from torch import Tensor


def mean_probability(answers: Sequence[Tensor]) -> Tensor:
    """Give the mean of the probabilities that log odds of one shape stand for, as log odds."""
    if len(answers) == 1:
        return answers[0]
    bonafide = reduce(torch.logaddexp, [F.logsigmoid(odds) for odds in answers])
    attack = reduce(torch.logaddexp, [F.logsigmoid(-odds) for odds in answers])
    return bonafide - attack
