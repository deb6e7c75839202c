"""What is trained: a method with its loss, and with features of a frozen encoder that are kept."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path

import torch
from torch import nn

from flexpad.data.loader import Items
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
        settings: Its ``mixed_precision`` and ``keep_features``.
        device: Where the method is.
    """

    def __init__(self, method: Method, settings: TrainRecipe, device: torch.device) -> None:
        super().__init__()
        self.method = method
        casts = settings.mixed_precision == "bf16"
        self.autocast = partial(torch.autocast, device.type, torch.bfloat16, enabled=casts)
        self.keeps_features = settings.keep_features
        self.skipped: Callable[[], AbstractContextManager[None]] = nullcontext

    def shown(self, items: Items, folder: Path) -> Items | KeptItems:
        """Give what training is shown of items: their images or, with ``keep_features``, features.

        Args:
            items: Training rows.
            folder: Where features are kept.

        Raises:
            BadInput: Features are to be kept, but nothing is frozen, images are varied too much, or
                they cannot be used.
        """
        if not self.keeps_features:
            return items
        whole = not self.method.reaches_into_tower
        part = frozen_part(self.method.clip, whole=whole, copies=self.method.copies)
        self.skipped = part.skipped
        return keep(part, items, folder, self.autocast)

    def forward(self, batch: Batch) -> Sums:
        """Give the terms of the loss of the whole batch, in fp32, and which experts it used."""
        with self.autocast(), self.skipped():
            evidence = self.method(batch)
        batch, evidence = processes.gather(batch, evidence)
        terms = self.method.loss(batch, evidence)
        losses = {f"{LOSS}{name}": (term, torch.ones_like(term)) for name, term in terms.items()}
        return losses | expert_usage(batch, evidence)
