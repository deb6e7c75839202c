"""What is minimised: a method and its loss as one module."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path

import torch
from torch import nn

from flexpad.data.loader import Items
from flexpad.encoders.clip import Clip
from flexpad.encoders.feature_cache import KeptItems, frozen_part, keep
from flexpad.engine import processes
from flexpad.engine.diary import Sums, expert_usage
from flexpad.methods import Method
from flexpad.recipe import TrainRecipe
from flexpad.types import Batch

LOSS = "loss/"  # stands before the name of a term


class Objective(nn.Module):
    """A method and its loss as the one module that processes share.

    What all processes say of their parts of a batch is put together before the loss, so that terms
    which compare items mean the same on one process and on many.

    Args:
        method: What is trained.
        settings: Its ``mixed_precision``, ``compile`` and ``keep_features``.
        device: Where the method is.
    """

    def __init__(self, method: Method, settings: TrainRecipe, device: torch.device) -> None:
        super().__init__()
        self.method = method
        casts = settings.mixed_precision == "bf16"
        self.autocast = partial(torch.autocast, device.type, torch.bfloat16, enabled=casts)
        self.keeps = settings.keep_features
        self.skipped: Callable[[], AbstractContextManager[None]] = nullcontext
        if settings.compile:
            method.compile()

    def forward(self, batch: Batch) -> Sums:
        """Give the terms of the loss of the whole batch, in fp32, and which experts it used."""
        with self.autocast(), self.skipped():
            evidence = self.method(batch)
        batch, evidence = processes.gather(batch, evidence)
        terms = self.method.loss(batch, evidence)
        losses = {f"{LOSS}{name}": (term, torch.ones_like(term)) for name, term in terms.items()}
        return losses | expert_usage(batch, evidence)

    def shown(self, items: Items, clip: Clip, folder: Path) -> Items | KeptItems:
        """Give what training reads: the items, or features of them that are computed once.

        Args:
            items: Of the training rows.
            clip: Of the method.
            folder: Where features are kept.

        Raises:
            BadInput: Nothing is frozen, more than a mirror varies the images, or the disk is full.
        """
        if not self.keeps:
            return items
        part = frozen_part(clip, whole=not self.method.reaches_into_tower)
        self.skipped = part.skipped
        return keep(part, items, folder, self.autocast)
