"""Which epoch is kept: the one that is best on dev. Test rows are never asked."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
import torch
from accelerate.utils import gather_object
from numpy.typing import NDArray
from torch import nn
from torch.utils.data import DataLoader, Subset

from flexpad import metrics
from flexpad.data.loader import Items, batches, collate, to_device
from flexpad.engine import processes
from flexpad.infer import BATCH, answer
from flexpad.methods import Method
from flexpad.types import SINGLE


@dataclass(frozen=True, slots=True)
class OnDev:
    """What an epoch reaches on dev.

    Attributes:
        error: Equal error rate, mean over R, D and I.
        loss: Cross-entropy of what is answered, mean over the same.
        eer: Equal error rate of every condition that was asked.
    """

    error: float
    loss: float
    eer: dict[str, float]


@torch.no_grad()
def evaluate(
    method: Method,
    dev: Items,
    autocast: Callable[[], AbstractContextManager[object]],
    device: torch.device,
    workers: int,
    conditions: Sequence[str],
) -> OnDev:
    """Measure a method on dev; every process answers for its share, and all learn the result.

    Args:
        method: In evaluation mode.
        dev: Its items.
        autocast: Makes the context it answers in.
        device: Where the method is.
        workers: Processes that read images.
        conditions: What it is shown; R, D and I among them.
    """
    mine = processes.share(len(dev))
    loader = DataLoader(
        Subset(dev, mine), batch_size=BATCH, collate_fn=collate, num_workers=workers
    )
    answers: dict[str, list[NDArray[np.float64]]] = defaultdict(list)
    for batch in batches(loader):
        with autocast():
            found = answer(method, to_device(batch, device), conditions)
        for condition, logits in found.items():
            answers[condition].append(logits.cpu().numpy())
    table = np.stack([np.concatenate(answers[c]) for c in conditions], axis=1) if mine else None
    everyone = gather_object([(mine, table)])
    whole = np.full((len(dev), len(conditions)), np.nan)
    for places, part in everyone:
        whole[places] = part
    return _judge(whole, dev, conditions)


def _judge(answers: NDArray[np.float64], dev: Items, conditions: Sequence[str]) -> OnDev:
    """Turn log odds (S, conditions) into errors and losses."""
    bonafide = np.array([row.is_bonafide for row in dev.manifest])
    species = np.array([row.pai_species for row in dev.manifest])
    target = torch.from_numpy(bonafide).double()
    errors, losses = {}, {}
    for condition, logits in zip(conditions, answers.T, strict=True):
        rate = metrics.eer(metrics.presentations(logits, bonafide, species)).rate
        errors[condition] = math.inf if rate is None else rate
        answered = ~np.isnan(logits)
        entropy = nn.functional.binary_cross_entropy_with_logits(
            torch.from_numpy(logits[answered]), target[answered]
        )
        losses[condition] = float(entropy.nan_to_num(math.inf))  # nothing is answered
    error, loss = (float(np.mean([of[c] for c in SINGLE])) for of in (errors, losses))
    return OnDev(error, loss, errors)
